"""The bounded value types that events are made of. Every number, string and list on the wire has a bound."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic_core import PydanticCustomError, core_schema

from schemas.topics import TENANT_PATTERN

MONEY_MAX = Decimal("1e13")
CENT = Decimal("0.01")


STORED: Mapping[str, bool] = {"stored": True}
"""Context of a reading of what was taken long ago, maybe under earlier checks: it is read as it was then."""


class Event(BaseModel):
    """Base of every model on the wire: frozen, nothing unknown, nothing echoed in errors.

    What a bank says is of this kind, at the door and inside our own events: it is read whole or refused.
    """

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        ser_json_inf_nan="null",
    )


class OwnEvent(Event):
    """Base of what our own stages write. Whoever reads it ignores fields it does not know, so that a newer stage may
    add some while an older one still runs (docs/decisions, number 6).
    """

    model_config = ConfigDict(extra="ignore")


def _money_text(value: Decimal) -> str:
    text = str(value)
    # The usual spellings; the general way takes three times as long, eight times an application.
    if text[-3:-2] == "." and text[:-3].isdigit():
        return text
    return f"{text}.00" if text.isdigit() else format(value.quantize(CENT), "f")


def rfc3339(value: datetime) -> str:
    """A moment as events write it: UTC with milliseconds, the resolution of the broker's clock."""
    if value.tzinfo is not UTC and value.utcoffset():
        value = value.astimezone(UTC)
    second = _second(value.year, value.month, value.day, value.hour, value.minute, value.second)
    return f"{second}.{value.microsecond // 1000:03}Z"


@lru_cache(maxsize=1024)
def _second(year: int, month: int, day: int, hour: int, minute: int, second: int) -> str:
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


_DECIMAL_TEXT = r"^-?[0-9]{1,14}(\.[0-9]{1,2})?$"
_DECIMAL = re.compile(_DECIMAL_TEXT, re.ASCII)
_NEEDED = "a number or a decimal string with at most two decimals"
_TWO_DECIMALS = frozenset({int, str})
"""What `_decimal_of` lets through of these has no more."""
_NOUGHT = Decimal(0)


def _decimal_of(value: Any) -> Decimal:
    """A plain number: not what Decimal would take besides ('1e5', '1_000', ' 12 ', other scripts' digits), not true."""
    if type(value) is int:  # the usual two, at a quarter of what matching takes
        return Decimal(value)
    if type(value) is str and _DECIMAL.fullmatch(value) is not None:
        return Decimal(value)
    match value:
        case bool():
            raise PydanticCustomError("decimal_type", _NEEDED)
        case str():
            if _DECIMAL.fullmatch(value) is None:
                raise PydanticCustomError("decimal_parsing", _NEEDED)
            return Decimal(value)
        case int():
            return Decimal(value)
        case float():
            made = Decimal(repr(value))
            if not made.is_finite():
                raise PydanticCustomError("finite_number", "a finite number")
            return made
        case Decimal() if value.is_finite():
            return value
    raise PydanticCustomError("decimal_type", _NEEDED)


def _decimal(least: Decimal, most: Decimal, digits: str, *, above: bool = False) -> Any:
    """A validator for decimals from `least` (or above it) to `most`, with its JSON Schema.

    `digits` is the pattern of a text's digits and decimals, so that it keeps `most`.

    One function instead of pydantic's own constraints, which take ten times as long for the seven of an application.
    """
    words = f"{'above' if above else 'at least'} {least:f} and at most {most:f}"

    def parse(value: Any) -> Decimal:
        made = _decimal_of(value)
        if not least <= made <= most or (above and made == least):
            raise PydanticCustomError("out_of_bounds", words)
        if (
            type(value) not in _TWO_DECIMALS
            and cast("int", made.as_tuple().exponent) < -2
            and made != made.quantize(CENT)
        ):
            raise PydanticCustomError("decimal_max_places", _NEEDED)
        # Minus nought is nought: one amount, one canonical form.
        return made or _NOUGHT

    text = "^(?=.*[1-9])" if above else "^"
    text += "-?" if least < 0 else ""
    number = {"type": "number", "exclusiveMinimum" if above else "minimum": _plain(least), "maximum": _plain(most)}
    schema = {
        "description": "At most two decimals; the same bounds hold for the decimal string.",
        "anyOf": [number, {"pattern": f"{text}({digits})$", "type": "string"}],
    }
    return _Parsed(parse, schema, {"type": "string", "pattern": _DECIMAL_TEXT})


MONEY_DIGITS = r"0?[0-9]{1,13}(\.[0-9]{1,2})?|10{13}(\.0{1,2})?"
NON_NEGATIVE_DIGITS = rf"-0{{1,14}}(\.0{{1,2}})?|{MONEY_DIGITS}"
"""Minus nought is nought, as it is of a number."""
YEARS_DIGITS = r"(0{0,13}[0-9]|0{0,12}[1-4][0-9])(\.[0-9]{1,2})?|0{0,12}50(\.0{1,2})?"


def _plain(bound: Decimal) -> int | float:
    return int(bound) if bound == int(bound) else float(bound)


@dataclass(frozen=True, slots=True, eq=False)
class _Parsed:
    """Annotation of a type whose values `parse` makes; `read` describes its input, `written` its output."""

    parse: Callable[[Any], Any]
    read: dict[str, Any]
    written: dict[str, Any]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, _schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.written if handler.mode == "serialization" else self.read)


