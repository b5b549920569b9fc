"""The generated layer is what the document says. msrest's own serializer shows what a request should look like."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from fixtures.cases import Cases
from msrest.serialization import Serializer

from azure.keyvault.keys._generated import models, operations, versions
from azure.keyvault.keys._shared.wire.api_versions import DEFAULT_VERSION, ApiVersion
from azure.keyvault.keys._shared.wire.members import Malformed
from azure.keyvault.keys._shared.wire.reading import read
from azure.keyvault.keys._shared.wire.writing import write
from azure.keyvault.keys.emulator._api_versions import LATEST_STABLE
from azure.keyvault.keys.emulator._api_versions import VERSIONS as EMULATED

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "azure" / "keyvault" / "keys" / "_generated"
DOCUMENT = ROOT / "codegen" / "keyvault-keys.yaml"
SPEC: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))

API_VERSIONS: list[str] = SPEC["components"]["schemas"]["ApiVersion"]["enum"]
SPEC_OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {**operation, "method": method, "path": path}
    for path, item in SPEC["paths"].items()
    for method, operation in item.items()
    if method != "parameters" and not operation.get("x-latest-of")
}
FUNCTIONS = {
    name: function
    for name, function in inspect.getmembers(operations, inspect.isfunction)
    if function.__module__ == operations.__name__ and not name.startswith("_")
}
BODIES: dict[str, models.Model] = {
    "create_key": models.KeyCreateParameters(kty="RSA"),
    "import_key": models.KeyImportParameters(key=models.JsonWebKey(kty="oct", k=b"k" * 16)),
    "update_key": models.KeyUpdateParameters(),
    "restore_key": models.KeyRestoreParameters(value=b"blob"),
    "sign": models.KeySignParameters(alg="ES256", value=b"d" * 32),
    "verify": models.KeyVerifyParameters(alg="ES256", digest=b"d" * 32, signature=b"s" * 64),
    "update_key_rotation_policy": models.KeyRotationPolicy(),
    "release": models.KeyReleaseParameters(target="token"),
    "get_random_bytes": models.GetRandomBytesRequest(count=16),
    "secure_wrap_key": models.KeySecureWrapParameters(alg="A256KW"),
    "secure_unwrap_key": models.KeySecureUnwrapParameters(alg="A256KW", value=b"w", target="token"),
    **{
        name: models.KeyOperationsParameters(alg="RSA-OAEP", value=b"v")
        for name in ("encrypt", "decrypt", "wrap_key", "unwrap_key")
    },
}


def call(name: str, **overrides: Any) -> operations.Operation[Any]:
    """Call an operation's function with ordinary arguments."""
    wanted = inspect.signature(FUNCTIONS[name]).parameters
    given = {"key_name": "orders", "parameters": BODIES.get(name), **overrides}
    operation: operations.Operation[Any] = FUNCTIONS[name](**{key: given[key] for key in wanted if key in given})
    return operation


def serialize(model: models.Model) -> Any:
    return Serializer(models.CLASSES)._serialize(model, is_xml=False)


def deserialize(model: type[models.Model], data: Any) -> Any:
    return read(model, data)


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator, a program that is no part of the package."""
    monkeypatch.syspath_prepend(ROOT / "codegen")
    return importlib.import_module("generate")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the generated layer, to be spoilt."""
    return Path(shutil.copytree(GENERATED, tmp_path / "_generated", ignore=shutil.ignore_patterns("__pycache__")))


