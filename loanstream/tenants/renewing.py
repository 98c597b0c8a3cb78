"""New secrets for a bank's clients, staged: the one before is good for a while, and what is under way is left as it is.

Receipt and document keys never rotate: receipts and stored documents name the key that they were made with, and a bank
has one of each. So this is all that a bank's rotation is.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from loanstream.stack.auth.clients import Client, read_own
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import GRACE_S, clients_of, rotate_secret
from schemas.problem import Problem

KEYS_STAY = (
    "keys do not rotate: receipts and stored documents name the key they were made with, and another would prove and "
    "open none of them; expected no --keys. What rotates are clients' secrets (this command), and the keys that sign "
    "tokens (loanstream auth rotate)"
)


class Renewal(NamedTuple):
    """A client whose secret is renewed now, or was a while ago. `secret` is None where it was told and is not kept."""

    client_id: str
    secret: str | None
    old_until: float | None
    is_new: bool


Now = Callable[[], float]


def planned(files: AuthFiles, tenant: str, grace_s: float = GRACE_S, now: Now = time.time) -> list[Client]:
    """The clients that `renew` would give new secrets. Problem for a bank without clients."""
    found = clients_of(files, tenant)
    if not found:
        raise Problem(f"{tenant} has no clients at the token server; see loanstream tenant list")
    return [client for client in found if not grace_s or _old_until(client, now()) is None]


def renew(files: AuthFiles, tenant: str, grace_s: float = GRACE_S, now: Now = time.time) -> list[Renewal]:
    """Give each client a new secret, but for those whose secret before is good still: their rotation is under way.

    Without any grace all of them get one, and nothing older is good from this moment on. Problem.
    """
    due = {client.client_id for client in planned(files, tenant, grace_s, now)}
    made = {name: rotate_secret(files, name, grace_s, now).client_secret for name in sorted(due)}
    own, moment = read_own(files), now()
    return [
        Renewal(
            client.client_id,
            made.get(client.client_id) or own.get(client.client_id),
            _old_until(client, moment),
            client.client_id in made,
        )
        for client in clients_of(files, tenant)
    ]


def _old_until(client: Client, now: float) -> float | None:
    return next((old.valid_until for old in client.secrets[1:] if old.is_valid(now)), None)
