"""`loanstream auth`: the embedded token server's keys and clients."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from loanstream.cli.options import AsJson, State, state_of, verb
from loanstream.stack.auth.clients import read_roll
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import GRACE_S, ClientSecret, add_client, remove_client, rotate_secret
from loanstream.stack.auth.ring import Ring, Standing, Times, rotated
from loanstream.stack.auth.ring import State as KeyState
from loanstream.stack.auth.ring_file import change_ring, read_ring
from loanstream.stack.auth.scopes import KINDS
from loanstream.terminal import aside, emit, table
from schemas.problem import Problem, WrongOption
from schemas.values import rfc3339_of_ms

app = verb()

LEEWAY_S = Times().leeway_s


@app.callback()
def auth() -> None:
    """The embedded stack's tokens: signing keys and clients."""


@dataclass(frozen=True, slots=True)
class Row:
    """A key as it is shown."""

    kid: str
    state: str
    made_at: str
    signs_from: str | None
    until: str | None


@app.command()
def keys(state: State = None, as_json: AsJson = False) -> None:
    """The keys that sign tokens: which signs, which is next, which is only kept until its last token has expired."""
    rows = _rows(read_ring(_files(state)))
    emit([_plain(row) for row in rows], _key_table(rows), as_json=as_json)


@app.command()
def rotate(
    at_once: Annotated[
        bool, typer.Option("--now", help="sign with the new key at once; who keeps public keys refuses it for a moment")
    ] = False,
    drop_old: Annotated[
        bool,
        typer.Option("--drop-old", help="with --now: take every other key out, and refuse every token there is"),
    ] = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Begin a rotation: the new key is published, signs once everybody has seen it, and the old one goes.

    The token server takes each step when it is due. Where a rotation is under way no other one is begun.
    """
    if drop_old and not at_once:
        raise WrongOption("--drop-old: expected --now with it: the old key cannot go before another one signs")
    now = time.time()
    ring = change_ring(_files(state), lambda ring: rotated(ring, now, at_once=at_once, drop_old=drop_old))
    rows = _rows(ring)
    emit([_plain(row) for row in rows], _key_table(rows), as_json=as_json)


@app.command("clients")
def show_clients(state: State = None, as_json: AsJson = False) -> None:
    """The clients: bank, whether it is served, kind, scopes, and until when a replaced secret still lets one in."""
    now = time.time()
    roll = read_roll(_files(state))
    found: list[dict[str, Any]] = [
        {
            "client_id": client.client_id,
            "tenant": client.tenant,
            "served": roll.serves(client),
            "kind": client.kind,
            "scopes": list(client.scopes),
            "old_secret_until": next(
                (_moment(old.valid_until) for old in client.secrets[1:] if old.is_valid(now)), None
            ),
        }
        for client in roll.clients.values()
    ]
    rows = [
        (
            each["client_id"],
            each["tenant"],
            "yes" if each["served"] else "no",
            each["kind"],
            " ".join(each["scopes"] or ()),
            each["old_secret_until"] or "-",
        )
        for each in found
    ]
    columns = ("client", "tenant", "served", "kind", "scopes", "old secret until")
    emit(found, table("", *columns, rows=rows, copied=frozenset({"client"})), as_json=as_json)


@app.command()
def add(
    tenant: Annotated[str, typer.Option("--tenant", help="the bank that it acts for")],
    kind: Annotated[str, typer.Option("--kind", help=f"what it is for: {', '.join(KINDS)}")],
    client_id: Annotated[str | None, typer.Option("--id", help="its name (default: TENANT-KIND)")] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="one of its kind's scopes, may be repeated (default: all)")
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Add a client. Its secret is shown here, and never again."""
    files = _files(state)
    made = add_client(files, kind, tenant, client_id, scope or ())
    served = read_roll(files).served
    if served is not None and tenant not in served:
        banks = ", ".join(served) or "none"
        aside(f"{tenant} is not served: {made.client_id} gets no token until up has it in --tenants; served: {banks}")
    _tell(made, as_json=as_json)


@app.command()
def secret(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT", help="the client's id")],
    grace: Annotated[
        float, typer.Option(min=0, help="seconds that the old secret still lets it in; 0: somebody else knows it")
    ] = GRACE_S,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Give a client a new secret. It is shown here, and never again."""
    _tell(rotate_secret(_files(state), client_id, grace), as_json=as_json)


@app.command()
def remove(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT", help="the client's id")],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a client from now on. A token that it has is good until it expires."""
    remove_client(_files(state), client_id)
    emit({"removed": client_id}, f"{client_id} gets no more tokens", as_json=as_json)


def _files(state: Path | None) -> AuthFiles:
    files = AuthFiles(state_of(state))
    if not files.jwks.exists():
        raise Problem(
            f"no token server has run at {files.state} yet; start one with: loanstream up --state {files.state}"
        )
    return files


def _rows(ring: Ring) -> list[Row]:
    return [_row(standing) for standing in ring.standings(time.time(), LEEWAY_S)]


def _row(standing: Standing) -> Row:
    key = standing.key
    until = standing.until if standing.state is not KeyState.NEXT else None
    return Row(key.kid, standing.state.value, _moment(key.made_at) or "", _moment(key.signs_from), _moment(until))


def _plain(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("kid", "state", "made_at", "signs_from", "until")}


def _key_table(rows: list[Row]) -> Any:
    shown = [(row.kid, row.state, row.signs_from or "once published", row.until or "-") for row in rows]
    return table("", "key", "state", "signs from", "until", rows=shown, copied=frozenset({"key"}))


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339_of_ms(int(seconds * 1000))


def _tell(made: ClientSecret, *, as_json: bool) -> None:
    told = {"client_id": made.client_id, "client_secret": made.client_secret}
    emit(told, "\n".join(f"{name:14}{value}" for name, value in told.items()), as_json=as_json)
