"""keyvault-keys.yaml, read and turned into the rows that the templates print."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

METHODS = ("get", "put", "post", "delete", "patch")
SCALARS = {"string": ("str", "str"), "integer": ("int", "int"), "boolean": ("bool", "bool")}
FORMATS = {"base64url": ("base64", "bytes"), "unixtime": ("unix-time", "datetime")}
# Formats of text: they do not change the type, and answers are checked for them.
TEXT_FORMATS = {"key-id"}
# OpenAPI's name of a limit -> the name that msrest's Serializer.validate has for it.
LIMITS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "minItems": "min_items",
    "maxItems": "max_items",
    "maxProperties": "max_items",
    "pattern": "pattern",
}
# What a path parameter may match: only characters that need no escaping in a path, so that the generated code has
# nothing to percent-encode.
PLAIN_SEGMENT = re.compile(r"\^(\[(?:0-9|a-z|A-Z|[_~-])+\]\{\d+,\d+\})\$")


class DescriptionError(Exception):
    """The document is not valid OpenAPI, or contains something that this generator does not support."""


@dataclass(frozen=True)
class Field:
    """A member of a model."""

    name: str
    wire: str
    kind: str
    format: str
    hint: str
    obligatory: bool
    limits: dict[str, Any]
    since: str
    values_since: dict[str, str]
    doc: str


@dataclass(frozen=True)
class Model:
    """A schema with properties."""

    name: str
    base: str
    doc: str
    fields: list[Field]
    inherited: list[Field]
    needed: list[str]
    never_empty: list[str]
    dropped: list[str]


@dataclass(frozen=True)
class Parameter:
    """A path or query parameter, as a Python argument."""

    name: str
    wire: str
    schema: dict[str, Any]
    doc: str
    optional: bool = False


#: The path segments that identify the key of an operation and of its response.
_KEY = ("key_name", "key_version")


@dataclass(frozen=True)
class Operation:
    """A REST operation, with or without the version segment in its path."""

    name: str
    method: str
    path: str
    summary: str
    notes: list[str]
    segments: list[Parameter]
    queries: list[Parameter]
    body: str
    body_doc: str
    returns: str
    success: list[int]
    since: str
    removed_in: str
    repeatable: bool

    @property
    def arguments(self) -> list[str]:
        """The parameters of the function: required ones first, then those with defaults."""
        needed = [f"{segment.name}: str" for segment in self.segments if not segment.optional]
        body = [f"parameters: models.{self.body}"] if self.body else []
        version = [f'{segment.name}: str = ""' for segment in self.segments if segment.optional]
        return needed + body + version + [f"{query.name}: int | None = None" for query in self.queries]

    @property
    def values(self) -> list[str]:
        """What the function passes to `Operation`."""
        returns = f"models.{self.returns}" if self.returns else "None"
        values = [f'"{self.name}"', f'"{self.method}"', self._path_expression, returns]
        values += [f'since="{self.since}"', f"repeatable={self.repeatable}"]
        values += [f"query=_{query.name}({query.name})" for query in self.queries]
        values += ["body=parameters"] if self.body else []
        values += [f"{segment.name}={segment.name}" for segment in self.segments if segment.name in _KEY]
        values += [f"success={tuple(self.success)}"] if self.success != [200] else []
        return values + ([f'removed_in="{self.removed_in}"'] if self.removed_in else [])

    @property
    def _path_expression(self) -> str:
        """The path as a Python expression; an optional segment includes its own slash."""
        text = self.path
        for segment in self.segments:
            call = f"{{_{segment.name}({segment.name})}}"
            text = text.replace(f"/{{{segment.wire}}}", call if segment.optional else f"/{call}")
        return f'f"{text}"' if self.segments else f'"{text}"'


class Description:
    """The document, read and resolved."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.schemas: dict[str, Any] = document["components"]["schemas"]
        self.versions: list[dict[str, Any]] = [
            {"version": version, "stable": "preview" not in version} for version in self.schemas["ApiVersion"]["enum"]
        ]
        self.default: str = document["info"]["version"]
        self.first: str = self.versions[0]["version"]
        self._check_versions()
        self.operations = sorted_like(list(self._operations()), document["tags"])
        self.sent = self._reachable(operation.body for operation in self.operations)
        self.received = self._reachable(operation.returns for operation in self.operations)
        self.models = [self._model(name) for name, schema in self.schemas.items() if is_model(schema)]
        self.renamed = [
            {"old": old, "new": new, "since": schema["x-enum-added-in"][new]}
            for schema in self.schemas.values()
            for old, new in schema.get("x-enum-renamed-to", {}).items()
        ]

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference. Its siblings override what it points to."""
        while "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def _check_versions(self) -> None:
        """Check that every mentioned version is listed and that x-preview-only agrees with the list."""
        order = [entry["version"] for entry in self.versions]
        if self.default not in order:
            raise DescriptionError(f"info: the schema ApiVersion does not list the version {self.default}")
        stable = [entry["version"] for entry in self.versions if entry["stable"]]
        for where, node in mappings(self.document):
            marks = [node[key] for key in ("x-added-in", "x-removed-in") if isinstance(node.get(key), str)]
            for key in ("x-enum-added-in", "x-enum-removed-in"):
                marks += node.get(key, {}).values()
            if unknown := set(marks) - set(order):
                raise DescriptionError(f"{where}: no such API version: {', '.join(sorted(unknown))}")
            if isinstance(node.get("x-added-in"), str):
                preview_only = order.index(node["x-added-in"]) > order.index(stable[-1])
                if preview_only != node.get("x-preview-only", False):
                    raise DescriptionError(f"{where}: x-preview-only must be {preview_only} for {node['x-added-in']}")

    def _operations(self) -> Iterator[tuple[str, Operation]]:
        """Each operation once, with its tag. The version segment is optional if there is an entry without it."""
        entries = {
            (method, path): (item, item[method])
            for path, item in self.document["paths"].items()
            for method in METHODS
            if method in item
        }
        for (method, path), (item, operation) in entries.items():
            if operation.get("x-latest-of"):
                continue
            # If the path has no version, this finds the operation itself, which is not the latest form of another one.
            latest = entries.get((method, path.replace("/{key-version}", "")), (None, {}))[1]
            optional = {"key-version"} if latest.get("x-latest-of") == operation["operationId"] else set()
            if latest.get("x-latest-of") and not optional:
                raise DescriptionError(f"{latest['operationId']}: x-latest-of must be {operation['operationId']}")
            parameters = [self.resolve(entry) for entry in item.get("parameters", [])]
            with place(f"{method.upper()} {path}"):
                yield operation["tags"][0], self._operation(method, path, operation, parameters, optional)

    def _operation(
        self, method: str, path: str, entry: dict[str, Any], parameters: list[dict[str, Any]], optional: set[str]
    ) -> Operation:
        success = {int(code): self.resolve(entry["responses"][code]) for code in entry["responses"] if code[0] == "2"}
        body = schema_name(entry.get("requestBody", {}))
        where = f"{method.upper()} {path}"
        return Operation(
            name=entry["operationId"],
            method=method.upper(),
            path=path,
            summary=entry["summary"],
            notes=[self._facts(where, entry), *([entry["description"]] if "description" in entry else [])],
            segments=[self._parameter(p, where, optional) for p in parameters if p["in"] == "path"],
            queries=[
                self._parameter(p, where) for p in parameters if p["in"] == "query" and p["name"] != "api-version"
            ],
            body=body,
            body_doc=self.schemas[body]["description"] if body else "",
            returns=next((schema_name(response) for response in success.values()), ""),
            success=sorted(success),
            since=entry.get("x-added-in", self.first),
            removed_in=entry.get("x-removed-in", ""),
            repeatable=entry["x-repeatable"],
        )

    def _facts(self, where: str, entry: dict[str, Any]) -> str:
        """Additional facts about an operation for the documentation."""
        facts = [f"`{where}`", f"since {entry.get('x-added-in', self.first)}"]
        if entry.get("x-preview-only"):
            facts.append("preview only")
        if entry.get("x-platform") == "managed-hsm":
            facts.append("Managed HSM only")
        if "x-permission" in entry:
            facts.append(f"permission {entry['x-permission']}")
        repeatable = "Repeatable" if entry["x-repeatable"] else "Not repeatable"
        return f"{', '.join(facts)}. {repeatable}: {entry['x-repeatable-because']}."

    def _parameter(self, entry: dict[str, Any], where: str, optional: Collection[str] = ()) -> Parameter:
        schema = self.resolve(entry["schema"])
        if entry["in"] == "path" and not (PLAIN_SEGMENT.fullmatch(schema.get("pattern", "")) and "x-rule" in schema):
            raise DescriptionError(f"{where}: {entry['name']} needs x-rule and a pattern like ^[0-9a-zA-Z-]{{1,127}}$")
        if entry["in"] == "query" and not {"minimum", "maximum"} <= set(schema):
            raise DescriptionError(f"{where}: {entry['name']} must be an integer with minimum and maximum")
        name = entry["name"].replace("-", "_")
        return Parameter(name, entry["name"], schema, entry["description"].strip(), entry["name"] in optional)

    def _reachable(self, names: Iterable[str]) -> set[str]:
        """The schemas nested in these, at any depth."""
        found: set[str] = set()
        todo = [name for name in names if name]
        while todo:
            if (name := todo.pop()) not in found:
                found.add(name)
                todo += references(self.schemas[name])
        return found

    def _model(self, name: str) -> Model:
        schema = self.schemas[name]
        base = references(schema.get("allOf", []))
        required = schema.get("required", [])
        with place(name):
            fields = [self._field(name, wire, node, wire in required) for wire, node in schema["properties"].items()]
            doc = sentences(schema["description"], self._since(schema))
        inherited = self._model(base[0]).fields if base else []
        needed, never_empty, dropped = (
            self._listed(name, fields, extension)
            for extension in ("x-answer-needs", "x-answer-never-empty", "x-answer-drops")
        )
        if stray := set(never_empty) - set(needed):
            raise DescriptionError(f"{name}: x-answer-needs must list {', '.join(sorted(stray))} too")
        return Model(name, base[0] if base else "Model", doc, fields, inherited, needed, never_empty, dropped)

    def _listed(self, name: str, fields: list[Field], extension: str) -> list[str]:
        """The fields that an extension of a schema lists, by their Python names."""
        wanted = self.schemas[name].get(extension, [])
        if unknown := set(wanted) - {field.wire for field in fields}:
            raise DescriptionError(f"{name}: {extension} lists unknown properties: {', '.join(sorted(unknown))}")
        return [field.name for field in fields if field.wire in wanted]

    def _field(self, model: str, wire: str, node: dict[str, Any], required: bool) -> Field:
        where = f"{model}.{wire}"
        schema = self.resolve(node)
        if "description" not in node:
            raise DescriptionError(f"{where}: needs a description of its own")
        name = schema.get("x-python") or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", wire).lower()
        if keyword.iskeyword(name):
            raise DescriptionError(f"{where}: {name} is a keyword, give it an x-python name")
        kind, hint = self._type(node, where)
        text_format = schema["format"] if schema.get("format") in TEXT_FORMATS else ""
        doc = sentences(
            schema["description"],
            self._values(schema),
            "Managed HSM only." if node.get("x-platform") == "managed-hsm" else "",
            # Only the field's own version: a type that was added later was added together with the fields that need it.
            self._since(node),
            "Set by the service, not sent." if schema.get("readOnly") else "",
        )
        limits = self._limits(schema, kind, required) if model in self.sent else {}
        obligatory = required and model not in self.received
        values_since = self._values_since(schema) if model in self.sent and not schema.get("readOnly") else {}
        since = node.get("x-added-in", "")
        return Field(name, wire, kind, text_format, hint, obligatory, limits, since, values_since, doc)

    def _values_since(self, schema: dict[str, Any]) -> dict[str, str]:
        """The values of an enumeration that were added later, except those that were renamed.

        Lists of values have none: the description dates the key operations of secure wrap later than the call.
        """
        renamed = schema.get("x-enum-renamed-to", {}).values()
        added = schema.get("x-enum-added-in", {})
        return {value: since for value, since in added.items() if value not in renamed}

    def _since(self, schema: dict[str, Any]) -> str:
        """The sentence about the first version that has it, for the documentation."""
        if "x-added-in" not in schema:
            return ""
        return f"Since {schema['x-added-in']}{', preview only' if schema.get('x-preview-only') else ''}."

    def _values(self, schema: dict[str, Any]) -> str:
        """The values of an enumeration, for the documentation."""
        schema = self.resolve(schema.get("items", schema))
        added, removed = schema.get("x-enum-added-in", {}), schema.get("x-enum-removed-in", {})
        values = [
            value + (f" (since {added[value]})" if value in added else "")
            for value in schema.get("enum", [])
            if value not in removed
        ]
        return f"One of {', '.join(values)}." if values else ""

    def _type(self, node: dict[str, Any], where: str) -> tuple[str, str]:
        """The type of a schema, by msrest's name and as a Python annotation."""
        for option in node.get("anyOf", []):
            if option.get("type") != "null":
                return self._type(option, where)
        name = node.get("$ref", "").rpartition("/")[2]
        if name and is_model(self.schemas[name]):
            return name, name
        schema = self.resolve(node)
        type_ = schema.get("type")
        if isinstance(type_, list):
            type_ = next(entry for entry in type_ if entry != "null")
        if type_ == "array":
            kind, hint = self._type(schema["items"], where)
            return f"[{kind}]", f"list[{hint}]"
        if type_ == "object" and "additionalProperties" in schema:
            kind, hint = self._type(schema["additionalProperties"], where)
            return f"{{{kind}}}", f"dict[str, {hint}]"
        found = FORMATS.get(schema.get("format", "")) or SCALARS.get(type_ or "")
        if found is None:
            raise DescriptionError(f"{where}: no Python type for {type_} ({schema.get('format', 'no format')})")
        return found

    def _limits(self, schema: dict[str, Any], kind: str, required: bool) -> dict[str, Any]:
        """The limits of a field in a request, as msrest's Serializer.validate takes them."""
        if schema.get("readOnly"):
            return {"readonly": True}
        limits: dict[str, Any] = {"required": True} if required else {}
        for theirs, ours in LIMITS.items():
            if theirs not in schema or kind == "unix-time":
                continue
            value = schema[theirs]
            if kind == "base64":
                # msrest measures the bytes, the document their base64url form: n characters are n * 3 // 4 bytes.
                if theirs == "pattern":
                    continue
                value = value * 3 // 4
            # Python's $ also matches before a newline at the end.
            limits[ours] = value.replace("$", r"\Z") if theirs == "pattern" else value
        return limits


