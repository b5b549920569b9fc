"""A field is encrypted by confluent-kafka and its key read by this library, and the other way round.

Vault and credential come from the environment. Prints one line of JSON: what came out. Schema registry and registry of
data keys are confluent-kafka's own stand-ins in memory.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

import tink
from azure.identity import DefaultAzureCredential
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.rules.encryption.azurekms.azure_driver import AzureKmsDriver
from confluent_kafka.schema_registry.rules.encryption.dek_registry.mock_dek_registry_client import (
    MockDekRegistryClient,
)
from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import FieldEncryptionExecutor
from confluent_kafka.schema_registry.schema_registry_client import Rule, RuleKind, RuleMode, RuleParams, RuleSet, Schema
from confluent_kafka.serialization import MessageField, SerializationContext

import azure.keyvault.keys as keys
from azure.keyvault.keys.tink import AzureKmsClient

URL = os.environ["VAULT_URL"]
NAME = sys.argv[1]
KEY_ID = f"{URL}/keys/{NAME}"
MESSAGE = {"name": "Bostonian", "crates": "42 crates of tea"}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "crates": {"type": "string", "confluent:tags": ["PII"]}},
}
CONTEXT = SerializationContext("orders", MessageField.VALUE)
SAVED = {"encrypt.azure.key.version.save": "true"}

AzureKmsDriver.register()
executor = FieldEncryptionExecutor()
from confluent_kafka.schema_registry.rule_registry import RuleRegistry  # noqa: E402

RuleRegistry.register_rule_executor(executor)


def schema_registry() -> Any:
    """Return a schema registry with a schema whose rule encrypts a field under a key of the vault."""
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    parameters = {"encrypt.kek.name": "kek", "encrypt.kms.type": "azure-kms", "encrypt.kms.key.id": KEY_ID, **SAVED}
    rule = Rule(
        "encrypt",
        "",
        RuleKind.TRANSFORM,
        RuleMode.WRITEREAD,
        "ENCRYPT",
        ["PII"],
        RuleParams(parameters),
        None,
        None,
        "ERROR,NONE",
        False,
    )
    client.register_schema("orders-value", Schema(json.dumps(SCHEMA), "JSON", [], None, RuleSet(None, [rule])))
    return client


def forget_keys() -> MockDekRegistryClient:
    """Have confluent-kafka start with an empty registry of data keys and no KMS client."""
    tink._kms_clients.reset_kms_clients()
    registry = MockDekRegistryClient({"url": "mock://"})
    executor.executor.client = registry
    return registry


def main() -> dict[str, Any]:
    """Run all, and return what came out."""
    outcome: dict[str, Any] = {"library": keys.__version__}
    with DefaultAzureCredential() as credential, keys.KeyClient(URL, credential) as vault:
        vault.create_rsa_key(NAME)
        ours = AzureKmsClient(credential, allowed_suffixes=["localhost"]).get_aead(f"azure-kms://{KEY_ID}")
        registry_client = schema_registry()
        options = {"auto.register.schemas": False, "use.latest.version": True}
        serializer = JSONSerializer(json.dumps(SCHEMA), registry_client, conf=options, rule_conf=SAVED)
        deserializer = JSONDeserializer(
            None, schema_registry_client=registry_client, conf={"use.latest.version": True}, rule_conf=SAVED
        )

        registry = forget_keys()
        registry.register_kek("kek", "azure-kms", KEY_ID, kms_props=SAVED)
        message = serializer(dict(MESSAGE), CONTEXT)
        outcome["field is hidden"] = MESSAGE["crates"].encode() not in message and b"Bostonian" in message
        theirs = base64.b64decode(registry.get_dek("kek", "orders-value").encrypted_key_material)
        outcome["their header"] = theirs[:9].decode()
        vault.rotate_key(NAME)
        data_key = ours.decrypt(theirs, b"")

        registry = forget_keys()
        registry.register_kek("kek", "azure-kms", KEY_ID, kms_props=SAVED)
        wrapped = ours.encrypt(data_key, b"")
        outcome["our header"] = wrapped[:9].decode()
        registry.register_dek("kek", "orders-value", base64.b64encode(wrapped).decode())
        vault.rotate_key(NAME)
        outcome["they read with the key that we wrapped"] = deserializer(message, CONTEXT)

        forget_keys().register_kek("kek", "azure-kms", KEY_ID)
        tink.register_kms_client(AzureKmsClient(credential, allowed_suffixes=["localhost"]))
        again = serializer(dict(MESSAGE), CONTEXT)
        outcome["they write and read with our client in place of theirs"] = deserializer(again, CONTEXT)

        tink._kms_clients.reset_kms_clients()
        uri = f"azure-kms://{KEY_ID}"
        without = AzureKmsDriver().new_kms_client({}, uri).get_aead(uri).encrypt(data_key, b"")
        fresh = AzureKmsClient(credential, allowed_suffixes=["localhost"]).get_aead(uri)
        outcome["we read what has no header"] = len(without) == 256 and fresh.decrypt(without, b"") == data_key
    return outcome


print(json.dumps(main()))
