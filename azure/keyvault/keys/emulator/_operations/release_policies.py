"""The text of a release policy as the service stores it, which differs from the text it was given.

Grammar: ``{"version": "1.0.0", "anyOf": [{"authority": URL, "allOf": [{"claim": "a.b", "equals": "x"}]}]}``.
"""

from __future__ import annotations

import json
from typing import Any

_LEADING = ("version", "authority", "anyOf", "allOf", "claim")
_GROUPS = ("anyOf", "allOf")
_UNCHANGED = ("claim", "authority", "version", "exists")


def minified_policy(policy: dict[str, Any]) -> bytes:
    """Return a policy without whitespace."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False).encode()


def canonical_policy(policy: dict[str, Any], *, booleans_as_text: bool) -> bytes:
    """Return a policy without whitespace, with the members of every condition in the order of the grammar.

    :param booleans_as_text: write expected values as ``"true"`` instead of ``true``.
    """
    return minified_policy(_condition(policy, booleans_as_text))


def _condition(given: Any, booleans_as_text: bool) -> Any:
    if not isinstance(given, dict):
        return given
    names = [name for name in _LEADING if name in given] + [name for name in given if name not in _LEADING]
    return {name: _member(name, given[name], booleans_as_text) for name in names}


def _member(name: str, value: Any, booleans_as_text: bool) -> Any:
    if name in _GROUPS and isinstance(value, list):
        return [_condition(part, booleans_as_text) for part in value]
    if booleans_as_text and isinstance(value, bool) and name not in _UNCHANGED:
        return "true" if value else "false"
    return value
