"""Where an operation runs: in this process, at the service, or nowhere because the caller made a mistake.

``RULES`` is the whole of it, in order; the first rule that applies decides. ``decide`` runs it: it does no I/O and
reads no clock, so a facade may keep a decision for each operation and algorithm. Only the dates of a key must be
looked at again each time: ``check_window`` does that, for operations that run locally.

Two principles determine the order. A certain mistake of the caller is an error at once, even if the service would have
reported it. What only this process can't do is left to the service, which has the last word about keys: their state and
dates are checked here only for operations that run here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

from .._jwk import family_of
from ._errors import OperationNotAllowed
from ._local import LocalKey, load
from ._local.algorithms import unknown

if TYPE_CHECKING:
    from .._jwk import JsonWebKey
    from ._local.algorithms import Algorithm

Execution = Literal["auto", "local", "remote"]
Outcome = Literal["local", "remote", "refuse"]

# Data that was protected while a key was valid must stay readable: only these look at its dates.
_PROTECTING: frozenset[str] = frozenset(("encrypt", "wrapKey", "sign"))


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is known about a key, as far as decisions depend on it.

    :ivar kty: its type; ``None`` when nothing is known about the key.
    :ivar local: its material, if there is any.
    :ivar key_ops: the operations it allows; ``None`` when it does not restrict them (RFC 7517 section 4.3).
    :ivar enabled: ``False`` when it is disabled; ``None`` when that is not known.
    :ivar not_before: POSIX time before which it must not protect data.
    :ivar expires_on: POSIX time from which it must not protect data.
    """

    kty: str | None = None
    local: LocalKey | None = None
    key_ops: frozenset[str] | None = None
    enabled: bool | None = None
    not_before: float | None = None
    expires_on: float | None = None

    @classmethod
    def of(
        cls,
        jwk: JsonWebKey,
        *,
        enabled: bool | None = None,
        not_before: datetime | None = None,
        expires_on: datetime | None = None,
    ) -> KeyFacts:
        """Take the facts of a key; later changes of the JWK do not matter.

        :param jwk: the key.
        :param enabled: whether it is enabled, if that is known.
        :param not_before: when its time begins. A datetime without a zone is taken as UTC.
        :param expires_on: when its time ends.
        :raises ValueError: when the material is broken.
        """
        # Members of KeyOperation hash and compare as their values.
        key_ops = None if jwk.key_ops is None else frozenset(jwk.key_ops)
        return cls(jwk.kty, load(jwk), key_ops, enabled, _timestamp(not_before), _timestamp(expires_on))


@dataclass(frozen=True, slots=True)
class Case:
    """One question: may this operation of this algorithm run with this key, and where?"""

    execution: Execution
    facts: KeyFacts
    operation: str
    row: Algorithm

    @property
    def _misfit(self) -> str | None:
        local, row = self.facts.local, self.row
        return local.misfit(row) if local is not None and local.family == row.family else None

    @property
    def _same_family(self) -> bool:
        family = family_of(self.facts.kty)
        return family is None or self.row.family in (None, family)

    @property
    def _runs_here(self) -> bool:
        local = self.facts.local
        return self.execution != "remote" and local is not None and local.supports(self.operation, self.row)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    :ivar when: in words, for the documentation.
    :ivar applies: the same as a function.
    :ivar outcome: where the operation runs.
    :ivar error: the exception's type, of an outcome that refuses.
    :ivar message: makes its text.
    """

    when: str
    applies: Callable[[Case], bool]
    outcome: Outcome
    error: type[Exception] = ValueError
    message: Callable[[Case], str] = lambda case: ""


RULES: tuple[Rule, ...] = (
    Rule(
        "the key has key_ops, and the operation is not one of them",
        lambda case: case.facts.key_ops is not None and case.operation not in case.facts.key_ops,
        "refuse",
        OperationNotAllowed,
        lambda case: (
            f'This key does not allow the "{case.operation}" operation; '
            f"its key_ops are: {', '.join(sorted(str.__str__(op) for op in case.facts.key_ops or ())) or 'none'}"
        ),
    ),
    Rule(
        "the algorithm is for another type of key, and execution is 'auto'",
        lambda case: case.execution != "local" and not case._same_family,
        "refuse",
        ValueError,
        lambda case: (
            f"'algorithm' {case.row.name} is for {case.row.family} keys, and this is a key of type {case.facts.kty}"
        ),
    ),
    Rule(
        "the algorithm needs another curve or size of key",
        lambda case: case._misfit is not None,
        "refuse",
        ValueError,
        lambda case: f"'algorithm' does not fit the key: {case._misfit}",
    ),
    Rule(
        "execution is 'remote'",
        lambda case: case.execution == "remote" and case.row.remote,
        "remote",
    ),
    Rule(
        "the operation can run locally, and the key is disabled",
        lambda case: case._runs_here and case.facts.enabled is False,
        "refuse",
        OperationNotAllowed,
        lambda case: f'This key is disabled, so the "{case.operation}" operation is not allowed',
    ),
    Rule(
        "the operation can run locally",
        lambda case: case._runs_here,
        "local",
    ),
    Rule(
        "execution is 'local', or the service does not have the algorithm",
        lambda case: case.execution == "local" or not case.row.remote,
        "refuse",
        NotImplementedError,
        lambda case: _cannot(case),
    ),
    Rule("otherwise", lambda case: True, "remote"),
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a case, which holds as long as the facts do.

    :ivar outcome: ``"local"``, ``"remote"`` or ``"refuse"``.
    :ivar rule: the rule that decided.
    :ivar dated: whether :func:`check_window` has to be asked each time.
    :ivar local: the key to use, when it runs locally.
    """

    outcome: Outcome
    rule: Rule
    case: Case
    dated: bool
    local: LocalKey | None

    def error(self) -> Exception:
        """Make the exception of a refusal, a new one each time."""
        return self.rule.error(self.rule.message(self.case))


