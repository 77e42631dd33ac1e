"""One person's life with us over all channels, newest first."""
