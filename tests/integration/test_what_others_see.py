"""What the running stack shows to other users of the machine: no secret in `ps`, in a log, or in a file they can read."""

import json
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from confluent_kafka import Consumer, KafkaException

from loanstream.stack.layout import read_stack
from loanstream.stack.running import RunningStack
from stores.keys import WAREHOUSE_FILE

SHORTEST = 20
"""Characters of a secret: each of ours has more."""
NAMES_OF_SECRETS = re.compile(r"(^|_)(key|password|secret|d)$")
TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")
PEM = re.compile(rb"BEGIN (?:EC |RSA )?PRIVATE KEY")
PUBLIC = {"tls/ca.pem", "auth/jwks.json"}
"""What whoever talks to the stack is to trust."""
HOLD_NOTHING = {"up.lock", "prepared", "ports.json"}


def secrets_in(found: Any, name: str = "") -> Iterator[str]:
    """Every secret of a key file: the texts under names such as `receipt_key` and `client_secret`."""
    match found:
        case dict():
            for key, value in found.items():
                yield from secrets_in(value, str(key))
        case list():
            for value in found:
                yield from secrets_in(value, name)
        case str() if NAMES_OF_SECRETS.search(name):
            yield found


@pytest.fixture(scope="module")
def secrets(stack: RunningStack) -> frozenset[str]:
    """All secrets of the state: of the key files, the lines of private keys, the passwords and client secrets."""
    found: set[str] = set()
    for path in stack.layout.keys.rglob("*"):
        if path.suffix == ".json":
            held = json.loads(path.read_text())
            # The stack's own copy of its clients' secrets has no names but the clients'.
            found |= set(held.values()) if path.name == "clients.json" else set(secrets_in(held))
        elif path.suffix == ".pem":
            # The third line is the public key's, which the certificate holds, too.
            found |= set(path.read_text().split("PRIVATE KEY-----\n")[1].splitlines()[:2])
    found |= set(secrets_in(dict(stack.stack)))
    found = {secret for secret in found if isinstance(secret, str) and not secret.startswith("/")}
    assert len(found) > 2 * len(stack.tenants)
    assert all(len(secret) >= SHORTEST for secret in found)
    return frozenset(found)


@pytest.fixture(scope="module")
def tokens(stack: RunningStack) -> list[str]:
    """Tokens of both kinds, each shown well and badly to broker and gateway."""
    if "auth" not in stack.stack:
        return []
    ca = stack.stack["tls"]["ca"]
    made = []
    for role in (f"{kind}:{stack.tenants[0]}" for kind in ("producer", "consumer")):
        client = stack.stack["auth"]["clients"][role]
        ids = client["client_id"], client["client_secret"]
        where = stack.stack["auth"]["token_endpoint"]
        trusted = httpx.create_ssl_context(verify=ca)
        answer = httpx.post(where, auth=ids, data={"grant_type": "client_credentials"}, verify=trusted)
        made.append(answer.json()["access_token"])
        httpx.post(where, auth=ids, data={"grant_type": ids[1]}, verify=trusted)
    for token in (*made, made[0][:-8] + "AAAAAAAA"):
        show(stack, token)
        if "gateway" in stack.stack:
            for path in ("/v1/decisions/nobodys", f"/v1/decisions/{token[:60]}", f"/{token}"):
                url = f"{stack.stack['gateway']['url']}{path}?access_token={token}"
                httpx.get(url, headers={"Authorization": f"Bearer {token}", "X-Token": token}, verify=trusted)
    return made


def show(stack: RunningStack, token: str) -> None:
    """Log in at the broker's listener for tokens, with this one."""
    producer = stack.stack["kafka"]["security"][f"producer:{stack.tenants[0]}"]
    named = ("bootstrap.servers", "security.protocol", "ssl.ca.location", "sasl.mechanisms")
    settings = {name: producer[name] for name in named}
    client = Consumer(
        {**settings, "group.id": "seen", "log_level": 0, "oauth_cb": lambda _: (token, time.time() + 200)}
    )
    try:
        client.list_topics(timeout=2)
    except KafkaException:
        pass
    finally:
        client.close()


def test_no_command_line_holds_a_secret(secrets: frozenset[str], stack: RunningStack) -> None:
    """`ps` shows every process' arguments to every user: of the stack's processes, and of all others here, none is one."""
    own = [psutil.Process(part["pid"]) for part in read_stack(stack.layout.state)["processes"]]
    assert own
    shown = []
    for process in (*own, *psutil.process_iter()):
        try:
            shown.append("\n".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    text = "\n".join(shown)
    assert str(stack.layout.state) in text, "the stack's own are among them"
    assert not any(secret in text for secret in secrets)
    assert not PEM.search(text.encode())
    assert not TOKEN.search(text.encode())


def test_no_log_holds_a_secret_or_a_token(secrets: frozenset[str], tokens: list[str], stack: RunningStack) -> None:
    """Whatever this run did before, and whatever was shown where: logs, settings and journals are free of it."""
    state = stack.layout.state
    looked_at = [path for path in state.rglob("*") if path.is_file() and holds_text(path.relative_to(state))]
    looked_at.append(state.parent / f"{state.name}.log")  # what `up` said
    assert {"kafka.log", "record-0.log", "supervisor.log", "server.properties"} <= {path.name for path in looked_at}
    never = [secret.encode() for secret in secrets]
    never += [part.encode() for token in tokens for part in token.split(".")[1:]]
    found = []
    for path in looked_at:
        data = path.read_bytes()
        if TOKEN.search(data) or PEM.search(data) or any(secret in data for secret in never):
            found.append(str(path.relative_to(state.parent)))
    assert found == []


def holds_text(path: Path) -> bool:
    """All but the keys and what tells them to their owner, and the records and rows of broker and warehouse."""
    return path.parts[0] not in {"keys", "stack.json", "warehouse", "documents"} and path.parts[:2] != ("kafka", "data")


def test_others_read_nothing_of_the_state(stack: RunningStack) -> None:
    """Every file but public keys and certificates is for its owner, or lies where nobody else can go."""
    state = stack.layout.state
    opened = [path for path in reachable(state) if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    names = {str(path.relative_to(state)) for path in opened if path.is_file()}
    assert names <= PUBLIC | HOLD_NOTHING
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for path in (stack.layout.keys, *stack.layout.keys.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert (stack.layout.keys / WAREHOUSE_FILE).exists()


def reachable(directory: Path) -> Iterator[Path]:
    """What others could reach below a directory if they were in it."""
    for path in directory.iterdir():
        yield path
        if path.is_dir() and path.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH):
            yield from reachable(path)
