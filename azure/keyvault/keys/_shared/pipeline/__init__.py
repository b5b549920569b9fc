"""What lies between a client and its transport: the order of policies, and the policies except authentication.

The limits of a call, retries, redirects, logging and tracing. Stands on ``transport`` (TLS, proxies) and ``wire``
(origins).
"""
