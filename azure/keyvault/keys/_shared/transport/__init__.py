"""The transports for ``urllib3`` and ``aiohttp``: request and response bodies, their limits, and what a failure means.

Builds on ``sockets``. Only connections create transports.
"""
