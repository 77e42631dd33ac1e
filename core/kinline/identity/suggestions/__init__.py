"""Which two persons may be one: rules over an index of what people go by, put before a human who decides."""