_as_money = PlainSerializer(_money_text, return_type=str, when_used="json")

Money = Annotated[Decimal, _decimal(-MONEY_MAX, MONEY_MAX, MONEY_DIGITS), _as_money]
"""An amount in the application's currency: a JSON number or a decimal string, |x| <= 1e13, at most two decimals;
always written as a string with two decimals."""

PositiveMoney = Annotated[Decimal, _decimal(Decimal(0), MONEY_MAX, MONEY_DIGITS, above=True), _as_money]
NonNegativeMoney = Annotated[Decimal, _decimal(Decimal(0), MONEY_MAX, NON_NEGATIVE_DIGITS), _as_money]

Years = Annotated[Decimal, _decimal(Decimal(0), Decimal(50), YEARS_DIGITS, above=True), _as_money]
"""A term in years, at most two decimals; written like money."""

MOMENT = (
    r"^(19[7-9][0-9]|20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_MOMENT = re.compile(MOMENT, re.ASCII)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


_MOMENT_NEEDED = "a moment as RFC 3339 writes it, with seconds and a time zone"
_SLIPS: Mapping[str, str] = {
    r".*:.*[+-][0-9]{4}$": "a time zone with a colon, such as +05:30",
    r".*:.*[+-][0-9]{2}$": "a time zone with minutes, such as +05:30",
    r".*:60([.Zz+-].*)?$": "seconds up to 59; a leap second is written as 59",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}$": "a time beside the date, such as 2026-03-31T10:00:00Z",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} .*": "a T between date and time, such as 2026-03-31T10:00:00Z",
    r"[0-9-]{10}[Tt][0-9:.]*$": "a time zone behind the time: Z, or such as +05:30",
}
"""Spellings that are often met -> what is expected in their place."""
_BEYOND = "a moment from 1970 on and before 2200"


def _moment(value: Any) -> datetime:
    """One function instead of pydantic's type, which also takes seconds since 1970, and moments without a date in UTC.

    `0001-01-01T00:00:00+14:00` would fail where it is written, long after it was taken.
    """
    if type(value) is str:
        return _written(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _bounded(value)
    raise _no_moment(value)


# Records of one batch have most of their moments in common, and stage after stage reads them. What is refused is kept
# by nobody.
@lru_cache(maxsize=4096)
def _written(text: str) -> datetime:
    if _MOMENT.match(text) is None or text.endswith("\n"):
        raise _no_moment(text)
    try:
        made = datetime.fromisoformat(text.upper())
    except ValueError:
        raise PydanticCustomError("datetime_parsing", "a day that the month has") from None
    return _bounded(made)


def _bounded(made: datetime) -> datetime:
    if not EARLIEST <= made < LATEST:
        raise PydanticCustomError("out_of_bounds", _BEYOND)
    return made


def _no_moment(value: Any) -> PydanticCustomError:
    """What is wrong with a value that is no moment; of the value itself the error says nothing."""
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        return PydanticCustomError("datetime_parsing", _MOMENT_NEEDED)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt].*", value) and not "1970" <= value[:4] < "2200":
        return PydanticCustomError("out_of_bounds", _BEYOND)
    said = next((words for slip, words in _SLIPS.items() if re.match(slip, value, re.ASCII)), None)
    return PydanticCustomError("datetime_parsing", f"{_MOMENT_NEEDED}: {said}" if said else _MOMENT_NEEDED)


_DATE_TIME = {"type": "string", "format": "date-time"}

Timestamp = Annotated[
    datetime,
    _Parsed(_moment, _DATE_TIME | {"pattern": MOMENT}, _DATE_TIME),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
]
"""A moment from 1970 on and before 2200, as RFC 3339 writes it; always written in UTC with milliseconds."""

Tenant = Annotated[str, Field(pattern=f"^{TENANT_PATTERN}$")]
ApplicationId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""417.0 is an integer to JSON Schema, and many clients write whole numbers so."""

Revision = Annotated[int, Field(ge=1, le=1_000_000), WHOLE]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,63}$")]
"""A machine-readable code; its plain words stand in a registry."""

TEXT_MAX, SENTENCE_MAX = 200, 500
"""Characters."""

EXTENSION_NAME = r"^[A-Za-z0-9_.-]{1,64}$"
NO_CONTROL = r"^[^\x00-\x1f]*$"

Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX, pattern=NO_CONTROL)]
"""Characters that a line can show: no control characters."""

Sentence = Annotated[str, Field(max_length=SENTENCE_MAX)]
Probability = Annotated[float, Field(ge=0, le=1)]


@lru_cache(maxsize=1024)
def utc_of_ms(milliseconds: int) -> datetime:
    """A broker's timestamp as a datetime in UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def rfc3339_of_ms(milliseconds: int) -> str:
    """A broker's timestamp as events write it.

    >>> rfc3339_of_ms(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    return rfc3339(utc_of_ms(milliseconds))


def ms_of_utc(moment: datetime) -> int:
    """The reverse of `utc_of_ms`.

    >>> ms_of_utc(utc_of_ms(1_700_000_000_123))
    1700000000123
    """
    return (int(moment.timestamp()) * 1000) + moment.microsecond // 1000
