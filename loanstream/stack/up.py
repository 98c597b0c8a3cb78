"""`loanstream up`: one state directory's stack in the foreground, from nothing to ready, until it is told to stop."""

import json
import logging
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from confluent_kafka import KafkaException

from loanstream.gateway.child import gateway_url
from loanstream.installation import Installation
from loanstream.stack import ports
from loanstream.stack.auth.child import AuthServer
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import ClientSecret, ensure_clients
from loanstream.stack.auth.ring import Times
from loanstream.stack.auth.ring_file import make_ring
from loanstream.stack.following import Followed
from loanstream.stack.kafka.broker import broker_command
from loanstream.stack.kafka.guard import Guard, by_token
from loanstream.stack.kafka.node import PORT_NAMES
from loanstream.stack.layout import READER, Layout, StackFile, default_state, write_stack
from loanstream.stack.lock import hold
from loanstream.stack.pki import AUTH, Pki
from loanstream.stack.space import full_disk_named, need_room
from loanstream.stack.supervisor import TICK_S, Supervisor, end_leftovers
from loanstream.stack.table import WORKERS, Plan, children, operators_installation, worker_names
from loanstream.stack.told import ToldToStop
from loanstream.stack.watch import watch
from loanstream.tenants.book import TenantBook
from processors.transport.logs import log_to
from schemas.access import ADMIN, BANKS_KINDS, GATEWAY, stage_principal
from schemas.problem import Problem
from stores.keys import KeyFiles
from stores.private_files import write_private
from stores.warehouse.client import DATABASE

logger = logging.getLogger(__name__)

FIRST_TENANTS = ("bank-a", "bank-b")
"""The banks of a new state, where nobody names others."""
READY_WITHIN_S = 180.0
"""Where the token server answers."""
SUPERVISOR = "supervisor"
SUPERVISOR_LOG = "supervisor.log"

Progress = Callable[[str], None]

