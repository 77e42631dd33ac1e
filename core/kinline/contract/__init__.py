"""The channel contract: what a plugin is, how it is found, what it may ask for."""
