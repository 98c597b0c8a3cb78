"""Thresholds by bank: one YAML file, `alarm: {bank: {name: number}}`, held against the table of alarms."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.alarms.table import ALERTS, Alert, Limit

SHIPPED: Final = Path(__file__).with_name("thresholds.yaml")

TENANT: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")

Thresholds = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Alarm -> bank -> name of a limit -> number."""


class ThresholdsWrong(ValueError):
    """The file says what no alarm knows. The message names the field and what is expected, never what was found."""


def load(path: Path = SHIPPED) -> Thresholds:
    """Read and check a file of thresholds. Raises ThresholdsWrong, OSError."""
    try:
        written = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ThresholdsWrong(f"{path.name}: YAML is expected: alarm, then bank, then limit: number") from None
    return checked({} if written is None else written)


def checked(written: Any) -> Thresholds:
    """The thresholds, if every alarm, bank, limit and number is one. Raises ThresholdsWrong.

    >>> checked({"approval_rate": {"bank-a": {"tolerance": 0.04}}})
    {'approval_rate': {'bank-a': {'tolerance': 0.04}}}
    >>> checked({"approval_rate": {"bank-a": {"tolerance": 4}}})
    Traceback (most recent call last):
    dashboards.alarms.thresholds.ThresholdsWrong: approval_rate.bank-a.tolerance: a number from 0 to 0.5 is expected
    """
    return {
        alarm: {
            bank: {
                name: _number(limit, given, f"{alarm}.{bank}.{name}")
                for name, given in _items(limits, f"{alarm}.{bank}")
                for limit in [_limit(ALERTS[alarm], name, f"{alarm}.{bank}")]
            }
            for bank, limits in _items(banks, alarm)
            if _is_bank(bank, alarm)
        }
        for alarm, banks in _items(written, "")
        if _is_alarm(alarm)
    }


def _items(found: Any, place: str) -> list[tuple[str, Any]]:
    if not isinstance(found, Mapping):
        raise ThresholdsWrong(f"{place or 'the file'}: a mapping is expected")
    return list(found.items())


def _is_alarm(name: object) -> bool:
    if name not in ALERTS:
        raise ThresholdsWrong(f"the file: alarms are {', '.join(ALERTS)}")
    return True


def _is_bank(name: object, alarm: str) -> bool:
    if not (isinstance(name, str) and TENANT.fullmatch(name)):
        raise ThresholdsWrong(f"{alarm}: a bank's name is expected, as {TENANT.pattern}")
    return True


def _limit(alert: Alert, name: object, place: str) -> Limit:
    found = {limit.name: limit for limit in alert.limits if limit.by_tenant}
    if name not in found:
        raise ThresholdsWrong(f"{place}: its limits are {', '.join(found) or 'none: it is the same for all'}")
    return found[str(name)]


def _number(limit: Limit, given: object, place: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not limit.least <= given <= limit.most:
        raise ThresholdsWrong(f"{place}: a number from {limit.least:g} to {limit.most:g} is expected")
    return float(given)
