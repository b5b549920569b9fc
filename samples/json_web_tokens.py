"""Sign JSON Web Tokens in a vault, publish the public keys, and verify tokens after a rotation.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/json_web_tokens.py

It needs the library's extra ``jose``.
"""

import os
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from azure.identity import DefaultAzureCredential
from joserfc import jwt
from joserfc.jwk import KeySet

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.jose import jwk_set, sign_jwt

VAULT_URL = os.environ["VAULT_URL"]


def claims_for(subject: str) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    return {"iss": "https://login.example", "sub": subject, "iat": now, "exp": now + timedelta(minutes=5)}


def verify(token: str, key_set: Any) -> str:
    # A consumer needs only the published key set. The token's header names the key that signed it.
    decoded = jwt.decode(token, KeySet.import_key_set(key_set), algorithms=["ES256"])
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": "https://login.example"}).validate(decoded.claims)
    return str(decoded.claims["sub"])


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"tokens-{uuid.uuid4().hex[:8]}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        client.create_ec_key(name, curve="P-256")
        print(f"Created   {name}")

        # Keep one such client. It signs with the newest version, and checks for a new one every ten minutes.
        crypto = client.get_cryptography_client(name, refresh_after=600)
        token = sign_jwt(crypto, claims_for("first"))
        print(f"Signed    a token of {len(token)} characters")

        key_set = jwk_set(client, name)
        print(f"Published {len(key_set['keys'])} public key")
        print(f"Verified  the token of {verify(token, key_set)!r}")

        client.rotate_key(name)
        newest = client.get_cryptography_client(name)
        later = sign_jwt(newest, claims_for("second"))
        key_set = jwk_set(client, name)
        print(f"Rotated   the key: {len(key_set['keys'])} public keys are now published")
        print(f"Verified  the tokens of {verify(token, key_set)!r} and {verify(later, key_set)!r}")

        client.delete_key(name)
        client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    main()
