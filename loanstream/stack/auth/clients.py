"""Who may ask for tokens, in two files: all with hashes of their secrets, the embedded stack's own with secrets.

A secret is told once. Of its own clients the stack keeps them, for `stack.json`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from loanstream.stack.auth.hashes import SecretHash, hash_of
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.scopes import KINDS
from schemas.problem import Problem
from stores.private_files import write_private

SECRETS_MOST = 2
"""Of one client: the one in force, and the one before."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `granted` are its scopes where somebody named them, None where it has all of its kind.

    `secrets` holds the hash of the one in force, and of the one before while that is still good.
    """

    client_id: str
    tenant: str
    kind: str
    granted: tuple[str, ...] | None
    secrets: tuple[SecretHash, ...] = field(repr=False)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What its tokens are good for."""
        return KINDS[self.kind].scopes if self.granted is None else self.granted

    @property
    def audiences(self) -> tuple[str, ...]:
        """Where its tokens are good."""
        return KINDS[self.kind].audiences

    def with_secret(self, secret: str, old_until: float) -> "Client":
        """It with a new secret; the one before is good until then (seconds since 1970), none that is older."""
        return replace(self, secrets=(hash_of(secret), replace(self.secrets[0], valid_until=old_until)))


@dataclass(frozen=True, slots=True)
class Roll:
    """Who there is: the clients by their ids, and the tenants that the last start serves, None where none has said."""

    clients: Mapping[str, Client]
    served: tuple[str, ...] | None = None

    def serves(self, client: Client) -> bool:
        """Whether its tenant is one of those; others keep their clients, for the day that they come back."""
        return self.served is None or client.tenant in self.served


@dataclass(frozen=True, slots=True)
class Books:
    """Both files: the roll, and the secrets of the embedded stack's own clients."""

    roll: Roll
    own: Mapping[str, str] = field(repr=False)

    @property
    def clients(self) -> Mapping[str, Client]:
        """The roll's."""
        return self.roll.clients

    def with_clients(self, clients: Mapping[str, Client], own: Mapping[str, str]) -> "Books":
        """Others, of the same tenants."""
        return Books(replace(self.roll, clients=clients), own)


def read_clients(files: AuthFiles) -> Mapping[str, Client]:
    """The clients by their ids; none where there is no file. Problem for a file that does not hold clients."""
    return read_roll(files).clients


def read_roll(files: AuthFiles) -> Roll:
    """The same with the tenants that are served."""
    try:
        found = json.loads(files.clients.read_text())
        clients = {str(name): _client(str(name), each) for name, each in found["clients"].items()}
        return Roll(clients, None if found["served"] is None else tuple(map(str, found["served"])))
    except FileNotFoundError:
        return Roll({})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Problem(f"{files.clients} does not hold clients; restore it") from None


def change_clients(files: AuthFiles, change: Callable[[Books], Books]) -> Books:
    """Change either file or both. Problem for what cannot be read; OSError.

    The hashes come first: a new secret that nobody was told yet harms nobody, one that nobody takes would.
    """
    files.make()
    with files.change():
        before = Books(read_roll(files), read_own(files))
        after = change(before)
        if after.roll != before.roll or not files.clients.exists():
            clients = {name: _as_json(client) for name, client in after.clients.items()}
            data = {"served": after.roll.served, "clients": clients}
            write_private(files.clients, _text(data))
        if after.own != before.own:
            write_private(files.secrets, _text(dict(after.own)))
    return after


def read_own(files: AuthFiles) -> dict[str, str]:
    """The secrets of the embedded stack's own clients, by their ids; none where there is no file. Problem."""
    try:
        found = json.loads(files.secrets.read_text())
        return {str(name): str(secret) for name, secret in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        # The cause may quote what it could not read, and that is a secret.
        line = f"{files.secrets} does not hold clients' secrets; restore it, or remove it for new ones"
        raise Problem(line) from None


def _text(data: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(data, indent=1)}\n".encode()


def _as_json(client: Client) -> dict[str, Any]:
    return {
        "tenant": client.tenant,
        "kind": client.kind,
        "scopes": None if client.granted is None else list(client.granted),
        "secrets": [each.as_json() for each in client.secrets],
    }


def _client(name: str, found: Any) -> Client:
    hashes = tuple(SecretHash.of_json(each) for each in found["secrets"])
    if not 1 <= len(hashes) <= SECRETS_MOST or found["kind"] not in KINDS:
        raise ValueError
    granted = None if found["scopes"] is None else tuple(map(str, found["scopes"]))
    return Client(name, str(found["tenant"]), str(found["kind"]), granted, hashes)