class TestGenerator:
    def test_check_accepts_what_is_committed(self, generate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        """`generate.py --check` passes: nobody has edited the generated layer or forgotten to write it."""
        result = generate.main(["--check"])
        assert capsys.readouterr().out == ""
        assert result == 0

    def test_check_detects_every_kind_of_difference(
        self, generate: ModuleType, copy: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """An edited, an added and a missing file are each named, and nothing is changed."""
        (copy / "operations.py").write_bytes((copy / "operations.py").read_bytes() + b"# by hand\n")
        (copy / "extra.py").touch()
        (copy / "versions.py").unlink()
        assert generate.main(["--check", "--output", str(copy)]) == 1
        report = capsys.readouterr().out
        assert "differs:    operations.py" in report
        assert "-# by hand" in report
        assert "unexpected: extra.py" in report
        assert "missing:    versions.py" in report
        assert (copy / "extra.py").exists()

    def test_check_detects_a_changed_line_ending(self, generate: ModuleType, copy: Path) -> None:
        """Bytes are compared, not lines."""
        (copy / "models.py").write_bytes((copy / "models.py").read_bytes().replace(b"\n", b"\r\n"))
        assert generate.main(["--check", "--output", str(copy)]) == 1

    def test_writing_wipes_what_was_there(self, generate: ModuleType, copy: Path) -> None:
        """After writing, the directory holds the generated files and nothing else."""
        (copy / "extra.py").touch()
        assert generate.main(["--output", str(copy)]) == 0
        assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
            path.name: path.read_bytes() for path in GENERATED.iterdir() if path.is_file()
        }

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            pytest.param("openapi: 3.1.1", "openapi: 3.1.1\npaths: {}", "'paths' stands there twice", id="key-twice"),
            pytest.param("operationId: rotate_key", "operationId: create_key", "create_key", id="operation-twice"),
            pytest.param('x-added-in: "7.3"', 'x-added-in: "7.33"', "no such API version: 7.33", id="unknown-version"),
            pytest.param("{count: 16}", "{count: 16", "cannot be read", id="not-yaml"),
            pytest.param("format: int32, minimum: 1", "type: number", "twice", id="nested-key-twice"),
            pytest.param(
                "count: {type: integer", "count: {type: number", "GetRandomBytesRequest.count", id="no-python"
            ),
            pytest.param("x-rule: 1 to 127", "x-rules: 1 to 127", "key-name needs x-rule", id="no-rule"),
            pytest.param("^[0-9a-zA-Z-]{1,127}$", "^.{1,127}$", "key-name needs x-rule", id="pattern-to-encode"),
            pytest.param("minimum: 1, maximum: 25", "minimum: 1", "maxresults must be", id="no-maximum"),
            pytest.param("      x-preview-only: true\n", "", "x-preview-only must be True", id="preview-mark"),
            pytest.param("x-repeatable: true", "x-repeat: true", "GET /keys: 'x-repeatable' is missing", id="no-mark"),
            pytest.param("x-latest-of: sign\n", "x-latest-of: sing\n", "x-latest-of must be sign", id="not-latest-of"),
            pytest.param(
                "description: First RSA prime.", "title: p", "JsonWebKey.p: needs a description", id="no-text"
            ),
            pytest.param("type: http\n", "type: htp\n", "not valid OpenAPI", id="not-openapi"),
        ],
    )
    def test_faulty_document_is_refused_with_the_place(
        self,
        generate: ModuleType,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        old: str,
        new: str,
        message: str,
    ) -> None:
        """A mistake in the document stops the generator before it writes, with a message that helps to find it."""
        text = DOCUMENT.read_text(encoding="utf-8")
        assert old in text
        faulty = tmp_path / "faulty.yaml"
        faulty.write_text(text.replace(old, new, 1), encoding="utf-8")
        result = generate.main(["--document", str(faulty), "--output", str(tmp_path / "out")])
        assert result == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


