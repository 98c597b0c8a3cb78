"""The ring in its file, and its public half beside it: the server and the command line change both by these."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from loanstream.stack.auth.paths import LOCK_WITHIN_S, AuthFiles
from loanstream.stack.auth.ring import Ring, SigningKey, first_ring
from schemas.problem import Problem
from stores.private_files import write_private, write_public


def make_ring(files: AuthFiles, now: float) -> None:
    """A ring where there is none, published: a broker that reads the file wants it there at its own start.

    Problem for a ring that cannot be read; OSError.
    """
    files.make()
    with files.change():
        if not files.ring.exists():
            _write(files, first_ring(now))
        _publish(files, read_ring(files))


def read_ring(files: AuthFiles) -> Ring:
    """The ring. Problem where there is none, or none that can be read."""
    try:
        found = json.loads(files.ring.read_text())
        ring = Ring(tuple(_key(each) for each in found["keys"]))
    except FileNotFoundError:
        raise Problem(f"no token keys at {files.ring}; the token server makes them at its first start") from None
    except (OSError, ValueError, KeyError, TypeError):
        # The cause may quote what it could not read, and that is a secret.
        raise Problem(f"{files.ring} does not hold token keys; restore it, or remove it for new ones") from None
    if not ring.keys:
        raise Problem(f"{files.ring} holds no token key; restore it, or remove it for new ones")
    return ring


def change_ring(files: AuthFiles, change: Callable[[Ring], Ring], within_s: float = LOCK_WITHIN_S) -> Ring:
    """Publish the ring as it is, change it, publish what it is then: `change` may count on what it finds being known.

    Problem as for reading, and where somebody holds the lock longer than `within_s`; OSError.
    """
    with files.change(within_s):
        before = read_ring(files)
        _publish(files, before)
        after = change(before)
        if after != before:
            _write(files, after)
            _publish(files, after)
    return after


def jwks_bytes(ring: Ring) -> bytes:
    """The JWK Set as it is served and as it lies in the file."""
    return json.dumps(ring.published).encode()


def _publish(files: AuthFiles, ring: Ring) -> None:
    data = jwks_bytes(ring)
    if not files.jwks.exists() or files.jwks.read_bytes() != data:
        write_public(files.jwks, data)


def _write(files: AuthFiles, ring: Ring) -> None:
    data = {"keys": [asdict(key) for key in ring.keys]}
    write_private(files.ring, f"{json.dumps(data, indent=1)}\n".encode())


def _key(found: Any) -> SigningKey:
    times = {
        name: None if found[name] is None else float(found[name]) for name in ("made_at", "published_at", "signs_from")
    }
    if times["made_at"] is None:
        raise ValueError
    texts = {name: str(found["jwk"][name]) for name in ("kty", "crv", "x", "y", "d")}
    return SigningKey(
        kid=str(found["kid"]),
        jwk=texts,
        made_at=times["made_at"],
        published_at=times["published_at"],
        signs_from=times["signs_from"],
        longest_life_s=float(found["longest_life_s"]),
    )
