"""Durations of ISO 8601, as rotation policies have them."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)
# The longest that each unit can be, in seconds.
_SECONDS = (366 * 86400, 31 * 86400, 7 * 86400, 86400, 3600, 60, 1)


def duration_text(value: str | timedelta | None) -> str | None:
    """Return a duration in the form that the service speaks; text is left as it is.

    :raises ValueError: when it has minutes or seconds.
    """
    if not isinstance(value, timedelta):
        return value
    if value.seconds or value.microseconds:
        hours = value.total_seconds() / 3600
        if hours != int(hours):
            raise ValueError(f"the duration {value} is not a whole number of hours")
        return f"PT{int(hours)}H"
    return f"P{value.days}D"


def checked_duration(name: str, value: str | timedelta | None, *, at_least: timedelta = timedelta(0)) -> str | None:
    """Return a duration for the wire.

    :raises TypeError: when it is neither text nor a timedelta.
    :raises ValueError: when it is not a duration, or is certainly too short.
    """
    if value is None:
        return None
    text = duration_text(value)
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a timedelta or an ISO 8601 duration as 'P90D', not {type(value).__name__}")
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{name} must be a duration of ISO 8601 in whole units, as 'P90D' or 'P3M' (months; 'PT3M' is minutes), "
            f"not {text!r}"
        )
    longest = sum(int(count or 0) * seconds for count, seconds in zip(match.groups(), _SECONDS, strict=True))
    if longest < at_least.total_seconds():
        raise ValueError(f"{name} must be {at_least.days} days or more, not {text!r}")
    return text
