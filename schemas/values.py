"""The bounded value types that events are made of. Every number, string and list on the wire has a bound."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from schemas.topics import TENANT_PATTERN

MONEY_MAX = Decimal("1e13")
CENT = Decimal("0.01")


class Event(BaseModel):
    """Base of every model on the wire: frozen, nothing unknown, nothing echoed in errors."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        ser_json_inf_nan="null",
    )


def _money_text(value: Decimal) -> str:
    return format(value.quantize(CENT), "f")


def _rfc3339(value: datetime) -> str:
    """UTC with milliseconds: the resolution of the broker's clock."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_DECIMAL_TEXT = r"^-?[0-9]{1,14}(\.[0-9]{1,2})?$"
_DECIMAL = re.compile(_DECIMAL_TEXT, re.ASCII)


def _plain_number(value: Any) -> Any:
    """Refuse what Decimal would take besides plain numbers: '1e5', '1_000', ' 12 ', other scripts' digits, true."""
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value) is None:
            raise ValueError("a decimal string is of digits, with at most two decimals after a point")
    elif isinstance(value, bool):
        raise ValueError("must be a number or a decimal string")  # noqa: TRY004 - pydantic reports ValueError by field
    return value


def _printable(value: str) -> str:
    if any(ord(char) < 32 or 0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise ValueError("must not hold control characters")
    return value


_as_money = PlainSerializer(_money_text, return_type=str, when_used="json")
_decimal = BeforeValidator(_plain_number, json_schema_input_type=float | Annotated[str, Field(pattern=_DECIMAL_TEXT)])


def _amount(**bounds: Any) -> Any:
    # strict=False: the events are validated strictly, where a Decimal would have to be a Decimal already.
    return Field(strict=False, max_digits=16, decimal_places=2, **bounds)


Money = Annotated[Decimal, _decimal, _amount(ge=-MONEY_MAX, le=MONEY_MAX), _as_money]
"""An amount in the application's currency: a JSON number or a decimal string, |x| <= 1e13, at most two decimals;
always written as a string with two decimals."""

PositiveMoney = Annotated[Decimal, _decimal, _amount(gt=0, le=MONEY_MAX), _as_money]
NonNegativeMoney = Annotated[Decimal, _decimal, _amount(ge=0, le=MONEY_MAX), _as_money]

Years = Annotated[Decimal, _decimal, _amount(gt=0, le=50), _as_money]
"""A term in years, at most two decimals; written like money."""

Timestamp = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]

Tenant = Annotated[str, Field(pattern=f"^{TENANT_PATTERN}$")]
ApplicationId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Revision = Annotated[int, Field(ge=1, le=1_000_000)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,63}$")]
"""A machine-readable code; its plain words stand in a registry."""

Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Sentence = Annotated[str, Field(max_length=500)]
Probability = Annotated[float, Field(ge=0, le=1)]


def utc_of_ms(milliseconds: int) -> datetime:
    """A broker's timestamp as a datetime in UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def rfc3339_of_ms(milliseconds: int) -> str:
    """A broker's timestamp as events write it.

    >>> rfc3339_of_ms(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    return _rfc3339(utc_of_ms(milliseconds))


def ms_of_utc(moment: datetime) -> int:
    """The reverse of `utc_of_ms`.

    >>> ms_of_utc(utc_of_ms(1_700_000_000_123))
    1700000000123
    """
    return (int(moment.timestamp()) * 1000) + moment.microsecond // 1000
