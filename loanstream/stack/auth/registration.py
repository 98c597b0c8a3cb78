"""Clients come and go: added, given a new secret, removed, and those that the embedded stack makes for its tenants.

The server sees each change at the next request.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from loanstream.stack.auth.clients import Books, Client, Roll, change_clients, read_own, read_roll
from loanstream.stack.auth.hashes import hash_of, new_secret
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.scopes import KINDS
from schemas.problem import Problem, WrongOption
from schemas.topics import TENANT_PATTERN

CLIENT_ID = "[a-z0-9][a-z0-9.-]{0,62}"
GRACE_S = 24 * 3600.0
"""How long a replaced secret still lets its client in, where nothing else is asked."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """What a client needs to ask for a token."""

    client_id: str
    client_secret: str = field(repr=False)


def role_of(kind: str, tenant: str) -> str:
    """What a tenant's client of a kind is called in `stack.json`.

    >>> role_of("producer", "bank-a"), client_id_of("producer", "bank-a")
    ('producer:bank-a', 'bank-a-producer')
    """
    return f"{kind}:{tenant}"


def client_id_of(kind: str, tenant: str) -> str:
    """The client id that a tenant's client of a kind has where nobody names another."""
    return f"{tenant}-{kind}"


def add_client(
    files: AuthFiles, kind: str, tenant: str, client_id: str | None = None, scopes: Iterable[str] = ()
) -> ClientSecret:
    """A new client, with all scopes of its kind where none are named; its secret, told here alone.

    Problem for a name, tenant, kind or scope that cannot be, and for a name that is taken.
    """
    name = client_id or client_id_of(kind, tenant)
    _check(kind, tenant, name, scopes)
    made = ClientSecret(name, new_secret())

    def add(books: Books) -> Books:
        if name in books.clients:
            raise Problem(f"there is a client {name} already; expected another --id, or: loanstream auth secret {name}")
        return books.with_clients({**books.clients, name: _new(kind, tenant, made, scopes)}, books.own)

    change_clients(files, add)
    return made


def rotate_secret(
    files: AuthFiles, client_id: str, grace_s: float = GRACE_S, now: Callable[[], float] = time.time
) -> ClientSecret:
    """A client's new secret. The one before is good for `grace_s` seconds more, none that is older. Problem."""
    made = ClientSecret(client_id, new_secret())

    def rotate(books: Books) -> Books:
        changed = _known(books, client_id).with_secret(made.client_secret, now() + grace_s)
        own = {client_id: made.client_secret} if client_id in books.own else {}
        return books.with_clients({**books.clients, client_id: changed}, {**books.own, **own})

    change_clients(files, rotate)
    return made


def remove_client(files: AuthFiles, client_id: str) -> None:
    """Refuse a client from now on. Problem where there is none. Tokens that it has live to their end."""

    def remove(books: Books) -> Books:
        _known(books, client_id)
        clients = {name: client for name, client in books.clients.items() if name != client_id}
        return books.with_clients(clients, {name: own for name, own in books.own.items() if name != client_id})

    change_clients(files, remove)


def ensure_clients(
    state: Path, tenants: Iterable[str], now: Callable[[], float] = time.time
) -> dict[str, ClientSecret]:
    """The embedded stack's clients, one of each kind for each tenant, by role; those that are not there are made.

    Other tenants' clients are kept, and get no token until their tenants are served again. A client whose scopes
    somebody named is his: it stays as it is, and its role is left out. Where hashes and the stack's own secrets differ,
    the secrets count: users of `stack.json` have them. Problem where a client's name is another's, or a file cannot be
    read.
    """
    served = tuple(tenants)
    wanted = {client_id_of(kind, tenant): (kind, tenant) for tenant in served for kind in KINDS}
    for name, (kind, tenant) in wanted.items():
        _check(kind, tenant, name)

    def ensure(books: Books) -> Books:
        others = {name for name in wanted if name in books.clients and books.clients[name].granted is not None}
        own = {name: new_secret() for name in wanted} | dict(books.own)
        own = {name: secret for name, secret in own.items() if name not in others}
        made = {
            name: _ensured(books.clients.get(name), kind, tenant, ClientSecret(name, own[name]), now() + GRACE_S)
            for name, (kind, tenant) in wanted.items()
            if name in own
        }
        return Books(Roll({**books.clients, **made}, tuple(sorted(set(served)))), own)

    own = change_clients(AuthFiles(state), ensure).own
    roles = {name: role_of(kind, tenant) for name, (kind, tenant) in wanted.items() if name in own}
    return {role: ClientSecret(name, own[name]) for name, role in roles.items()}


