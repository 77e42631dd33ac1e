"""What comes in, from the first byte on: kept raw, then understood, every piece counted."""
