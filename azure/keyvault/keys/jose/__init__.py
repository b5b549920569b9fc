"""Keys of a vault in JOSE libraries, JSON Web Tokens, JWK Sets and Microsoft Entra ID. Needs the extra ``[jose]``.

Nothing in the library imports this package. joserfc and jwcrypto implement the formats; this package gives them the
keys.
"""

from .. import _extras

_extras.require("jose", "joserfc", what="azure.keyvault.keys.jose")

from ._assertion import ClientAssertion  # noqa: E402  # after the check, so that users see its error
from ._key_sets import jwk_set  # noqa: E402
from ._keys import joserfc_key, jwcrypto_key  # noqa: E402
from ._tokens import sign_jwt  # noqa: E402

__all__ = ["ClientAssertion", "joserfc_key", "jwcrypto_key", "jwk_set", "sign_jwt"]
