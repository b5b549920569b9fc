"""The policies between a client and its transport, except authentication, and their order.

Deadlines, retries, redirects, logging and tracing. Stands on ``transport``, ``sockets`` (TLS, proxies) and ``wire``
(origins).
"""