class TestOperations:
    def test_every_operation_has_its_function(self) -> None:
        """The document's operations and the functions are the same set."""
        assert set(FUNCTIONS) == set(SPEC_OPERATIONS)

    @pytest.mark.parametrize("name", sorted(SPEC_OPERATIONS))
    def test_operation_agrees_with_the_document(self, name: str) -> None:
        """Method, path, result, body, version and repeatability are the document's."""
        spec, operation = SPEC_OPERATIONS[name], call(name)
        codes = [int(code) for code in spec["responses"] if code.startswith("2")]
        assert operation.name == name
        assert operation.method == spec["method"].upper()
        assert operation.path == spec["path"].replace("{key-name}", "orders").replace("/{key-version}", "")
        assert operation.since == spec.get("x-added-in", "2016-10-01")
        assert operation.removed_in == spec.get("x-removed-in")
        assert operation.repeatable is spec["x-repeatable"]
        assert operation.success == tuple(codes)
        assert (operation.returns is None) == (codes == [204])
        assert (operation.body is None) == ("requestBody" not in spec)
        assert operation.body is BODIES.get(name)
        assert operation.query == {}
        doc = inspect.getdoc(FUNCTIONS[name])
        assert doc is not None
        assert f"`{operation.method} {spec['path']}`, since {operation.since}" in " ".join(doc.split())
        assert spec["x-repeatable-because"] in " ".join(doc.split())

    @pytest.mark.parametrize("name", sorted(SPEC_OPERATIONS))
    def test_versionless_path_is_described_where_the_version_is_optional(self, name: str) -> None:
        """With a version the path is the operation's own; without it, that of an entry that says so."""
        if "key_version" not in inspect.signature(FUNCTIONS[name]).parameters:
            assert "{key-version}" not in SPEC_OPERATIONS[name]["path"]
            return
        spec = SPEC_OPERATIONS[name]
        assert call(name, key_version="v1").path == spec["path"].format(**{"key-name": "orders", "key-version": "v1"})
        latest = SPEC["paths"][spec["path"].replace("/{key-version}", "")][spec["method"]]
        assert latest["x-latest-of"] == name

    def test_only_reads_pure_calls_and_idempotent_writes_are_repeatable(self) -> None:
        """What makes something anew, or answers a repetition with an error, is not sent twice."""
        assert {name for name in FUNCTIONS if not call(name).repeatable} == {
            "create_key",
            "import_key",
            "restore_key",
            "rotate_key",
            "delete_key",
            "purge_deleted_key",
            "recover_deleted_key",
        }

    @pytest.mark.parametrize(
        ("name", "since"),
        [
            ("create_key", "2016-10-01"),
            ("rotate_key", "7.3"),
            ("get_random_bytes", "7.3"),
            ("get_key_attestation", "7.6-preview.2"),
            ("secure_wrap_key", "2026-01-01-preview"),
        ],
    )
    def test_since_is_what_the_service_says(self, name: str, since: str) -> None:
        assert call(name).since == since

    @pytest.mark.parametrize(
        "key_name",
        [
            pytest.param("a/b", id="G3-slash"),
            pytest.param("../secrets/x", id="G3-dots"),
            pytest.param("a?b", id="G3-question-mark"),
            pytest.param("a b", id="G3-space"),
            pytest.param("ключ", id="G3-not-ascii"),
            pytest.param("x" * 128, id="G3-128-characters"),
            pytest.param("", id="G4-empty"),
            pytest.param("orders\n", id="newline-at-end"),
            pytest.param("orders%2F", id="percent"),
            pytest.param("٣", id="digit-not-ascii"),
            pytest.param(".", id="dot"),
        ],
    )
    def test_bad_key_name_is_refused(self, key_name: str) -> None:
        """The error names the parameter, states the rule and shows the value, cut short."""
        cases, rule = Cases(), r"^key name must be 1 to 127 letters, digits or hyphens, not '"
        for name in sorted(name for name in FUNCTIONS if "{key-name}" in SPEC_OPERATIONS[name]["path"]):
            with cases.of(name):
                with pytest.raises(ValueError, match=rule) as caught:
                    call(name, key_name=key_name)
                assert len(str(caught.value)) < 100
        cases.check()

    @pytest.mark.parametrize("key_name", ["a", "x" * 127, "A-9", "-"])
    def test_good_key_name_goes_into_the_path_as_it_is(self, key_name: str) -> None:
        assert operations.rotate_key(key_name).path == f"/keys/{key_name}/rotate"

    @pytest.mark.parametrize("key_name", [None, 1, b"orders", ["orders"]], ids=lambda value: type(value).__name__)
    def test_key_name_of_another_type_is_refused(self, key_name: Any) -> None:
        with pytest.raises(TypeError, match=f"^key name must be str .*, not {type(key_name).__name__}$"):
            operations.get_key(key_name)

    def test_member_of_a_string_enumeration_is_taken_by_its_value(self) -> None:
        """Python 3.12 formats such a member by its name; the path must not follow."""

        class Name(str, Enum):
            ORDERS = "orders"

        assert operations.get_key(Name.ORDERS, Name.ORDERS).path == "/keys/orders/orders"

    @pytest.mark.parametrize("key_version", ["a/b", "v1\n", "..", "x" * 128, " "])
    def test_bad_key_version_is_refused(self, key_version: str) -> None:
        with pytest.raises(ValueError, match=r"^key version must be empty"):
            operations.get_key("orders", key_version)

    def test_key_version_of_another_type_is_refused(self) -> None:
        version: Any = None
        with pytest.raises(TypeError, match=r"^key version must be str"):
            operations.get_key("orders", version)

    def test_maxresults_becomes_a_query_parameter(self) -> None:
        assert operations.get_keys(25).query == {"maxresults": "25"}
        assert operations.get_key_versions("orders", maxresults=1).query == {"maxresults": "1"}

    @pytest.mark.parametrize("maxresults", [0, 26, -1])
    def test_maxresults_out_of_range_is_refused(self, maxresults: int) -> None:
        with pytest.raises(ValueError, match=f"^maxresults must be 1 to 25, not {maxresults}$"):
            operations.get_deleted_keys(maxresults)

    @pytest.mark.parametrize("maxresults", ["5", 5.0, True], ids=lambda value: type(value).__name__)
    def test_maxresults_of_another_type_is_refused(self, maxresults: Any) -> None:
        with pytest.raises(TypeError, match=r"^maxresults must be int"):
            operations.get_keys(maxresults)


