"""The files that make the production shape, as the rules read them, and Compose's interpolation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?\})"
)
OURS = "loanstream:"
"""How our own image is called, before its tag."""


@dataclass(frozen=True, slots=True)
class Files:
    """The compose file, interpolated, and what the image is made of. Each call makes another one, which may be broken."""

    compose: dict[str, Any]
    dockerfile: str
    dockerignore: str

    @classmethod
    def shipped(cls, environment: Mapping[str, str] | None = None) -> Self:
        """What stands in the repository, with what `environment` has for the compose file's variables."""
        texts = ((ROOT / name).read_text("utf-8") for name in ("Dockerfile", ".dockerignore"))
        return cls(interpolated(_parsed(), environment or {}), *texts)

    @property
    def services(self) -> dict[str, Any]:
        """By name."""
        services: dict[str, Any] = self.compose["services"]
        return services

    @property
    def ours(self) -> dict[str, Any]:
        """Those that run our image."""
        return {name: service for name, service in self.services.items() if service["image"].startswith(OURS)}


@cache
def _parsed() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return parsed


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """Every text of `value` with its variables replaced, as Compose does it.

    >>> interpolated({"a": ["${HOST:-localhost}:$PORT", "$$HOME"]}, {"PORT": "1"})
    {'a': ['localhost:1', '$HOME']}
    """
    match value:
        case dict():
            return {key: interpolated(each, environment) for key, each in value.items()}
        case list():
            return [interpolated(each, environment) for each in value]
        case str():
            return VARIABLE.sub(lambda found: _replaced(found, environment), value)
    return value


def _replaced(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    return environment.get(found["bare"] or found["braced"]) or found["default"] or ""


def secrets_of(service: Mapping[str, Any]) -> dict[str, str]:
    """Name of the file in /run/secrets -> the secret that it is."""
    listed = (each if isinstance(each, dict) else {"source": each} for each in service.get("secrets", []))
    return {each.get("target", each["source"]): each["source"] for each in listed}


def mounts_of(service: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """Where in the container -> what is mounted there, and whether it can be written."""
    parts = (each.split(":") for each in service.get("volumes", []))
    return {target: (source, "ro" not in options) for source, target, *options in parts}
