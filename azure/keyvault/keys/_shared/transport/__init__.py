"""The transports for ``urllib3`` and ``aiohttp``, their TLS settings, and what they accept as the body of an answer.

Only connections make transports; the other rooms ask this one about TLS and proxies.
"""
