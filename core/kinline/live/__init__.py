"""Keeping accounts connected: looking at the provider, bringing in the past, telling how an account is."""
