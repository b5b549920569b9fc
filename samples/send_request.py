"""Send your own requests through the client's pipeline, for operations that have no method.

Set VAULT_URL to the URL of a vault where you have all key permissions, and sign in with ``az login`` or another way
that DefaultAzureCredential supports. Or run the sample without Azure:

    python -m azure.keyvault.keys.emulator run python samples/send_request.py
"""

import os
import uuid

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient

VAULT_URL = os.environ["VAULT_URL"]


def main() -> None:
    # Names of deleted keys stay reserved until they are purged, so every run uses a new one.
    name = f"request-{uuid.uuid4().hex[:8]}"

    with DefaultAzureCredential() as credential, KeyClient(VAULT_URL, credential) as client:
        # The client adds the vault's URL, the API version, a token, retries and logging.
        request = HttpRequest("POST", f"/keys/{name}/create", json={"kty": "EC", "crv": "P-256"})
        response = client.send_request(request)
        print(f"Created   {response.json()['key']['kid']}: {response.status_code}")

        # If the URL contains an API version, the client keeps it.
        response = client.send_request(HttpRequest("GET", f"/keys/{name}?api-version=7.4"))
        print(f"Got       {response.json()['key']['kid']} with API version 7.4: {response.status_code}")

        # Errors do not raise until you call raise_for_status, which raises HttpResponseError for every status.
        response = client.send_request(HttpRequest("GET", f"/keys/{name}-too"))
        print(f"Asked     for a key that does not exist: {response.status_code}")
        try:
            response.raise_for_status()
        except HttpResponseError as error:
            print(f"Raised    {type(error).__name__}: {error.error.code if error.error else None}")

        # Requests contain a token for the vault, so the client does not send them anywhere else.
        try:
            client.send_request(HttpRequest("GET", "https://elsewhere.example/keys"))
        except ValueError as error:
            print(f"Refused   {error}")

        client.delete_key(name)
        client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    main()