def decide(execution: Execution, facts: KeyFacts, operation: str, row: Algorithm) -> Decision:
    """Decide where an operation runs.

    :param execution: what the caller asked the client for.
    :param facts: what is known about the key; ``KeyFacts()`` when nothing is.
    :param operation: as a JWK's ``key_ops`` names it.
    :param row: the row of the algorithm.
    :returns: the decision. Its outcome ``"refuse"`` comes with an exception to raise.
    """
    case = Case(execution, facts, operation, row)
    rule = next(rule for rule in RULES if rule.applies(case))
    local = facts.local if rule.outcome == "local" else None
    has_dates = facts.not_before is not None or facts.expires_on is not None
    return Decision(rule.outcome, rule, case, local is not None and has_dates and operation in _PROTECTING, local)


def check_window(facts: KeyFacts, now: float) -> None:
    """Refuse to protect data with a key outside its time: from ``not_before`` on, and before ``expires_on``.

    :param facts: what is known about the key.
    :param now: the POSIX time.
    :raises ValueError: when it is too early or too late.
    """
    starts, ends = facts.not_before, facts.expires_on
    if (starts is None or starts <= now) and (ends is None or now < ends):
        return
    if starts is not None and ends is not None:
        raise ValueError(f"This key is useable only between {_utc(starts)} and {_utc(ends)} (UTC)")
    if starts is not None:
        raise ValueError(f"This key is not useable until {_utc(starts)} (UTC)")
    if ends is not None:
        raise ValueError(f"This key expired at {_utc(ends)} (UTC)")


def describe(rules: Iterable[Rule] = RULES) -> str:
    """Write the table in Markdown, for the documentation."""
    lines = ["| | when | then |", "|---|---|---|"]
    for number, rule in enumerate(rules, 1):
        then = rule.outcome if rule.outcome != "refuse" else f"`{_documented(rule.error)}`"
        lines.append(f"| {number} | {rule.when} | {then} |")
    return "\n".join(lines)


def _documented(error: type[Exception]) -> str:
    return "ValueError" if issubclass(error, ValueError) else error.__name__


def _cannot(case: Case) -> str:
    text = f'This key does not support the "{case.operation}" operation with algorithm "{case.row.name}"'
    if case.row.family is None:
        return f"{text} locally: {unknown(case.row)}"
    if not case.row.remote:
        return f"{text}: the service does not have it, and it can't run locally"
    local = case.facts.local
    if not case.row.local or local is None or not case._same_family:
        return f"{text} locally"
    if local.can(case.operation):
        return f"{text} locally: {local.obstacle}"
    return f"{text} locally: the private part of the key is not here"


def _timestamp(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _utc(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
