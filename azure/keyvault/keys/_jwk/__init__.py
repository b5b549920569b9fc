"""JsonWebKey and its conversions (PEM, DER, RFC 7517, ``cryptography`` objects), with one module per key family.

This package knows neither azure-core nor the service. A family's module is imported when one of its keys is converted.
"""

from .web_key import JsonWebKey, family_of, member_names

__all__ = ["JsonWebKey", "family_of", "member_names"]
