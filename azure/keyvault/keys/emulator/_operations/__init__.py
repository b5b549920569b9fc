"""The operations of the service: one module for each group, the table of routes, and translation in and out.

Stands on the rooms of cryptography and storage.
"""
