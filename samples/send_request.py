"""Send your own requests through the client's pipeline, for operations that the client has no method for.

Set VAULT_URL to the URL of a vault in which you have all key permissions, and sign in for DefaultAzureCredential
(``az login`` is enough). Or run the sample without Azure:

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
        # The client adds the address of the vault, the API version, the token, retries and logging.
        request = HttpRequest("POST", f"/keys/{name}/create", json={"kty": "EC", "crv": "P-256"})
        response = client.send_request(request)
        print(f"Created   {response.json()['key']['kid']}: {response.status_code}")

        # An API version in the URL is left as it is.
        response = client.send_request(HttpRequest("GET", f"/keys/{name}?api-version=7.4"))
        print(f"Got       {response.json()['key']['kid']} by API version 7.4: {response.status_code}")

        # An error is an answer like any other, until you ask for an exception: HttpResponseError, whatever the status.
        response = client.send_request(HttpRequest("GET", f"/keys/{name}-too"))
        print(f"Asked     for a key that is not there: {response.status_code}")
        try:
            response.raise_for_status()
        except HttpResponseError as error:
            print(f"Raised    {type(error).__name__}: {error.error.code if error.error else None}")

        # The token belongs to the vault: what leads elsewhere is not sent.
        try:
            client.send_request(HttpRequest("GET", "https://elsewhere.example/keys"))
        except ValueError as error:
            print(f"Refused   {error}")

        client.delete_key(name)
        client.purge_deleted_key(name)
        print(f"Purged    {name}")


if __name__ == "__main__":
    main()
