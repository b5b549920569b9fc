"""JSON Web Tokens and JWK Sets for asyncio."""

from ._key_sets import jwk_set
from ._tokens import sign_jwt

__all__ = ["jwk_set", "sign_jwt"]