class TestVersions:
    def test_versions_are_the_documents_in_order(self) -> None:
        assert [(version.name, version.stable) for version in versions.VERSIONS] == [
            (text, "preview" not in text) for text in API_VERSIONS
        ]
        assert SPEC["info"]["version"] == versions.DEFAULT

    @pytest.mark.parametrize(
        ("version", "since", "expected"),
        [
            ("7.3", "7.3", True),
            ("7.2", "7.3", False),
            ("2016-10-01", "7.0", False),
            ("7.6-preview.2", "7.6-preview.2", True),
            ("7.6", "7.6-preview.2", True),
            ("7.5", "7.6-preview.2", False),
            ("2025-07-01", "2026-01-01-preview", False),
            ("2026-04-01", "2026-01-01-preview", True),
            ("2026-04-01", "2026-05-01-preview", False),
            ("9.9", "2026-07-01-preview", True),
        ],
    )
    def test_has_goes_by_the_order_and_lets_unknown_versions_pass(
        self, version: str, since: str, expected: bool
    ) -> None:
        assert versions.has(version, since) is expected

    def test_has_ends_with_the_removal(self) -> None:
        assert versions.has("2016-10-01", "2016-10-01", removed_in="7.0")
        assert not versions.has("7.0", "2016-10-01", removed_in="7.0")

    def test_renamed_values_are_those_of_7_0(self) -> None:
        assert {(entry.old, entry.new, entry.since) for entry in versions.RENAMED} == {
            ("SECP256K1", "P-256K", "7.0"),
            ("ECDSA256", "ES256K", "7.0"),
        }


