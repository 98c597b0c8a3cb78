"""Who may ask for tokens: made, given new secrets, removed. The server reads the file again when it was replaced.

A secret is told once. The embedded stack keeps those of its own clients in `STATE/keys/clients.json`, for `stack.json`.
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loanstream.stack.auth.hashes import SecretHash, hash_of, new_secret
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.scopes import KINDS
from schemas.problem import Problem
from schemas.topics import TENANT_PATTERN
from stores.private_files import write_private

CLIENT_ID = r"[a-z0-9][a-z0-9.-]{0,62}"
GRACE_S = 24 * 3600.0
"""How long a replaced secret still lets its client in, where nothing else is asked."""

EMBEDDED_KINDS = tuple(KINDS)
"""The kinds of client that the embedded stack makes for each of its tenants."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `secrets` holds the hash of the one in force, and of the one before while that is still good."""

    client_id: str
    tenant: str
    kind: str
    scopes: tuple[str, ...]
    secrets: tuple[SecretHash, ...] = field(repr=False)

    @property
    def audiences(self) -> tuple[str, ...]:
        """Where its tokens are good."""
        return KINDS[self.kind].audiences


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


def read_clients(files: AuthFiles) -> dict[str, Client]:
    """The clients by their ids; none where there is no file. Problem for a file that does not hold clients."""
    try:
        found = json.loads(files.clients.read_text())
        return {str(name): _client(str(name), each) for name, each in found["clients"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Problem(f"{files.clients} does not hold clients; restore it") from None


def add_client(
    files: AuthFiles, kind: str, tenant: str, client_id: str | None = None, scopes: Iterable[str] = ()
) -> ClientSecret:
    """A new client, with all scopes of its kind where none are named; its secret, told here alone.

    Problem for a name, tenant, kind or scope that cannot be, and for a name that is taken.
    """
    name = client_id or client_id_of(kind, tenant)
    _check(kind, tenant, name, scopes)
    made = ClientSecret(name, new_secret())

    def add(clients: dict[str, Client]) -> dict[str, Client]:
        if name in clients:
            raise Problem(f"there is a client {name} already; expected another --id, or: loanstream auth secret {name}")
        return clients | {name: _new(kind, tenant, made, scopes)}

    _change(files, add)
    return made


def rotate_secret(
    files: AuthFiles, client_id: str, grace_s: float = GRACE_S, now: Callable[[], float] = time.time
) -> ClientSecret:
    """A client's new secret. The one before is good for `grace_s` seconds more, none that is older. Problem."""
    made = ClientSecret(client_id, new_secret())

    def rotate(clients: dict[str, Client]) -> dict[str, Client]:
        client = _known(clients, client_id)
        return clients | {client_id: _with_secret(client, made.client_secret, now() + grace_s)}

    _change(files, rotate)
    _change_own(files, lambda own: {**own, client_id: made.client_secret} if client_id in own else own)
    return made


def remove_client(files: AuthFiles, client_id: str) -> None:
    """Refuse a client from now on. Problem where there is none. Tokens that it has live to their end."""

    def remove(clients: dict[str, Client]) -> dict[str, Client]:
        _known(clients, client_id)
        return {name: client for name, client in clients.items() if name != client_id}

    _change(files, remove)
    _change_own(files, lambda own: {name: secret for name, secret in own.items() if name != client_id})


def ensure_clients(
    state: Path, tenants: Iterable[str], now: Callable[[], float] = time.time
) -> dict[str, ClientSecret]:
    """The embedded stack's clients, one of each kind for each tenant, by role; those that are not there are made.

    What one of the two files lacks is made to fit the stack's own secrets, which users of `stack.json` have. Problem
    where a client's name is another's, or a file holds no clients.
    """
    files = AuthFiles(state)
    files.make()
    wanted = {client_id_of(kind, tenant): (kind, tenant) for tenant in tenants for kind in EMBEDDED_KINDS}
    own = _change_own(files, lambda own: {name: new_secret() for name in wanted} | own)

    def ensure(clients: dict[str, Client]) -> dict[str, Client]:
        made = {
            name: _ensured(clients.get(name), kind, tenant, ClientSecret(name, own[name]), now() + GRACE_S)
            for name, (kind, tenant) in wanted.items()
        }
        return clients | made

    _change(files, ensure)
    return {role_of(kind, tenant): ClientSecret(name, own[name]) for name, (kind, tenant) in wanted.items()}


def _ensured(found: Client | None, kind: str, tenant: str, secret: ClientSecret, until: float) -> Client:
    if found is None:
        _check(kind, tenant, secret.client_id)
        return _new(kind, tenant, secret)
    if (found.kind, found.tenant) != (kind, tenant):
        raise Problem(f"client {found.client_id} is not the {kind} of {tenant}; remove it, or give it another name")
    # What the table gained or lost since is the client's as well.
    found = replace(found, scopes=KINDS[kind].scopes)
    return found if found.secrets[0].matches(secret.client_secret) else _with_secret(found, secret.client_secret, until)


def _new(kind: str, tenant: str, secret: ClientSecret, scopes: Iterable[str] = ()) -> Client:
    granted = tuple(sorted(set(scopes))) or KINDS[kind].scopes
    return Client(secret.client_id, tenant, kind, granted, (hash_of(secret.client_secret),))


def _with_secret(client: Client, secret: str, until: float) -> Client:
    before = replace(client.secrets[0], valid_until=until)
    return replace(client, secrets=(hash_of(secret), before))


def _known(clients: dict[str, Client], client_id: str) -> Client:
    if client_id not in clients:
        raise Problem(f"no client {client_id}; expected one of: {', '.join(sorted(clients)) or 'none is there yet'}")
    return clients[client_id]


def _check(kind: str, tenant: str, client_id: str, scopes: Iterable[str] = ()) -> None:
    if kind not in KINDS:
        raise Problem(f"--kind: expected one of {', '.join(KINDS)}")
    if re.fullmatch(TENANT_PATTERN, tenant) is None:
        raise Problem(f"--tenant: expected {TENANT_PATTERN}")
    if re.fullmatch(CLIENT_ID, client_id) is None:
        raise Problem(f"--id: expected {CLIENT_ID}")
    if not set(scopes) <= set(KINDS[kind].scopes):
        raise Problem(f"--scope: expected one of {', '.join(KINDS[kind].scopes)}")


def _change(files: AuthFiles, change: Callable[[dict[str, Client]], dict[str, Client]]) -> None:
    files.make()
    with files.change():
        before = read_clients(files)
        after = change(before)
        if after != before or not files.clients.exists():
            data = {"clients": {name: _as_json(client) for name, client in after.items()}}
            write_private(files.clients, f"{json.dumps(data, indent=1)}\n".encode())


def _change_own(files: AuthFiles, change: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
    with files.change():
        before = _read_own(files)
        after = change(before)
        if after != before:
            write_private(files.secrets, f"{json.dumps(after, indent=1)}\n".encode())
    return after


def _read_own(files: AuthFiles) -> dict[str, str]:
    try:
        found = json.loads(files.secrets.read_text())
        return {str(name): str(secret) for name, secret in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        raise Problem(
            f"{files.secrets} does not hold clients' secrets; restore it, or remove it for new ones"
        ) from None


def _as_json(client: Client) -> dict[str, Any]:
    return {
        "tenant": client.tenant,
        "kind": client.kind,
        "scopes": list(client.scopes),
        "secrets": [each.as_json() for each in client.secrets],
    }


def _client(name: str, found: Any) -> Client:
    hashes = tuple(SecretHash.of_json(each) for each in found["secrets"])
    if not hashes or found["kind"] not in KINDS:
        raise ValueError
    return Client(name, str(found["tenant"]), str(found["kind"]), tuple(map(str, found["scopes"])), hashes)
