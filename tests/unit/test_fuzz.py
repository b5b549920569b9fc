"""Whatever a stranger sends to a parser ends in a value or in its documented error.

CI tries a hundred examples of each; ``HYPOTHESIS_PROFILE=nightly pytest tests/unit/test_fuzz.py`` tries 8,000, some
50,000 in all.
"""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineContext, PipelineResponse
from fixtures.stub_vault import URL, Answer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azure.keyvault.keys import JsonWebKey, KeyVaultKeyIdentifier
from azure.keyvault.keys._generated import operations
from azure.keyvault.keys._shared.auth.challenge import ChallengeError, parse_challenge, verify_challenge
from azure.keyvault.keys._shared.wire.identifiers import origin_of, parse_key_vault_id, parse_vault_url
from azure.keyvault.keys._shared.wire.translation import Wire

WIRE = Wire(URL, "7.6")
WORDS = [
    "Bearer",
    "PoP",
    "resource",
    "authorization",
    "claims",
    "scope",
    "=",
    '"',
    ",",
    "\\",
    " ",
    "\t",
    "https://",
    URL,
]
NEAR_HEADER = st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=30).map("".join)
NEAR_URL = st.lists(
    st.sampled_from(
        ["https://", "http://", "demo.vault.azure.net", "/keys/", "[", "]", ":", "@", "?", "#", "..", "ß", "%"]
    )
    | st.text(string.printable, max_size=5),
    max_size=12,
).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    ["kid", "kty", "n", "e", "d", "p", "q", "dp", "dq", "qi", "k", "crv", "x", "y", "key_ops", "oth"]
)
VALUES = st.sampled_from(["RSA", "EC", "oct", "AKP", "P-256", "AQAB", "AA", "!", ""]) | JSON

bounded = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@pytest.mark.case("A14", "A28")
@bounded
@given(NEAR_HEADER | st.text())
def test_challenge_is_read_or_refused(header: str) -> None:
    try:
        verify_challenge(parse_challenge([header]), WIRE.origin)
    except ChallengeError:
        return


@pytest.mark.case("G2", "B12", "P12")
@bounded
@given(NEAR_URL | st.text())
def test_identifier_is_read_or_refused(text: str) -> None:
    for parse in (parse_key_vault_id, parse_vault_url, origin_of):
        try:
            parse(text)
        except ValueError:
            continue
    identifier = KeyVaultKeyIdentifier.try_parse(text, allowed_suffixes=["vault.azure.net"])
    assert identifier is None or origin_of(identifier.vault_url).host.endswith(".vault.azure.net")


@pytest.mark.case("M12", "E6")
@bounded
@given(st.dictionaries(MEMBERS, VALUES, max_size=8))
def test_key_is_read_and_written_or_refused(members: dict[str, Any]) -> None:
    try:
        key = JsonWebKey.from_json(members)
        key.to_pem(private=True)
    except (ValueError, TypeError):
        return


@pytest.mark.case("E1", "E3", "E6")
@bounded
@given(JSON | st.dictionaries(st.sampled_from(["key", "value", "nextLink", "kid", "attributes"]), JSON), st.booleans())
def test_answer_is_read_or_refused(data: Any, listing: bool) -> None:
    operation: Any = operations.get_keys() if listing else operations.get_key("orders")
    answer: Any = Answer(200, json.dumps(data).encode())
    try:
        WIRE.result(operation, PipelineResponse(None, answer, PipelineContext(None)))
    except AzureError:
        return


@pytest.mark.case("F4", "B2")
@bounded
@given(NEAR_URL | st.text())
def test_link_stays_in_the_vault_or_is_refused(link: str) -> None:
    try:
        request = WIRE.link(operations.get_keys(), link)
    except ValueError:
        return
    assert origin_of(request.url) == WIRE.origin


LABELS = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE", "OPENSSH PRIVATE KEY"]
BLOCKS = st.builds(
    lambda label, body, end: f"-----BEGIN {label}-----\n{body}\n-----END {end}-----\n",
    st.sampled_from(LABELS),
    st.text("ABCabc019+/=\n", max_size=60),
    st.sampled_from(LABELS),
)


@pytest.mark.case("K11")
@bounded
@given(st.lists(BLOCKS | st.text(max_size=20), max_size=4).map("".join), st.none() | st.text(max_size=3))
def test_pem_is_read_or_refused(text: str, password: str | None) -> None:
    try:
        JsonWebKey.from_pem(text, password)
    except ValueError:
        return
