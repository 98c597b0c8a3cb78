"""`loanstream chaos --tokens`: banks at work over many lives of their tokens, while keys and secrets are rotated.

Theory of operation. A stack whose tokens live for seconds; senders and readers of three banks over Kafka's listener for
tokens and over the gateway. The deeds of a table are done in turn, one after the other. At the end everything that
was submitted must have been decided once, in the hands of the bank's reader and on the topic, and nobody who called the
client library may have heard of it. Then somebody comes with a secret of the past: he is refused, and the library
does not try again.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path
from typing import Any

from loanstream.ask.reconcile import reconcile
from loanstream.lab.chaos.banks import Bank, Heard, HttpsSender, KafkaSender, Reader, Sender, longest_wait_s
from loanstream.lab.chaos.short_lived import short_lived
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import rotate_secret
from loanstream.stack.auth.ring import rotated
from loanstream.stack.auth.ring_file import change_ring
from loanstream.stack.fresh import clear
from loanstream.stack.running import RunningStack
from producers.client import ApplicationProducer
from producers.errors import CredentialsRefusedError
from schemas.topics import TOPICS
from stores.topics import KafkaTopics

LIFE_S, LIVES = 6, 40
RATE = 8.0
"""Applications a second of each sender."""
SENDERS: Mapping[str, type[KafkaSender | HttpsSender]] = {
    "bank-a": KafkaSender,
    "bank-b": KafkaSender,
    "bank-c": HttpsSender,
}
FROZEN = 0.5
"""Of a token's life: so long the token server stands still."""
EVERY_S = 6.0
"""Between two deeds."""
GRACE_S = 60.0
"""For so long a replaced secret is good: longer than a sender may take to be done with what it has begun."""
GOAL_S = 20.0
"""librdkafka tries again 10 s after a token server that did not answer, whatever is left of the token."""
TOKENS_LEAST = 0.5
"""Tokens that each client must have had for each life, or the run shows little: one that waits for the token server has
none meanwhile.
"""
SETTLED_WITHIN_S = 60.0
ASKS_AGAIN_S = 12.0
"""By then librdkafka, left to itself, would have asked once more."""

DOOR = (401, 403, 429)
"""What the gateway answers where it is the client that it refuses."""

MUST_BE_ZERO = ("lost", "doubled", "handed_twice", "client_errors", "refusals", "too_few_tokens", "differences")


@dataclass(frozen=True, slots=True)
class Soak:
    """What a deed may act on."""

    running: RunningStack
    life_s: int
    banks: Sequence[Bank]

    @property
    def files(self) -> AuthFiles:
        """The token server's."""
        return AuthFiles(self.running.layout.state)

    @property
    def server(self) -> int:
        """The token server's process id."""
        processes = RunningStack.at(self.running.layout.state).stack["processes"]
        return next(process["pid"] for process in processes if process["name"] == "auth")


def _rotate(soak: Soak) -> None:
    """The new key is published, and signs half a minute later: meanwhile the other deeds are done."""
    change_ring(soak.files, lambda ring: rotated(ring, time.time()))


def _rotate_now(soak: Soak) -> None:
    change_ring(soak.files, lambda ring: rotated(ring, time.time(), at_once=True))


def _kill(soak: Soak) -> None:
    os.kill(soak.server, signal.SIGKILL)


def _freeze(soak: Soak) -> None:
    frozen = soak.server
    os.kill(frozen, signal.SIGSTOP)
    time.sleep(FROZEN * soak.life_s)
    os.kill(frozen, signal.SIGCONT)


def _renew_secrets(soak: Soak) -> None:
    """Of every client; each goes over to its new one while the one before is still good."""
    for bank in soak.banks:
        bank.go_over_to(rotate_secret(soak.files, bank.client_id, GRACE_S).client_secret)


Deed = Callable[[Soak], None]
FIRST: Mapping[str, Deed] = {"a key that signs at once": _rotate_now}
"""Done once: a gateway that has just met a key which it did not know asks for no other one within 10 s."""
THEN: Mapping[str, Deed] = {
    "a key that is published first": _rotate,
    "the token server frozen": _freeze,
    "secrets renewed": _renew_secrets,
    "the token server killed": _kill,
}
"""Done in turn until the lives are over."""


def run_tokens(state: Path, life_s: int = LIFE_S, lives: int = LIVES) -> int:
    """Run it on a fresh stack at `state`; 0 only if nothing of MUST_BE_ZERO was found and nobody waited too long.

    The last line printed is one JSON object. Problem for anything else than an earlier state there.
    """
    clear(state)
    state.parent.mkdir(parents=True, exist_ok=True)
    with short_lived(state, life_s, ",".join(SENDERS)) as running:
        end = soak_of(running, life_s, lives)
    sys.stdout.write(json.dumps(end) + "\n")
    return exit_code(end)


def exit_code(end: Mapping[str, Any]) -> int:
    """0 where the totals hold nothing that must not be."""
    old = end["old_secret"]
    well = not any(end[name] for name in MUST_BE_ZERO) and end["sent"] and end["longest_wait_s"] <= GOAL_S
    return 0 if well and (old["outcome"], old["asked"]) == ("refused", 1) else 1


