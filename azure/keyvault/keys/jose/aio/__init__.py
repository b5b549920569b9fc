"""JSON Web Tokens and JWK Sets in asyncio. What other libraries call without awaiting is in the package above."""

from ._key_sets import jwk_set
from ._tokens import sign_jwt

__all__ = ["jwk_set", "sign_jwt"]
