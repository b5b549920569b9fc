"""What a user of 4.x writes, in twenty lines."""

from azure.identity import DefaultAzureCredential

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient


def main() -> None:
    """Create, use, list and delete a key."""
    credential = DefaultAzureCredential()
    with KeyClient("https://my-vault.vault.azure.net", credential) as client:
        key = client.create_rsa_key("my-key", size=2048)
        modulus = key.key.n or b""
        print(key.name.upper(), len(modulus) * 8, key.properties.version)
        with CryptographyClient(key, credential=credential) as crypto:
            print(crypto.encrypt("RSA-OAEP-256", b"42 crates").ciphertext.hex())
            print(crypto.sign("PS256", bytes(32)).signature.hex())
        for properties in client.list_properties_of_keys():
            print(properties.name.upper(), properties.expires_on and properties.expires_on.isoformat())
        poller = client.begin_delete_key("my-key")
        poller.wait()
        print(poller.result().recovery_id)
