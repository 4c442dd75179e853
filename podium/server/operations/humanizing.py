"""Numbers, sizes and times as people say them: the filters ``humanize_*`` of templates.

A value that is none of the kind is given back as it is, so that a template never fails for it.
"""

# ruff: noqa: A002, S107 (templates know the arguments by these names)

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import wraps
from typing import Any

DAYS_A_MONTH = 30.5
DAYS_A_YEAR = 365
HALF_A_DAY = 43_200_000_000  # microseconds

_DECIMAL_SIZES = ("kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB", "RB", "QB")
_BINARY_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB", "RiB", "QiB")
_LETTERS = "KMGTPEZYRQ"
_POWERS = [
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
]
_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_METRIC = "qryzafpnμm kMGTPEZYRQ"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_MICROSECONDS = {
    "years": DAYS_A_YEAR * 86_400_000_000,
    "months": int(DAYS_A_MONTH * 86_400_000_000),
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1000,
    "microseconds": 1,
}
_COARSEST_FIRST = tuple(_MICROSECONDS)


def _lenient(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that gives back what it cannot read."""

    @wraps(function)
    def call(value: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return function(value, *arguments, **named)
        except (TypeError, ValueError, AttributeError, OverflowError, ArithmeticError):
            return value

    return call


def _number(value: Any) -> float | int:
    if isinstance(value, str):
        return float(value) if any(mark in value for mark in ".eE") else int(value)
    return value + 0  # type: ignore[no-any-return]


def _count(number: Any, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@_lenient
def naturalsize(value: Any, binary: bool = False, gnu: bool = False, format: str = "%.1f") -> str:
    """A number of bytes: ``1.5 kB``, ``1.5 KiB`` or ``1.5K``."""
    size = float(value)
    base = 1024 if binary or gnu else 1000
    units = tuple(_LETTERS) if gnu else _BINARY_SIZES if binary else _DECIMAL_SIZES
    if abs(size) < base:
        return f"{int(size)}B" if gnu else _count(int(size), "Byte")
    power = min(int(math.log(abs(size), base)), len(units))
    if power < len(units) and abs(float(format % (size / base**power))) >= base:
        power += 1
    return f"{format % (size / base**power)}{'' if gnu else ' '}{units[power - 1]}"


@_lenient
def intcomma(value: Any, ndigits: int | None = None) -> str:
    """A number with commas every three digits."""
    text = str(value) if ndigits is None else f"{_number(value):.{ndigits}f}"
    _number(text)
    whole, point, rest = str(text).partition(".")
    return f"{int(whole):,}{point}{rest}"


@_lenient
def intword(value: Any, format: str = "%.1f") -> str:
    """A large number in words: ``1.5 million``."""
    number = int(_number(value))
    if abs(number) < 1000:
        return str(number)
    if abs(number) >= 10**100:
        return f"{format % (number / 10**100)} googol"
    power = min((len(str(abs(number))) - 1) // 3, len(_POWERS))
    text = format % (number / 1000**power)
    if abs(float(text)) >= 1000 and power < len(_POWERS):
        power += 1
        text = format % (number / 1000**power)
    return f"{text} {_POWERS[power - 1]}"


@_lenient
def apnumber(value: Any) -> str:
    """A number below ten as a word."""
    number = int(_number(value))
    return _SMALL[number] if 0 <= number < len(_SMALL) else str(number)


@_lenient
def ordinal(value: Any, gender: str = "male") -> str:
    """``1st``, ``2nd``, ``3rd``."""
    number = int(_number(value))
    tens, ones = divmod(abs(number) % 100, 10)
    return f"{number}{'th' if tens == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(ones, 'th')}"


@_lenient
def fractional(value: Any) -> str:
    """A number as a fraction: ``1 3/10``."""
    whole, rest = divmod(Fraction(_number(value)).limit_denominator(1000), 1)
    if not rest:
        return str(whole)
    return f"{whole} {rest}" if whole else str(rest)


@_lenient
def scientific(value: Any, precision: int = 2) -> str:
    """A number with its power of ten: ``1.23 x 10⁵``."""
    mantissa, _, exponent = f"{_number(value):.{precision}e}".partition("e")
    return f"{mantissa} x 10{str(int(exponent)).translate(_SUPERSCRIPT)}"


@_lenient
def clamp(
    value: Any,
    floor: float | None = None,
    ceil: float | None = None,
    format: str | Callable[[Any], str] = "{:}",
    floor_token: str = "<",
    ceil_token: str = ">",
) -> str:
    """A number within bounds, marked where it is beyond one."""
    token = ""
    if floor is not None and value < floor:
        value, token = floor, floor_token
    elif ceil is not None and value > ceil:
        value, token = ceil, ceil_token
    if not isinstance(format, str) or not format.startswith("{:") or format.count("{") != 1 or len(format) > 20:
        raise ValueError(format)
    return token + format.format(value)


@_lenient
def metric(value: Any, unit: str = "", precision: int = 3) -> str:
    """A number with the prefix of its power of a thousand: ``1.50 kV``."""
    number = float(value)
    exponent = math.floor(math.log10(abs(number))) if number else 0
    if not -30 <= exponent < 33:
        return scientific(number, precision - 1) + unit  # type: ignore[no-any-return]
    number = round(number, -exponent + precision - 1)
    exponent = math.floor(math.log10(abs(number))) if number else 0
    prefix = _METRIC[exponent // 3 + 10].strip()
    text = f"{number / 10 ** (exponent // 3 * 3):.{max(0, precision - exponent % 3 - 1)}f}"
    return f"{text}{' ' if unit or prefix else ''}{prefix}{unit}"


def _delta(value: Any, now: datetime | None = None) -> timedelta:
    """How long ago a moment was; a length of time, or seconds, as it is."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        now = now or datetime.now(UTC)
        return (now if now.tzinfo else now.replace(tzinfo=UTC)) - (value if value.tzinfo else value.replace(tzinfo=UTC))
    return timedelta(seconds=value)


@_lenient
def naturaldelta(value: Any, months: bool = True, minimum_unit: str = "seconds") -> str:
    """A length of time, roughly: ``2 hours``, ``a day``, ``1 year, 1 month``."""
    delta = abs(value if isinstance(value, timedelta) else timedelta(seconds=value))
    return _of_days(delta.days, months) if delta.days else _of_seconds(delta, minimum_unit)


def _of_seconds(delta: timedelta, minimum_unit: str) -> str:
    if not delta.seconds:
        if minimum_unit == "microseconds" and delta.microseconds < 1000:
            return _count(delta.microseconds, "microsecond")
        if minimum_unit in ("microseconds", "milliseconds"):
            return _count(delta.microseconds // 1000, "millisecond")
        return "a moment"
    if delta.seconds < 60:
        return "a second" if delta.seconds == 1 else f"{delta.seconds} seconds"
    minutes, hours = round(delta.seconds / 60), round(delta.seconds / 3600)
    if minutes < 60:
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 24:
        return "an hour" if hours == 1 else f"{hours} hours"
    return "a day"


def _of_days(days: int, months: bool) -> str:
    years, rest = divmod(days, DAYS_A_YEAR)
    in_months = round(rest / DAYS_A_MONTH) if months else 0
    if in_months == 12:
        years, in_months, rest = years + 1, 0, 0
    if years >= 2 or (years and not in_months and not rest):
        years += rest > DAYS_A_YEAR / 2
        return "a year" if years == 1 else f"{years} years"
    if in_months:
        in_words = "a month" if in_months == 1 else f"{in_months} months"
        return f"1 year, {_count(in_months, 'month')}" if years else in_words
    if years:
        return f"1 year, {_count(rest, 'day')}"
    return "a day" if rest == 1 else f"{rest} days"


@_lenient
def naturaltime(
    value: Any,
    future: bool = False,
    months: bool = True,
    minimum_unit: str = "seconds",
    when: datetime | None = None,
) -> str:
    """How long ago a moment was, or how far it is: ``2 minutes ago``, ``an hour from now``."""
    delta = _delta(value, when)
    is_moment = isinstance(value, (datetime, str))
    to_come = delta < timedelta(0) if is_moment or isinstance(value, timedelta) else future
    text = naturaldelta(delta, months, minimum_unit)
    if text == "a moment":
        return "now"
    return f"{text} from now" if to_come else f"{text} ago"


def _day(value: Any) -> date:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return date(value.year, value.month, value.day)


@_lenient
def naturalday(value: Any, format: str = "%b %d") -> str:
    """``today``, ``tomorrow``, ``yesterday``, or the day."""
    day = _day(value)
    words = {0: "today", 1: "tomorrow", -1: "yesterday"}
    return words.get((day - datetime.now(UTC).date()).days) or day.strftime(format)


@_lenient
def naturaldate(value: Any) -> str:
    """``naturalday``, with the year for a day five months away or more."""
    day = _day(value)
    away = abs((day - datetime.now(UTC).date()).days)
    return str(naturalday(day, "%b %d %Y" if away >= 5 * DAYS_A_YEAR / 12 else "%b %d"))


@_lenient
def precisedelta(value: Any, minimum_unit: str = "seconds", suppress: Iterable[str] = (), format: str = "%0.2f") -> str:
    """A length of time in all its units: ``1 hour, 2 minutes and 3.50 seconds``."""
    left = abs(_delta(value)) // timedelta(microseconds=1)
    units = [unit for unit in _COARSEST_FIRST[: _COARSEST_FIRST.index(minimum_unit) + 1] if unit not in set(suppress)]
    parts = []
    for unit in units[:-1]:
        number, left = divmod(left, _MICROSECONDS[unit])
        if unit == "months" and number % 2:
            left = max(0, left - HALF_A_DAY)
        if number:
            parts.append(_count(number, unit[:-1]))
    last = left / _MICROSECONDS[units[-1]]
    text = format % last
    if float(text) and last == int(last):
        parts.append(_count(int(last), units[-1][:-1]))
    elif float(text):
        parts.append(f"{text} {units[-1]}")
    if not parts:
        return f"0 {units[-1]}"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


@_lenient
def abs_timedelta(delta: Any) -> timedelta:
    """A length of time without its sign."""
    return abs(_delta(delta))


@_lenient
def date_and_delta(value: Any, when: datetime | None = None) -> tuple[datetime, timedelta]:
    """A moment, and how long ago it was."""
    now = when or datetime.now(UTC)
    delta = abs(_delta(value, now))
    return (value if isinstance(value, datetime) else now - delta), delta


def _same(value: Any, *arguments: Any, **named: Any) -> str:
    """The language cannot be changed: it would be changed for everyone."""
    return ""


FILTERS: dict[str, Callable[..., Any]] = {
    f"humanize_{name}": function
    for name, function in {
        "abs_timedelta": abs_timedelta,
        "activate": _same,
        "apnumber": apnumber,
        "clamp": clamp,
        "date_and_delta": date_and_delta,
        "deactivate": _same,
        "decimal_separator": lambda value: ".",
        "fractional": fractional,
        "intcomma": intcomma,
        "intword": intword,
        "metric": metric,
        "naturaldate": naturaldate,
        "naturalday": naturalday,
        "naturaldelta": naturaldelta,
        "naturalsize": naturalsize,
        "naturaltime": naturaltime,
        "ordinal": ordinal,
        "precisedelta": precisedelta,
        "scientific": scientific,
        "thousands_separator": lambda value: ",",
    }.items()
}
"""By their names in templates."""
