"""The operations of the service: one module for each group, the routing table, and translation in and out.

Depends on the packages ``_cryptography`` and ``_storage``.
"""
