"""Channel accounts, the teams that may read them, keys to the API."""
