"""ISO 8601 durations as rotation policies use them: stored as text, and added to dates by the calendar."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_PATTERN = re.compile(
    r"P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=.)(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
_LATEST_YEAR = 9999


@dataclass(frozen=True, slots=True)
class Duration:
    """Months and a fixed span, kept separate because months differ in length."""

    months: int
    span: timedelta

    def after(self, seconds: int) -> int:
        """Return the time this long after another, at most the end of the year 9999."""
        start = datetime.fromtimestamp(seconds, timezone.utc)
        try:
            return int((_add_months(start, self.months) + self.span).timestamp())
        except (OverflowError, ValueError):
            return int(datetime(_LATEST_YEAR, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp())

    def before(self, seconds: int) -> int:
        """Return the time this long before another. A time outside the calendar stays unchanged."""
        try:
            end = datetime.fromtimestamp(seconds, timezone.utc)
            return int((_add_months(end, -self.months) - self.span).timestamp())
        except (OverflowError, ValueError, OSError):
            return seconds

    @property
    def least_days(self) -> float:
        """Return the length in days, assuming the shortest months."""
        return self.months * 28 + self.span / timedelta(days=1)


def parse_duration(text: str) -> Duration:
    """Return a duration such as ``P90D``, ``P3M``, ``P1Y10D`` or ``PT48H``.

    :raises ValueError: if the text is not a duration.
    """
    match = _PATTERN.fullmatch(text)
    if not match:
        raise ValueError("not an ISO 8601 duration")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return Duration(years * 12 + months, span)


def _add_months(start: datetime, months: int) -> datetime:
    """Move by whole months; the 31st becomes the last day of a shorter month."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))