BUNDLE = {
    "key": {
        "kid": "https://demo.vault.azure.net/keys/orders/00112233445566778899aabbccddeeff",
        "kty": "RSA",
        "key_ops": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
        "n": "wJ3_" * 85 + "_w",
        "e": "AQAB",
    },
    "attributes": {
        "enabled": True,
        "nbf": 1700000000,
        "exp": 1800000000,
        "created": 1700000100,
        "updated": 1700000100,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    },
    "tags": {"team": "blue"},
}
ITEM = {"kid": "https://demo.vault.azure.net/keys/orders", "attributes": {"enabled": True}, "tags": {"team": "blue"}}
DELETION = {
    "recoveryId": "https://demo.vault.azure.net/deletedkeys/orders",
    "deletedDate": 1700000500,
    "scheduledPurgeDate": 1707776500,
}
POLICY = {
    "id": "https://demo.vault.azure.net/keys/orders/rotationpolicy",
    "lifetimeActions": [
        {"trigger": {"timeAfterCreate": "P60D"}, "action": {"type": "Rotate"}},
        {"trigger": {"timeBeforeExpiry": "P15D"}, "action": {"type": "Notify"}},
    ],
    "attributes": {"expiryTime": "P120D", "created": 1700000000, "updated": 1700000000},
}
WIRE: list[tuple[type[models.Model], dict[str, Any]]] = [
    (models.KeyBundle, BUNDLE),
    (models.DeletedKeyBundle, {**DELETION, **BUNDLE}),
    (models.KeyListResult, {"value": [ITEM, ITEM], "nextLink": "https://demo.vault.azure.net:443/keys?$skiptoken=x"}),
    (models.DeletedKeyListResult, {"value": [{**DELETION, **ITEM}]}),
    (models.KeyRotationPolicy, POLICY),
    (models.BackupKeyResult, {"value": "JkF6dXJlS2V5VmF1bHRLZXlCYWNrdXBWMS5taWNyb3NvZnQuY29t"}),
    (
        models.KeyOperationResult,
        {"kid": "https://x/keys/a/b", "value": "aGVsbG8", "iv": "AAAA", "tag": "AAAA", "alg": "A"},
    ),
    (models.KeyVerifyResult, {"value": False}),
    (models.KeyReleaseResult, {"value": "eyJ.eyJ.c2ln"}),
    (models.RandomBytes, {"value": "q83vEjRWeJCrze8SNFZ4kA"}),
    (
        models.KeyCreateParameters,
        {"kty": "EC", "crv": "P-384", "key_ops": ["verify"], "attributes": {"exp": 1800000000}},
    ),
    (
        models.KeyImportParameters,
        {"Hsm": True, "key": {"kid": "https://x/keys/a", "kty": "oct-HSM", "key_hsm": "e30"}},
    ),
    (models.KeyUpdateParameters, {"attributes": {"enabled": False}, "tags": {"state": "frozen"}}),
    (models.KeyVerifyParameters, {"alg": "PS256", "digest": "AAAA", "value": "BBBB"}),
    (models.KeyOperationsParameters, {"alg": "A128GCM", "value": "AA", "iv": "AA", "aad": "AA", "tag": "AA"}),
    (models.KeyReleaseParameters, {"target": "eyJ", "nonce": "n", "enc": "CKM_RSA_AES_KEY_WRAP"}),
    (models.KeyReleasePolicy, {"contentType": "application/json", "immutable": True, "data": "e30"}),
]


