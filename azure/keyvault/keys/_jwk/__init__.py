"""JsonWebKey, its conversions (PEM, DER, RFC 7517, ``cryptography`` objects), one module for each family.

Knows neither azure-core nor the service. The families are imported when a key of theirs is converted.
"""

from .web_key import JsonWebKey, family_of, fields_of

__all__ = ["JsonWebKey", "family_of", "fields_of"]
