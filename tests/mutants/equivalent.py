"""Changes that make no difference, and why: no test can notice them."""

from __future__ import annotations

#: By module, the first line of the statement, and what was changed.
EQUIVALENT: dict[tuple[str, str, str], str] = {}
