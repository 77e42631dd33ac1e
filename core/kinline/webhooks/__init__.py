"""Signed calls to the company's own systems (Standard Webhooks): at least once, never to a private address."""