MILESTONES = (
    # what has happened, and the line it is told in
    ("answers", "broker ready"),
    ("kafka", "topics ready"),
    ("warehouse", "warehouse ready"),
    ("joined", "workers joined"),
)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What makes the stack's parts ready, each in a thread of its own; all of it may find itself done already.

    `stores` runs at once, `broker` and `warehouse` when these answer.
    """

    stores: Callable[[Installation], object]
    broker: Callable[[Installation], object]
    warehouse: Callable[[Installation], object]


def run_up(
    state: Path,
    tenants: tuple[str, ...] | None,
    workers: int,
    on_progress: Progress,
    hooks: Hooks,
    *,
    secure: bool = True,
    times: Times | None = None,
) -> int:
    """Run the stack of `state` until SIGINT, SIGTERM or SIGHUP; 0 after a stop in order.

    `tenants` are the banks served, None: those of the last start and of `loanstream tenant`; what is half added is
    finished. `workers` is the number a stage gets. Without `secure` whoever reaches the broker may do everything there.
    Only the lab names the token server's `times`. To be called from the main thread. Raises Problem: another `up` has
    the directory, its disk is full, the cache cannot be filled, a process does not start; nothing runs any more then.
    """
    layout = Layout(state.expanduser().absolute())
    told_to_stop = ToldToStop((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    layout.make()
    with full_disk_named(layout.state), hold(layout.lock), log_to(layout.logs / SUPERVISOR_LOG, SUPERVISOR):
        _withdraw(layout)
        for pid in end_leftovers(layout.state):
            on_progress(f"ended process {pid}, left behind by an earlier run")
        need_room(layout.state)
        plan = _plan(layout, tenants, workers, on_progress, times or Times(), secure=secure)
        _tell_of_security(layout, on_progress, secure=secure)
        ready = False
        followed = Followed(layout, plan)

        def replaced() -> None:
            if ready:
                write_stack(layout, describe(followed.plan, supervisor))

        supervisor = Supervisor(layout.state, layout.logs, children(plan), replaced, on_progress)
        started = time.monotonic()
        try:
            on_progress("starting the broker, the warehouse and the workers")
            supervisor.start()
            ready = _bring_up(plan, supervisor, told_to_stop, hooks, on_progress)
            if ready:
                replaced()
                on_progress("\n".join(_welcome(plan, time.monotonic() - started)))
                _watch_workers(plan, supervisor, on_progress, told_to_stop)
            while not told_to_stop.wait(TICK_S):
                supervisor.tick()
                if followed.changed():
                    replaced()
            on_progress("stopping")
        finally:
            _withdraw(layout)
            supervisor.stop()
    return 0


UNGUARDED = "NOT SECURED: whoever reaches the broker reads and writes every bank's records (--insecure)"


def _tell_of_security(layout: Layout, on_progress: Progress, *, secure: bool) -> None:
    """Say what an unsecured start means; and at each secured one of the same state, what an earlier one leaves."""
    if not secure:
        with layout.unguarded.open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n")
        on_progress(UNGUARDED)
    elif layout.unguarded.exists():
        last = layout.unguarded.read_text().split()[-1]
        line = (
            f"NOT PROVEN: this state was run with --insecure, last started at {last}: whoever reached the broker then "
            "may have written any record of any bank, and nothing marks those records"
        )
        logger.warning(line)
        on_progress(line)


def describe(plan: Plan, supervisor: Supervisor) -> StackFile:
    """The content of stack.json for what runs now."""
    described = _described(plan, supervisor)
    if plan.guard is not None:
        described["tls"] = {"ca": str(plan.guard.pki.ca)}
    if plan.auth is not None:
        described["auth"] = plan.auth.part(plan.clients)
    if plan.gateway is not None:
        described["gateway"] = plan.gateway.part
    return described


def security_of(plan: Plan) -> dict[str, dict[str, str]]:
    """How each kind of client proves itself to the broker: the operator by a certificate, banks by their tokens."""
    if plan.guard is None or plan.auth is None:
        return {}
    ca, endpoint = plan.guard.pki.ca, plan.auth.endpoints.token_endpoint
    banks = {
        role: by_token(plan.oauth, ca, endpoint, client.client_id, client.client_secret)
        for role, client in plan.clients.items()
        if role.partition(":")[0] in BANKS_KINDS
    }
    return {**banks, ADMIN: plan.operator}


def _described(plan: Plan, supervisor: Supervisor) -> StackFile:
    return {
        "kafka": {"bootstrap": plan.bootstrap, "security": security_of(plan)},
        "warehouse": {
            "url": plan.warehouse_url,
            "database": DATABASE,
            "user": READER,
            "password": plan.passwords.reader_password,
        },
        "documents": {"url": plan.layout.documents.as_uri()},
        "tenants": list(plan.tenants),
        "processes": supervisor.processes(),
    }


def _welcome(plan: Plan, took_s: float) -> Iterator[str]:
    """What a person needs next, once stack.json is there."""
    given = "" if plan.layout.state == default_state() else f" --state {shlex.quote(str(plan.layout.state))}"
    yield f"ready after {took_s:.1f} s: kafka {plan.bootstrap}"
    if plan.gateway is not None:
        yield f"  gateway  {plan.gateway.url}"
    yield f"  tenants  {', '.join(plan.tenants)}"
    yield f"  stack    {plan.layout.stack_file}"
    yield f"  logs     {plan.layout.logs}"
    yield f"  next     loanstream submit FILE{given}"


def _bring_up(
    plan: Plan, supervisor: Supervisor, told_to_stop: ToldToStop, hooks: Hooks, on_progress: Progress
) -> bool:
    """Prepare broker and warehouse as soon as each answers, then wait for the workers; False when told to stop."""
    installation = operators_installation(plan)
    waiting = {"kafka": hooks.broker, "warehouse": hooks.warehouse}
    works = [_Work("stores", partial(hooks.stores, installation))]
    ahead = list(MILESTONES)
    until = time.monotonic() + READY_WITHIN_S
    while not told_to_stop.wait(TICK_S):
        supervisor.tick()
        works += [
            _Work(name, partial(waiting.pop(name), installation))
            for name in tuple(waiting)
            if supervisor.is_ready(name)
        ]
        done = {work.name for work in works if work.is_done()}  # each must have the chance to raise
        reached = {
            "answers": supervisor.is_ready("kafka"),
            "joined": supervisor.is_ready(),
            **dict.fromkeys(done, True),
        }
        while ahead and reached.get(ahead[0][0]):
            on_progress(ahead.pop(0)[1])
        if not waiting and len(done) == len(works):
            # The workers' imports and models are loaded by now; this lets them join their groups.
            plan.layout.prepared.touch()
            if supervisor.is_ready():
                return True
        if time.monotonic() > until:
            late = [work.name for work in works if not work.is_done()] + supervisor.unready()
            raise Problem(f"not ready after {READY_WITHIN_S:.0f} s: {', '.join(late)}; see {plan.layout.logs}")
    return False


def _watch_workers(plan: Plan, supervisor: Supervisor, on_progress: Progress, stop: ToldToStop) -> None:
    urls = {name: f"http://{ports.LOOPBACK}:{plan.ports[name]}" for name in worker_names(plan.workers)}
    threading.Thread(
        target=watch, args=(urls, supervisor.is_ready, on_progress, stop), name="up-watch", daemon=True
    ).start()


def _plan(
    layout: Layout,
    named: tuple[str, ...] | None,
    workers: int,
    on_progress: Progress,
    times: Times,
    *,
    secure: bool = True,
) -> Plan:
    keys, book = KeyFiles(layout.keys), TenantBook(layout.tenants)
    tenants = named or book.to_serve() or FIRST_TENANTS
    book.serve(tenants)
    for tenant in tenants:
        keys.make_tenant(tenant)
    keys.part_all()
    brokers = ports.keep_or_pick(layout.kafka / ports.FILE, PORT_NAMES).values()
    servers = ("warehouse", *(["auth", GATEWAY] if secure else []))
    chosen = ports.keep_or_pick(layout.ports, (*servers, *worker_names(workers)), besides=brokers)
    guard, auth, clients = _guard(layout, chosen, tenants, times) if secure else (None, None, {})
    at, command = broker_command(layout.kafka, guard, on_progress=on_progress)
    plan = Plan(
        layout,
        tenants,
        workers,
        at.broker,
        tuple(command),
        keys.make_passwords(),
        chosen,
        guard=guard,
        oauth=at.oauth,
        auth=auth,
        clients=clients,
    )
    if guard is not None:
        leaves = {GATEWAY: GATEWAY} | {stage: stage_principal(stage) for stage in WORKERS}
        for name, leaf in leaves.items():
            write_private(plan.security_file(name), json.dumps(guard.client(leaf)).encode())
    return plan


def _guard(
    layout: Layout, chosen: Mapping[str, int], tenants: tuple[str, ...], times: Times
) -> tuple[Guard, AuthServer, Mapping[str, ClientSecret]]:
    """What the broker believes: certificates, the token server's keys. Both are there before anything is started."""
    pki = Pki(layout.keys, layout.tls)
    pki.make()
    make_ring(AuthFiles(layout.state), time.time())
    page = gateway_url(chosen[GATEWAY])
    server = AuthServer(layout.state, chosen["auth"], pki.leaf(AUTH), pki.leaf(AUTH), pki.ca, times, page)
    return Guard(pki, layout.jwks, server.endpoints.issuer), server, ensure_clients(layout.state, tenants)


class _Work:
    """Something that runs beside the supervisor. A daemon: a stop does not wait for a request to a dead broker."""

    def __init__(self, name: str, do: Callable[[], object]) -> None:
        self.name = name
        self._do = do
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"up-{name}", daemon=True)
        self._thread.start()

    def is_done(self) -> bool:
        """Whether it is done; raises what it raised, a broker's error as Problem."""
        if self._thread.is_alive():
            return False
        if isinstance(self._error, KafkaException):
            raise Problem(f"the broker refused what {self.name} needs: {self._error}") from self._error
        if self._error is not None:
            raise self._error
        return True

    def _run(self) -> None:
        try:
            self._do()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self._error = error


def _withdraw(layout: Layout) -> None:
    layout.stack_file.unlink(missing_ok=True)
    layout.prepared.unlink(missing_ok=True)
