"""What `make setup` runs: `python make_setup.py .venv` installs the lock and this project into that environment.

uv installs many times as fast as pip, and is a package of the lock like any other: pip fetches it, and uv the rest.
Where uv has no wheel for this machine, or fails, pip installs everything. Every file is held against its hash.

uv does not read pip's settings, so it is told them: what this machine says of indexes and certificates holds for both.
`python make_setup.py .venv compile ...` runs the environment's `uv pip` with the same settings (`make lock`).

The standard library alone is imported: nothing is installed yet. Run from the folder of the lock.
"""

import ast
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LOCK = Path("requirements.lock")

SAME_IN_UV = (
    # pip's option, and the variables uv reads it from: the first is set where none of them is
    ("index-url", ("UV_DEFAULT_INDEX", "UV_INDEX_URL"), None),
    ("extra-index-url", ("UV_INDEX", "UV_EXTRA_INDEX_URL"), " "),
    ("find-links", ("UV_FIND_LINKS",), ","),
    ("trusted-host", ("UV_INSECURE_HOST",), " "),
    ("cert", ("SSL_CERT_FILE",), None),
    ("client-cert", ("SSL_CLIENT_CERT",), None),
    ("proxy", ("ALL_PROXY",), None),
    ("default-timeout", ("UV_HTTP_TIMEOUT",), None),
    ("timeout", ("UV_HTTP_TIMEOUT",), None),
)
"""With what stands between several values in uv's variable; None where there is one value."""

LATER_WINS = ("global.", "install.", ":env:.")
"""pip's settings for everything, for `pip install`, and from variables."""

PIP = ("-m", "pip", "--disable-pip-version-check")
UV = ("-m", "uv", "--quiet", "pip")
INSTALL = ("install", "--quiet")
LOCKED = ("--require-hashes", "--no-binary", "urllib3-future", "--requirement", str(LOCK))
"""urllib3-future comes with grafana-client. Its wheel takes the place of urllib3, which the warehouse's client uses.
Built from its source with `APART` it keeps to its own name."""
APART = {"URLLIB3_NO_OVERRIDE": "1"}
PROJECT = ("--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")


def pip_settings(listed: str) -> dict[str, str]:
    """What `pip config list` says, by option without its section.

    >>> pip_settings("global.cert='/etc/ca.pem'")
    {'cert': '/etc/ca.pem'}
    """
    found: dict[str, str] = {}
    for section in LATER_WINS:
        for line in listed.splitlines():
            name, is_setting, value = line.partition("=")
            if is_setting and name.startswith(section):
                found[name.removeprefix(section)] = str(ast.literal_eval(value))
    return found


def uv_variables(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that make uv ask where pip asks and believe whom pip believes. What is set for uv already stays."""
    given: dict[str, str] = {}
    for option, variables, between in SAME_IN_UV:
        if option in settings and environment.keys().isdisjoint(variables):
            values = settings[option].split() if between else [settings[option]]
            # pip passes over a folder that is not there; uv stops
            values = [value for value in values if option != "find-links" or "://" in value or Path(value).exists()]
            given |= {variables[0]: (between or "").join(values)} if values else {}
    if "UV_INDEX" in given:
        given["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip's; the lock's hashes make it safe
    if "SSL_CERT_FILE" not in given | dict(environment) and _system_has_certificates():
        given["UV_SYSTEM_CERTS"] = "true"
    if environment.get("PYTHONDONTWRITEBYTECODE"):
        # Nothing that runs later writes it. Elsewhere the first start does, and setup is not kept waiting (14 s).
        given["UV_COMPILE_BYTECODE"] = "true"
    return {name: value for name, value in given.items() if name not in environment}


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or paths.capath)


def block(lock: str, package: str) -> str:
    """The lines of one package in `lock`, with its hashes."""
    lines = lock.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=="))
    rest = next((number for number in range(first + 1, len(lines)) if not lines[number].startswith(" ")), len(lines))
    return "\n".join(lines[first:rest])


def fetch_uv(python: str) -> str | None:
    """Install uv alone from the lock, as a wheel; None, or why that did not go."""
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as alone:
        alone.write(block(LOCK.read_text(), "uv"))
        alone.flush()
        wanted = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", alone.name)
        return _failure([python, *PIP, *INSTALL, *wanted], os.environ)


def uv(python: str, arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command that runs `uv pip` with `arguments`, and its environment."""
    listed = subprocess.run([python, *PIP, "config", "list"], capture_output=True, text=True, check=False)
    settings = pip_settings(listed.stdout)
    no_index = ["--no-index"] if settings.get("no-index", "").lower() in {"1", "true", "t", "yes", "y", "on"} else []
    return [python, *UV, *arguments, *no_index], {**os.environ, **uv_variables(settings, os.environ)}


def _failure(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """None, or the line in which a command that failed has said why."""
    ended = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    said = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    if ended.returncode == 0:
        return None
    return next((line for line in said if line.lower().startswith("error")), f"exit code {ended.returncode}")


def setup(environment: str) -> int:
    """Make the environment where it is missing and fill it; the exit code."""
    began = time.monotonic()
    python = str(Path(environment) / "bin" / "python")
    if not os.access(python, os.X_OK) and (code := subprocess.call([sys.executable, "-m", "venv", environment])):
        return code
    os.environ.update(APART)
    by, why = "uv", fetch_uv(python) or _failure(*uv(python, [*INSTALL, "--python", python, *LOCKED]))
    if why is not None:
        by = "pip"
        _say(f"uv cannot do it here ({why}); pip does, which takes minutes")
        if code := subprocess.call([python, *PIP, *INSTALL, *LOCKED]):
            return code
    if code := subprocess.call([python, *PIP, *INSTALL, *PROJECT]):
        return code
    _say(f"{environment} is ready: {by} installed the lock, {time.monotonic() - began:.0f} s in all")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(environment: str = ".venv", *arguments: str) -> int:
    """Set the environment up, or run its uv where `arguments` are given."""
    if not arguments:
        return setup(environment)
    command, variables = uv(str(Path(environment) / "bin" / "python"), arguments)
    return subprocess.call(command, env=variables)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