class _Loader(yaml.SafeLoader):
    """YAML that rejects duplicate keys in a mapping."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise DescriptionError(f"line {key.start_mark.line + 1}: {key.value!r} stands there twice")
            seen.add(key.value)
        return node


def load(path: Path) -> Description:
    """Read and validate the document."""
    try:
        document = _Loader(path.read_text(encoding="utf-8")).get_single_data()
        errors = list(OpenAPIV31SpecValidator(document).iter_errors())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DescriptionError(f"cannot be read: {error}") from error
    if errors:
        places = (f"{'/'.join(map(str, error.absolute_path)) or 'document'}: {error.message}" for error in errors)
        raise DescriptionError("not valid OpenAPI\n  " + "\n  ".join(places))
    with place("document"):
        return Description(document)


@contextmanager
def place(where: str) -> Iterator[None]:
    """Report where something is missing that this generator requires but OpenAPI does not."""
    try:
        yield
    except KeyError as error:
        raise DescriptionError(f"{where}: {error} is missing") from error


def is_model(schema: dict[str, Any]) -> bool:
    """Return whether a schema becomes a class."""
    return "properties" in schema and not schema.get("x-no-model")


def schema_name(message: dict[str, Any]) -> str:
    """The name of the schema of a request or response body, if any."""
    schema: str = message.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return schema.rpartition("/")[2]


def mappings(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in the document, with its place."""
    if isinstance(node, dict):
        yield where or "document", node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from mappings(child, f"{where}/{key}")


def references(node: Any) -> list[str]:
    """The names of all schemas that a part of the document refers to."""
    return [found["$ref"].rpartition("/")[2] for _, found in mappings(node) if "$ref" in found]


def sorted_like(operations: list[tuple[str, Operation]], tags: list[dict[str, Any]]) -> list[Operation]:
    """The operations by the order of their tags, then as written."""
    order = [tag["name"] for tag in tags]
    return [operation for _, operation in sorted(operations, key=lambda pair: order.index(pair[0]))]


def sentences(*parts: str) -> str:
    """Join these sentences into one paragraph."""
    return " ".join(part.strip() for part in parts if part)
