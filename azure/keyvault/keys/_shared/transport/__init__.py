"""The transports for ``urllib3`` and ``aiohttp``, their TLS and proxy settings, and the limits of a response.

Only connections create transports. The other packages use only the TLS and proxy settings.
"""
