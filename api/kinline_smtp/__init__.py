"""Receives mail: SMTP or LMTP in, raw bytes durable before 250. It knows channels only by their contract."""
