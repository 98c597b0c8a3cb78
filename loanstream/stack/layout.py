"""The state directory: where everything of one embedded stack lives, and the file that tells others about it.

`stack.json` is what tests, tools and people rely on. It exists only while the stack is ready: deleted at start, written
when every worker has its partitions, written anew when a process is replaced. An `up` that is killed leaves it behind,
and lets go of `up.lock`.
"""

import json
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from schemas.problem import Problem
from stores.private_files import PRIVATE, private_directory, write_private


class KafkaPart(TypedDict):
    """How to reach the broker; `security` holds librdkafka settings per principal, empty without broker security."""

    bootstrap: str
    security: dict[str, dict[str, str]]


class WarehousePart(TypedDict):
    """How to read the warehouse (a readonly account)."""

    url: str
    database: str
    user: str
    password: str


class DocumentsPart(TypedDict):
    """Where the document store is."""

    url: str


class ProcessPart(TypedDict):
    """One running child of the stack."""

    name: str
    pid: int


class ClientPart(TypedDict):
    """A client of the token server."""

    client_id: str
    client_secret: str


class AuthPart(TypedDict):
    """The token server; `clients` by their kind, as in `security`."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    clients: dict[str, ClientPart]


class GatewayPart(TypedDict):
    """Where the gateway answers."""

    url: str


class TlsPart(TypedDict):
    """The certificate (PEM) that clients of the stack are to trust."""

    ca: str


class StackFile(TypedDict):
    """The content of `stack.json`; what does not exist is absent: `auth`, `tls`, `gateway` without broker security."""

    kafka: KafkaPart
    auth: NotRequired[AuthPart]
    tls: NotRequired[TlsPart]
    gateway: NotRequired[GatewayPart]
    warehouse: WarehousePart
    documents: DocumentsPart
    tenants: list[str]
    processes: list[ProcessPart]


WRITER = "writer"
READER = "reader"
"""The embedded warehouse's two accounts."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths under one state directory."""

    state: Path

    @property
    def stack_file(self) -> Path:
        """What a running stack says about itself."""
        return self.state / "stack.json"

    @property
    def lock(self) -> Path:
        """Held by the one `up` of this directory; holds its process id."""
        return self.state / "up.lock"

    @property
    def prepared(self) -> Path:
        """Exists once topics and schema do: workers wait for it before they join their groups."""
        return self.state / "prepared"

    @property
    def ports(self) -> Path:
        """The ports of the last start, by process name."""
        return self.state / "ports.json"

    @property
    def unguarded(self) -> Path:
        """When the stack was run without security, a line each; it stays, as what was written then does."""
        return self.state / "unguarded"

    @property
    def tenants(self) -> Path:
        """Who is served: the list that running processes follow (`loanstream.tenants.book`)."""
        return self.state / "tenants.json"

    @property
    def keys(self) -> Path:
        """Secrets: receipt, document and column keys, passwords."""
        return self.state / "keys"

    @property
    def tls(self) -> Path:
        """What is public of the stack's certificates: `ca.pem`."""
        return self.state / "tls"

    @property
    def auth(self) -> Path:
        """The token server's directory; `jwks.json` holds its public keys."""
        return self.state / "auth"

    @property
    def jwks(self) -> Path:
        """The public keys that the broker believes tokens by."""
        return self.auth / "jwks.json"

    @property
    def kafka(self) -> Path:
        """The broker's directory."""
        return self.state / "kafka"

    @property
    def warehouse(self) -> Path:
        """The warehouse's directory."""
        return self.state / "warehouse"

    @property
    def documents(self) -> Path:
        """The document store: `<tenant>/<sha256>`."""
        return self.state / "documents"

    @property
    def artefacts(self) -> Path:
        """Bundles and policies, by content hash."""
        return self.state / "artefacts"

    @property
    def slots(self) -> Path:
        """A worker's lock and in-flight journal: `<stage>-<N>.*`."""
        return self.state / "slots"

    @property
    def logs(self) -> Path:
        """One log per process, and its predecessor."""
        return self.state / "logs"

    @property
    def picture(self) -> Path:
        """What the demo drew of *Today* on its stack."""
        return self.state / "today.svg"

    @property
    def entries(self) -> frozenset[Path]:
        """All of the above: whatever else lies in a directory is not a stack's."""
        locks = (self.tenants.with_suffix(".lock"), self.tenants.with_suffix(".verb"))
        files = (self.stack_file, self.lock, self.prepared, self.ports, self.tenants, self.unguarded, *locks)
        return frozenset((*files, self.picture, self.keys, *self._directories))

    @property
    def _directories(self) -> tuple[Path, ...]:
        return (
            self.kafka,
            self.warehouse,
            self.documents,
            self.artefacts,
            self.slots,
            self.logs,
            self.tls,
            self.auth,
        )

    def make(self) -> None:
        """Create the directories for their owner alone; what is there already is closed, the state directory first.

        Files are not closed one by one: broker and warehouse make theirs open to whoever gets there. Problem where it
        is impossible.
        """
        try:
            self.state.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            self._close()
            for directory in self._directories:
                private_directory(directory)  # each of them: one may be a link to another disk
        except OSError as error:
            raise Problem(f"cannot use {self.state} as state directory: {error.strerror}") from error

    def _close(self) -> None:
        """Take from everybody but its owner what they may do in the state directory, where it is ours to take."""
        found = self.state.stat()
        if is_closed(found):
            return
        if os.geteuid() not in {0, found.st_uid}:
            why = f"it belongs to {_account(found.st_uid)}"
        elif found.st_mode & stat.S_ISVTX:
            why = "everybody keeps files there"
        elif foreign := self.foreign():
            why = f"it holds {foreign[0]}"
        else:
            self.state.chmod(PRIVATE)
            return
        raise Problem(
            f"{self.state} is open to others ({mode_of(found):04o}) and is not ours to close: {why}; expected a "
            "directory of yours alone (chmod 700), an empty one, or none: take another --state"
        )

    def foreign(self) -> list[str]:
        """What lies in the state directory and is not a stack's. Raises OSError."""
        return sorted(path.name for path in self.state.iterdir() if path not in self.entries)


def mode_of(found: os.stat_result) -> int:
    """Who may do what there."""
    return stat.S_IMODE(found.st_mode)


def is_closed(found: os.stat_result) -> bool:
    """Whether nobody but its owner may do anything there."""
    return not mode_of(found) & (stat.S_IRWXG | stat.S_IRWXO)


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # as in a container, for a user of its host
        return f"user {uid}"


def default_state() -> Path:
    """The per-user state directory, used where neither `--state` nor `LOANSTREAM_STATE` names one."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "loanstream"


def cache_directory() -> Path:
    """The user's cache: `LOANSTREAM_CACHE`, else `loanstream` in the XDG cache directory."""
    if own := os.environ.get("LOANSTREAM_CACHE"):
        return Path(own).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loanstream"


def write_stack(layout: Layout, stack: StackFile) -> None:
    """Publish `stack.json`."""
    write_private(layout.stack_file, f"{json.dumps(stack, indent=1)}\n".encode())


def no_stack(state: Path) -> Problem:
    """Nobody runs a stack at `state`; what to do."""
    return Problem(f"no stack is running at {state}; start one with: loanstream up --state {state}")


def read_stack(state: Path) -> StackFile:
    """What the stack at `state`, running or killed, says about itself. Problem where none is ready there."""
    try:
        return cast("StackFile", json.loads(Layout(state).stack_file.read_text()))
    except FileNotFoundError:
        raise no_stack(state) from None
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read {Layout(state).stack_file}: {type(error).__name__}") from error
