"""The API versions of the keys data plane, in order, and the gate that refuses unknown ones."""

from __future__ import annotations

from dataclasses import dataclass

from ._errors import ServiceError, bad_parameter

#: Every version the emulator speaks, oldest first. A feature introduced in a preview is in the later versions too.
VERSIONS = (
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2-preview",
    "7.2",
    "7.3-preview",
    "7.3",
    "7.4-preview.1",
    "7.4",
    "7.5-preview.1",
    "7.5",
    "7.6-preview.1",
    "7.6-preview.2",
    "7.6",
    "2025-06-01-preview",
    "2025-07-01",
    "2026-01-01-preview",
    "2026-03-01-preview",
    "2026-04-01",
    "2026-05-01-preview",
    "2026-07-01-preview",
)

LATEST_STABLE = next(text for text in reversed(VERSIONS) if "preview" not in text)

_RANKS = {text: rank for rank, text in enumerate(VERSIONS)}


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """A version that the emulator knows. Versions compare by release order."""

    text: str
    rank: int

    def since(self, text: str) -> bool:
        """Return whether this version is the given one or a later one."""
        return self.rank >= _RANKS[text]


_KNOWN = {text: ApiVersion(text, rank) for text, rank in _RANKS.items()}


def api_version(text: str, latest: str = LATEST_STABLE, capped: bool = False) -> ApiVersion:
    """Return the version that a request names.

    :param text: the value of ``api-version``; empty if the request has none.
    :param latest: the version that the error recommends.
    :param capped: refuse versions above ``latest``, like a region that lags behind.
    :raises ServiceError: 400 for a missing or unknown version.
    """
    version = _KNOWN.get(text)
    if version is None or (capped and version.rank > _RANKS[latest]):
        raise _unrecognised(text, latest)
    return version


def _unrecognised(text: str, latest: str) -> ServiceError:
    if not text:
        return bad_parameter("The query parameter 'api-version' is required.")
    return bad_parameter(
        f"The specified version ({text}) is not recognized. Consider using the latest supported version ({latest})."
    )
