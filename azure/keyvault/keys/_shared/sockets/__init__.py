"""Sockets with limits: look-ups of names, proxies, TLS settings, and connections that are kept for the next request.

The transports open their connections here. The pipeline and connections use only the TLS and proxy settings.
"""