def lacking_clients(files: AuthFiles, tenant: str) -> list[str]:
    """What `serve_tenant` would make, a line each. Problem as there."""
    roll, own = read_roll(files), read_own(files)
    wanted = {client_id_of(kind, tenant): kind for kind in KINDS}
    lines = []
    for name, kind in wanted.items():
        _check(kind, tenant, name)
        found = roll.clients.get(name)
        if found is None or (found.granted is None and name not in own):
            lines.append(f"client {name}")
        elif (found.kind, found.tenant) != (kind, tenant):
            raise Problem(_ANOTHERS.format(name=name, kind=kind, tenant=tenant))
    served = roll.served is None or tenant in roll.served
    return lines if served else [*lines, f"tokens for clients of {tenant}"]


def serve_tenant(state: Path, tenant: str) -> None:
    """Let a bank's clients get tokens, beside those of the others; clients of its own that are not there are made.

    Problem where a client's name is another's, or a file cannot be read.
    """
    ensure_clients(state, (*(read_roll(AuthFiles(state)).served or ()), tenant))


def clients_of(files: AuthFiles, tenant: str) -> list[Client]:
    """A bank's clients, whoever made them. Problem for a file that cannot be read."""
    return [client for client in read_roll(files).clients.values() if client.tenant == tenant]


def withdraw_tenant(files: AuthFiles, tenant: str) -> None:
    """Refuse all clients of a bank from now on, and forget them. Tokens that they have live to their end. Problem."""

    def withdraw(books: Books) -> Books:
        left = {name: client for name, client in books.clients.items() if client.tenant != tenant}
        own = {name: secret for name, secret in books.own.items() if name in left or name not in books.clients}
        served = books.roll.served
        return Books(Roll(left, served and tuple(name for name in served if name != tenant)), own)

    change_clients(files, withdraw)


def own_clients(files: AuthFiles, tenants: Iterable[str]) -> dict[str, ClientSecret]:
    """The embedded stack's clients of these banks by role, as `ensure_clients` made them. Problem."""
    own = read_own(files)
    roles = {client_id_of(kind, tenant): role_of(kind, tenant) for tenant in tenants for kind in KINDS}
    return {role: ClientSecret(name, own[name]) for name, role in roles.items() if name in own}


_ANOTHERS = "client {name} is not the {kind} of {tenant}; remove it, or give it another name"


def _ensured(found: Client | None, kind: str, tenant: str, secret: ClientSecret, old_until: float) -> Client:
    if found is None:
        return _new(kind, tenant, secret)
    if (found.kind, found.tenant) != (kind, tenant):
        raise Problem(_ANOTHERS.format(name=found.client_id, kind=kind, tenant=tenant))
    if found.secrets[0].matches(secret.client_secret):
        return found
    return found.with_secret(secret.client_secret, old_until)


def _new(kind: str, tenant: str, secret: ClientSecret, scopes: Iterable[str] = ()) -> Client:
    granted = tuple(sorted(set(scopes))) or None
    return Client(secret.client_id, tenant, kind, granted, (hash_of(secret.client_secret),))


def _known(books: Books, client_id: str) -> Client:
    if client_id not in books.clients:
        there = ", ".join(sorted(books.clients)) or "none is there yet"
        raise Problem(f"no such client; expected one of: {there}")
    return books.clients[client_id]


def _check(kind: str, tenant: str, client_id: str, scopes: Iterable[str] = ()) -> None:
    if kind not in KINDS:
        raise WrongOption(f"--kind: expected one of {', '.join(KINDS)}")
    if re.fullmatch(TENANT_PATTERN, tenant) is None:
        raise WrongOption(f"--tenant: expected {TENANT_PATTERN}")
    if re.fullmatch(CLIENT_ID, client_id) is None:
        raise WrongOption(f"--id: expected {CLIENT_ID}")
    if not set(scopes) <= set(KINDS[kind].scopes):
        raise WrongOption(f"--scope: expected one of {', '.join(KINDS[kind].scopes)}")
