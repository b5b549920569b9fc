"""One side of an exchange: ``real_set_up.py write | wrap | read``, what the other side said being on standard input.

``write`` and ``read`` run with confluent-kafka as it is installed, Microsoft's azure-keyvault-keys included; ``wrap``
runs with this library in its place. Each prints one line of JSON.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

from azure.identity import DefaultAzureCredential

import azure.keyvault.keys as keys

KEY_ID = f"{os.environ['VAULT_URL']}/keys/orders"
MESSAGE = {"name": "Bostonian", "crates": "42 crates of tea"}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "crates": {"type": "string", "confluent:tags": ["PII"]}},
}
SAVED = {"encrypt.azure.key.version.save": "true"}


def theirs(data_key: str | None) -> tuple[Any, Any, Any]:
    """Return confluent-kafka's serializer, deserializer and registry of data keys, with a data key if it is given."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
    from confluent_kafka.schema_registry.rule_registry import RuleRegistry
    from confluent_kafka.schema_registry.rules.encryption.azurekms.azure_driver import AzureKmsDriver
    from confluent_kafka.schema_registry.rules.encryption.dek_registry.mock_dek_registry_client import (
        MockDekRegistryClient,
    )
    from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import FieldEncryptionExecutor
    from confluent_kafka.schema_registry.schema_registry_client import (
        Rule,
        RuleKind,
        RuleMode,
        RuleParams,
        RuleSet,
        Schema,
    )

    AzureKmsDriver.register()
    executor = FieldEncryptionExecutor()
    RuleRegistry.register_rule_executor(executor)
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    parameters = RuleParams(
        {"encrypt.kek.name": "kek", "encrypt.kms.type": "azure-kms", "encrypt.kms.key.id": KEY_ID, **SAVED}
    )
    mode = RuleMode.WRITEREAD
    rule = Rule(
        "encrypt", "", RuleKind.TRANSFORM, mode, "ENCRYPT", ["PII"], parameters, None, None, "ERROR,NONE", False
    )
    client.register_schema("orders-value", Schema(json.dumps(SCHEMA), "JSON", [], None, RuleSet(None, [rule])))
    options = {"auto.register.schemas": False, "use.latest.version": True}
    serializer = JSONSerializer(json.dumps(SCHEMA), client, conf=options, rule_conf=SAVED)
    deserializer = JSONDeserializer(
        None, schema_registry_client=client, conf={"use.latest.version": True}, rule_conf=SAVED
    )
    registry = executor.executor.client = MockDekRegistryClient({"url": "mock://"})
    registry.register_kek("kek", "azure-kms", KEY_ID, kms_props=SAVED)
    if data_key:
        registry.register_dek("kek", "orders-value", data_key)
    return serializer, deserializer, registry


def main(work: str) -> dict[str, Any]:
    """Do one part, and return what came out."""
    got = json.loads(sys.stdin.read() or "{}")
    outcome: dict[str, Any] = {"library": keys.__version__}
    if work == "wrap":
        from azure.keyvault.keys.tink import AzureKmsClient

        with DefaultAzureCredential() as credential, keys.KeyClient(os.environ["VAULT_URL"], credential) as vault:
            ours = AzureKmsClient(credential, allowed_suffixes=["localhost"]).get_aead(f"azure-kms://{KEY_ID}")
            vault.rotate_key("orders")
            data_key = ours.decrypt(base64.b64decode(got["data key"]), b"")
            wrapped = ours.encrypt(data_key, b"")
            vault.rotate_key("orders")
        return {**outcome, "data key": base64.b64encode(wrapped).decode(), "header": wrapped[:9].decode()}

    from confluent_kafka.serialization import MessageField, SerializationContext

    context = SerializationContext("orders", MessageField.VALUE)
    serializer, deserializer, registry = theirs(got.get("data key"))
    if work == "write":
        with DefaultAzureCredential() as credential, keys.KeyClient(os.environ["VAULT_URL"], credential) as vault:
            vault.create_rsa_key("orders")
        message = serializer(dict(MESSAGE), context)
        outcome["hidden"] = MESSAGE["crates"].encode() not in message and b"Bostonian" in message
        outcome["message"] = base64.b64encode(message).decode()
        outcome["data key"] = registry.get_dek("kek", "orders-value").encrypted_key_material
        outcome["header"] = base64.b64decode(outcome["data key"])[:9].decode()
    else:
        outcome["read"] = deserializer(base64.b64decode(got["message"]), context)
    return outcome


print(json.dumps(main(sys.argv[1])))