def soak_of(running: RunningStack, life_s: int, lives: int) -> dict[str, Any]:
    """The totals of a run on this stack."""
    heard = Heard()
    senders = [sender(running, tenant, heard, RATE) for tenant, sender in SENDERS.items()]
    readers = [Reader(running, tenant, heard) for tenant in SENDERS]
    soak = Soak(running, life_s, [*senders, *readers])
    for bank in soak.banks:
        bank.start()
    deeds = _through(soak, time.monotonic() + life_s * lives)
    for sender in senders:
        sender.end()
    _wait_for_all(senders, readers)
    for reader in readers:
        reader.end()
    asked = requests_of_tokens(_lines(running, "auth"))
    return {
        "life_s": life_s,
        "lives": lives,
        "deeds": deeds,
        **counted(senders, readers, decided_of(running)),
        "client_errors": [error for bank in soak.banks for error in bank.errors],
        "tokens": sum(asked[bank.client_id]["issued"] for bank in soak.banks),
        "too_few_tokens": [
            bank.client_id for bank in soak.banks if asked[bank.client_id]["issued"] < TOKENS_LEAST * lives
        ],
        "refusals": refused(asked, _lines(running, "gateway")),
        "heard": dict(heard.refusals),
        "differences": len(reconcile(running).differences),
        "old_secret": _with_an_old_secret(soak),
    }


def _through(soak: Soak, until: float) -> dict[str, int]:
    """Do the deeds until the lives are over; how often each was done."""
    done: Counter[str] = Counter()
    for name, deed in chain(FIRST.items(), cycle(THEN.items())):
        next_at = time.monotonic() + EVERY_S
        if next_at > until:
            break
        sys.stderr.write(f"{name}\n")
        deed(soak)
        done[name] += 1
        time.sleep(max(0.0, next_at - time.monotonic()))
    time.sleep(max(0.0, until - time.monotonic()))
    return dict(done)


def counted(senders: Iterable[Sender], readers: Iterable[Reader], decided: Mapping[str, int]) -> dict[str, Any]:
    """What became of every application that was submitted; `decided` are the decisions on the topics, by its id."""
    submitted = {name: at for sender in senders for name, at in sender.submitted.items()}
    handed = {name: times for reader in readers for name, times in reader.handed.items()}
    return {
        "sent": len(submitted),
        "lost": sum(1 for name in submitted if name not in handed),
        "doubled": sum(count - 1 for count in decided.values()),
        "handed_twice": sum(len(times) - 1 for times in handed.values()),
        "longest_wait_s": round(longest_wait_s(submitted, handed), 1),
    }


def decided_of(running: RunningStack) -> Counter[str]:
    """The decisions on the topics of all banks, by application."""
    found: Counter[str] = Counter()
    with closing(KafkaTopics(running.bootstrap, running.security)) as topics:
        names = [TOPICS["decisions"].name(tenant) for tenant in running.tenants]
        for partition, bounds in topics.bounds(names).items():
            found.update((message.key() or b"").decode() for message in topics.read(partition, bounds))
    return found


def requests_of_tokens(lines: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """Requests at the token server by client and reason; those that the log only counts are in it.

    >>> dict(requests_of_tokens([{"client_id": "a", "reason": "issued", "unsaid": 2}, {"message": "up"}])["a"])
    {'issued': 3}
    """
    found: dict[str, Counter[str]] = _Counters()
    for line in lines:
        if "reason" in line:
            found[line["client_id"]][line["reason"]] += 1 + line.get("unsaid", 0)
    return found


class _Counters(dict[str, Counter[str]]):
    def __missing__(self, key: str) -> Counter[str]:
        return self.setdefault(key, Counter())


def refused(asked: Mapping[str, Counter[str]], gateway: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Refusals by their reason, of the token server and of the gateway. Who asks the right way meets none.

    >>> refused({"a": Counter(issued=3, wrong_secret=1)}, [{"status": 401, "reason": "token-key"}, {"status": 202}])
    {'wrong_secret': 1, 'token-key': 1}
    """
    found: Counter[str] = Counter()
    for reasons in asked.values():
        found.update({reason: count for reason, count in reasons.items() if reason != "issued"})
    for line in gateway:
        if line.get("status") in DOOR:
            found[line["reason"]] += 1 + line.get("unsaid", 0)
    return dict(found)


def _with_an_old_secret(soak: Soak) -> dict[str, Any]:
    """What becomes of a sender whose secret was replaced without grace, and how often his library asked for a token."""
    bank = next(bank for bank in soak.banks if isinstance(bank, KafkaSender))
    rotate_secret(soak.files, bank.client_id, 0.0)
    before = _refusals_of(soak.running, bank.client_id)
    began = time.monotonic()
    outcome = "accepted"
    producer = ApplicationProducer(bank.settings(), bank.tenant)
    try:
        producer.submit_raw(b"too-late", b"{}")
        producer.flush()
    except CredentialsRefusedError:
        outcome = "refused"
    told_s = time.monotonic() - began
    time.sleep(ASKS_AGAIN_S)
    asked = _refusals_of(soak.running, bank.client_id) - before
    return {"outcome": outcome, "after_s": round(told_s, 1), "asked": asked}


def _refusals_of(running: RunningStack, client_id: str) -> int:
    asked = requests_of_tokens(_lines(running, "auth"))[client_id]
    return asked.total() - asked["issued"]


def _lines(running: RunningStack, process: str) -> list[dict[str, Any]]:
    found = []
    for line in (running.layout.logs / f"{process}.log").read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # a line that a killed process did not end
    return [line for line in found if isinstance(line, dict)]


def _wait_for_all(senders: Sequence[Sender], readers: Sequence[Reader]) -> None:
    until = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < until:
        handed = {name for reader in readers for name in reader.handed}
        if all(name in handed for sender in senders for name in sender.submitted):
            break
        time.sleep(0.2)
    time.sleep(1.0)  # what is decided twice follows at once
