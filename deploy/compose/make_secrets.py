"""Make the secrets of docker-compose.yml that are missing: `python3 deploy/compose/make_secrets.py`.

A file each in `deploy/compose/secrets`, which git does not know. The directory is its owner's alone (0700). The files
in it can be read by all (0444): Compose mounts them as they are, and each image's user has another number. What is
there stays. The standard library alone is imported: nothing is installed where this runs.
"""

import hashlib
import json
import secrets
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIRECTORY = HERE / "secrets"
REALM = HERE.parent / "keycloak" / "loanstream-realm.json"
BYTES = 32
HASHED = ("warehouse-writer", "warehouse-reader")
"""Passwords of ClickHouse, which is told their SHA-256 alone."""
OTHERS = ("keycloak-admin", "keycloak-database", "grafana-admin")


def names(realm: Path = REALM) -> list[str]:
    """The secrets that are made at random: passwords, and one for each client of the realm."""
    clients = json.loads(realm.read_text("utf-8"))["clients"]
    return [*HASHED, *OTHERS, *(client["clientId"] for client in clients)]


def make(directory: Path) -> list[str]:
    """Make what is missing in `directory`; the names of what was made. OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    made = [name for name in names() if _made(directory / name, secrets.token_urlsafe(BYTES))]
    for name in HASHED:
        hashed, digest = directory / f"{name}-sha256", hashlib.sha256((directory / name).read_bytes()).hexdigest()
        if hashed.exists() and hashed.read_text("ascii") != digest:
            hashed.unlink()  # of a password that was there before
        if _made(hashed, digest):
            made.append(hashed.name)
    return made


def _made(path: Path, text: str) -> bool:
    """Whether the file was missing; with `text` it is there now, whole."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, "ascii")
    draft.chmod(0o444)
    draft.replace(path)
    return True


def main() -> int:
    """The exit code."""
    made = make(DIRECTORY)
    sys.stdout.write(f"{len(made)} made in {DIRECTORY}, {len(names()) + len(HASHED) - len(made)} were there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