class TestModels:
    def test_every_schema_with_members_is_a_model(self) -> None:
        schemas = SPEC["components"]["schemas"]
        expected = {name for name, node in schemas.items() if "properties" in node and not node.get("x-no-model")}
        assert set(models.CLASSES) == expected

    @pytest.mark.parametrize("name", sorted(models.CLASSES))
    def test_model_agrees_with_the_document(self, name: str) -> None:
        """Wire names, versions and a description for every field."""
        model, schema = models.CLASSES[name], SPEC["components"]["schemas"][name]
        own = {row["key"]: attribute for attribute, row in model._attribute_map.items()}
        inherited = [entry["$ref"].rpartition("/")[2] for entry in schema.get("allOf", [])]
        properties = dict(schema["properties"])
        for base in inherited:
            properties = {**SPEC["components"]["schemas"][base]["properties"], **properties}
        assert set(own) == set(properties)
        assert model._added_in == {
            own[wire]: node["x-added-in"] for wire, node in properties.items() if "x-added-in" in node
        }
        doc = " ".join((inspect.getdoc(model) or "").split())
        for wire, node in properties.items():
            assert node["description"].strip()
            assert f":param {own[wire]}: {' '.join(node['description'].split())}" in doc

    @pytest.mark.parametrize(
        ("model", "field", "schema"),
        [
            (models.KeyCreateParameters, "kty", "KeyType"),
            (models.JsonWebKey, "kty", "KeyType"),
            (models.KeyOperationsParameters, "alg", "EncryptionAlgorithm"),
            (models.KeySignParameters, "alg", "SignatureAlgorithm"),
            (models.KeyVerifyParameters, "alg", "SignatureAlgorithm"),
        ],
    )
    def test_values_that_came_later_are_dated_but_for_renamed_ones(
        self, model: type[models.Model], field: str, schema: str
    ) -> None:
        described = SPEC["components"]["schemas"][schema]
        renamed = set(described.get("x-enum-renamed-to", {}).values())
        added = {value: since for value, since in described["x-enum-added-in"].items() if value not in renamed}
        assert added
        assert model._values_added_in == {field: added}

    def test_values_that_the_service_sets_are_not_dated(self) -> None:
        assert models.KeyAttributes._values_added_in == {}

    @pytest.mark.parametrize(("model", "wire"), WIRE, ids=[model.__name__ for model, _ in WIRE])
    def test_wire_form_survives_the_round_trip(self, model: type[models.Model], wire: dict[str, Any]) -> None:
        """msrest's serializer, which the library does not use to write bodies, makes the same JSON of what was read."""
        read = deserialize(model, wire)
        assert type(read) is model
        assert Serializer(models.CLASSES)._serialize(read, keep_readonly=True, is_xml=False) == wire

    def test_values_have_their_python_types(self) -> None:
        bundle = deserialize(models.KeyBundle, BUNDLE)
        assert bundle.key.e == b"\x01\x00\x01"
        assert len(bundle.key.n) == 256
        assert bundle.key.d is None
        assert bundle.attributes.expires == datetime.fromtimestamp(1800000000, timezone.utc)
        assert bundle.attributes.recovery_level == "Recoverable+Purgeable"
        assert bundle.managed is None

    def test_deleted_key_is_a_key(self) -> None:
        """What takes a bundle takes a deleted one."""
        deleted = deserialize(models.DeletedKeyBundle, {**BUNDLE, **DELETION})
        assert isinstance(deleted, models.KeyBundle)
        assert deleted.deleted_date == datetime.fromtimestamp(1700000500, timezone.utc)

    def test_unknown_members_and_values_do_no_harm(self) -> None:
        """A newer service does not break an older library."""
        bundle = deserialize(
            models.KeyBundle,
            {
                "key": {"kid": BUNDLE["key"]["kid"], "kty": "new", "future": 1},
                "attributes": {"recoveryLevel": "new"},
                "future": [2],
            },
        )
        assert bundle.key.kty == "new"
        assert bundle.attributes.recovery_level == "new"

    @pytest.mark.parametrize(
        "model", [model for model in models.CLASSES.values() if model._needed], ids=lambda m: m.__name__
    )
    def test_answer_that_lacks_what_it_needs_is_malformed(self, model: type[models.Model]) -> None:
        """The document says what a client cannot do without."""
        described = SPEC["components"]["schemas"][model.__name__]
        if "allOf" not in described:
            assert {model._attribute_map[name]["key"] for name in model._needed} == set(described["x-answer-needs"])
        with pytest.raises(Malformed, match=f"{model.__name__}.*is missing"):
            deserialize(model, {})

    @pytest.mark.parametrize("name", sorted(models.CLASSES))
    @pytest.mark.parametrize(
        ("extension", "attribute"), [("x-answer-never-empty", "_never_empty"), ("x-answer-drops", "_dropped")]
    )
    def test_rules_for_answers_stand_in_the_document(self, name: str, extension: str, attribute: str) -> None:
        described = SPEC["components"]["schemas"][name]
        if "allOf" not in described:
            wire = {
                models.CLASSES[name]._attribute_map[field]["key"] for field in getattr(models.CLASSES[name], attribute)
            }
            assert wire == set(described.get(extension, []))

    def test_identifiers_of_keys_are_checked_wherever_the_document_has_them(self) -> None:
        checked = {
            (name, description["key"])
            for name, model in models.CLASSES.items()
            for description in model._attribute_map.values()
            if description.get("format") == "key-id"
        }
        assert checked >= {("JsonWebKey", "kid"), ("KeyItem", "kid"), ("KeyOperationResult", "kid")}
        for name, key in checked:
            with pytest.raises(Malformed, match=f"{name}.{key} is malformed"):
                deserialize(models.CLASSES[name], {key: "not a key"})

    @pytest.mark.parametrize("body", [None, [], "text", 1], ids=lambda body: type(body).__name__)
    def test_body_that_is_no_object_gives_no_half_made_model(self, body: Any) -> None:
        with pytest.raises(Malformed, match="KeyBundle is not a JSON object"):
            deserialize(models.KeyBundle, body)

    @pytest.mark.parametrize("next_link", [{}, {"nextLink": None}], ids=["absent", "null"])
    def test_last_page_has_no_next_link(self, next_link: dict[str, None]) -> None:
        page = deserialize(models.KeyListResult, {"value": [], **next_link})
        assert page.value == []
        assert page.next_link is None

    def test_policy_that_was_never_set_has_no_attributes(self) -> None:
        policy = deserialize(
            models.KeyRotationPolicy, {"lifetimeActions": POLICY["lifetimeActions"], "attributes": None}
        )
        assert policy.id is None
        assert policy.attributes is None
        assert policy.lifetime_actions[0].trigger.time_after_create == "P60D"

    def test_attestation_is_read_from_standard_base64_too(self) -> None:
        """Managed HSM writes the certificates that way."""
        read = deserialize(models.KeyAttestation, {"certificatePemFile": "+/8=", "publicKeyAttestation": "-_8"})
        assert read.certificate_pem_file == read.public_key_attestation == b"\xfb\xff"

    def test_unset_fields_are_left_out_and_empty_ones_sent(self) -> None:
        assert serialize(models.KeyUpdateParameters(attributes=models.KeyAttributes())) == {"attributes": {}}
        assert serialize(models.KeyUpdateParameters(tags={}, key_ops=[])) == {"tags": {}, "key_ops": []}
        assert serialize(models.KeyRotationPolicy(lifetime_actions=[])) == {"lifetimeActions": []}
        assert serialize(models.KeyOperationsParameters(alg="RSA-OAEP", value=b"")) == {"alg": "RSA-OAEP", "value": ""}
        assert serialize(models.KeyUpdateParameters(attributes=models.KeyAttributes(enabled=False))) == {
            "attributes": {"enabled": False}
        }

    def test_field_set_later_is_sent(self) -> None:
        parameters = models.KeyUpdateParameters()
        parameters.tags = {"team": "blue"}
        assert serialize(parameters) == {"tags": {"team": "blue"}}

    def test_what_the_service_sets_is_not_sent(self) -> None:
        attributes = deserialize(models.KeyAttributes, BUNDLE["attributes"])
        assert serialize(attributes) == {"enabled": True, "nbf": 1700000000, "exp": 1800000000}
        assert serialize(deserialize(models.KeyRotationPolicy, POLICY)) == {
            "lifetimeActions": POLICY["lifetimeActions"],
            "attributes": {"expiryTime": "P120D"},
        }

    def test_members_of_string_enumerations_are_sent_as_their_values(self) -> None:
        class Kind(str, Enum):
            RSA = "RSA"

        assert json.dumps(serialize(models.KeyCreateParameters(kty=Kind.RSA, key_ops=[Kind.RSA]))) == (
            '{"kty": "RSA", "key_ops": ["RSA"]}'
        )

    @pytest.mark.parametrize(
        ("model", "field"),
        [
            (models.KeyCreateParameters(kty=""), "kty"),
            (models.KeyImportParameters(key=None), "key"),  # type: ignore[arg-type]
            (models.GetRandomBytesRequest(count=0), "count"),
            (models.GetRandomBytesRequest(count=129), "count"),
            (models.KeyReleaseParameters(target=""), "target"),
            (models.KeyUpdateParameters(tags={str(n): "" for n in range(16)}), "tags"),
            (models.KeySignParameters(external_mu=b"m" * 63), "external_mu"),
            (models.KeySignParameters(external_mu=b"m" * 65), "external_mu"),
            (models.KeySignParameters(context=b"c" * 256), "context"),
            (models.ExternalKey(), "id"),
            (models.ExternalKey(id="a_b"), "id"),
            (models.ExternalKey(id="a\n"), "id"),
            (models.ExternalKey(id="x" * 65), "id"),
            (models.KeyRotationPolicy(lifetime_actions=[models.LifetimeActions()] * 3), "lifetime"),
        ],
        ids=str,
    )
    def test_limits_of_the_service_are_checked(self, model: models.Model, field: str) -> None:
        """What msrest refuses names the field that is missing or out of bounds."""
        with pytest.raises(ValueError, match=field):
            write("operation", model)

    @pytest.mark.parametrize(
        "model",
        [
            models.GetRandomBytesRequest(count=1),
            models.GetRandomBytesRequest(count=128),
            models.KeySignParameters(external_mu=b"m" * 64),
            models.KeySignParameters(context=b"c" * 255),
            models.KeySignParameters(context=b""),
            models.ExternalKey(id="x" * 64),
            models.KeyUpdateParameters(tags={str(n): "" for n in range(15)}),
        ],
        ids=str,
    )
    def test_values_at_the_limits_are_accepted(self, model: models.Model) -> None:
        assert len(write("operation", model)) == 1

    @pytest.mark.parametrize("text", ["P90D", "P3M", "P1Y10D", "PT48H", "P1W", "P1DT12H"])
    def test_durations_are_accepted(self, text: str) -> None:
        assert write("", models.LifetimeActionsTrigger(time_after_create=text)) == {"timeAfterCreate": text}
        assert write("", models.KeyRotationPolicyAttributes(expiry_time=text)) == {"expiryTime": text}

    @pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "90", "90D", "P90", "p90d", "P90D\n", "P-1D", "1Y P"])
    def test_what_is_no_duration_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="time_before_expiry"):
            write("", models.LifetimeActionsTrigger(time_before_expiry=text))
        with pytest.raises(ValueError, match="expiry_time"):
            write("", models.KeyRotationPolicyAttributes(expiry_time=text))

    def test_representation_shows_names_and_no_values(self) -> None:
        """Neither logs nor msrest's error messages get private keys from a model."""
        key = models.JsonWebKey(kty="oct", k=b"secret material")
        assert repr(key) == str(key) == "JsonWebKey(kty, k)"
        assert repr(models.ExternalKey()) == "ExternalKey()"

    def test_models_compare_by_their_fields(self) -> None:
        assert deserialize(models.KeyBundle, BUNDLE) == deserialize(models.KeyBundle, BUNDLE)
        assert models.KeyUpdateParameters(tags={"a": "b"}) != models.KeyUpdateParameters()


def test_api_versions_stand_in_the_document() -> None:
    """The public names, the emulator's table and the README know them. The emulator speaks more previews."""
    stable = [text for text in API_VERSIONS if "preview" not in text]
    assert set(stable) <= {version.value for version in ApiVersion} <= set(API_VERSIONS)
    assert [version for version in EMULATED if version in API_VERSIONS] == API_VERSIONS
    assert DEFAULT_VERSION.value == LATEST_STABLE == SPEC["info"]["version"]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"API versions {API_VERSIONS[0]} to {DEFAULT_VERSION.value} and previews" in readme
