"""Forks, and uses in the child a credential that the parent's emulator gave. Run by a test."""

import os
import pickle

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

with KeyVaultEmulator() as vault:
    client = KeyClient(vault.url, vault.credential, **vault.client_options)
    pickled = pickle.dumps(client)
    client.create_rsa_key("orders")
    client.close()
    before = len(vault.token_requests)
    child = os.fork()
    if child == 0:
        try:
            name = pickle.loads(pickled).get_key("orders").name
            os._exit(0 if name == "orders" else 1)
        except BaseException:
            os._exit(2)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
    grants = [request.grant for request in vault.token_requests[before:]]
    assert grants == ["managed_identity"], grants
