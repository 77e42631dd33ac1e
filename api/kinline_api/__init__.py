"""The HTTP API: it reads strictly, asks the core, and answers. No rule of the hub lives here.

The way of a call: `app` (host, path, request id) → `route` (key, scope, query, body) → a handler in
`routes/`, which calls the core → an `Answer`; whatever goes wrong becomes a problem (RFC 9457) in `problems`.
"""
