"""`loanstream top` with doubles for broker and warehouse: what ends how, and that one that is away leaves the other."""

import json
import os
import pty
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from confluent_kafka import KafkaError, KafkaException

from loanstream.cli import top
from loanstream.top import look
from loanstream.top.frame import Backlog, Told
from schemas.problem import Problem

BACKLOGS = {"verify": Backlog(1, 5, 0.5)}
TOLD = Told({}, {"approve": (1, 2), "refer": (0, 0), "decline": (0, 0)}, {}, None)


@pytest.fixture
def asked(monkeypatch):
    """Broker and warehouse, which answer or fail; who was asked for which bank, and who was closed."""
    found = SimpleNamespace(broker=BACKLOGS, warehouse=TOLD, tenants=[], closed=0)

    def part(name):
        def answer(*_):
            answer_of = getattr(found, name)
            if isinstance(answer_of, Exception):
                raise answer_of
            return answer_of

        def close():
            found.closed += 1

        def made(_, tenant):
            found.tenants.append(tenant)
            return SimpleNamespace(look=answer, close=close)

        return made

    monkeypatch.setattr(look, "Backlogs", part("broker"))
    monkeypatch.setattr(look, "Warehouse", part("warehouse"))
    monkeypatch.setattr(top, "installation_of", lambda _: SimpleNamespace(narrowed=lambda tenant: tenant))
    return found


def test_one_look_is_one_json_value(asked, loanstream):
    """With what each told, for whichever bank was asked for."""
    found = json.loads(loanstream("top", "--json", "--tenant", "bank-a").stdout)
    assert found["broker"] == {"verify": {"workers": 1, "waiting": 5, "oldest_s": 0.5}}
    assert found["warehouse"]["decisions"]["approve"] == {"minute": 1, "hour": 2}
    assert (found["tenant"], found["away"]) == ("bank-a", {})
    assert (asked.tenants, asked.closed) == (["bank-a", "bank-a"], 2)


@pytest.mark.parametrize("arguments", [("--once",), ()], ids=["asked for", "no terminal"])
def test_one_look_is_printed_without_colour_and_ends(asked, loanstream, arguments):
    """A pipe gets text, and no screen that is drawn again and again."""
    said = loanstream("top", *arguments).stdout
    assert "\x1b" not in said
    assert any(line.split() == ["verify", "1", "-", "-", "5", "0.5", "s", "-", "-"] for line in said.splitlines())


@pytest.mark.parametrize(
    ("who", "fault", "said"),
    [
        ("broker", Problem("k:1 takes no connections"), "broker not asked: k:1 takes no connections"),
        ("broker", KafkaException(KafkaError(KafkaError._TRANSPORT)), "broker not asked: KafkaError"),
        ("broker", TimeoutError(), "broker not asked: it did not answer in time"),
        ("warehouse", DatabaseError("it has no such table"), "warehouse not asked: it has no such table"),
    ],
)
def test_who_is_away_is_told_and_the_other_s_figures_stand(asked, loanstream, who, fault, said):
    """Exit 1: a script is to know that it did not get all of it."""
    setattr(asked, who, fault)
    shown = loanstream("top", "--once", code=1).stdout
    assert said in shown
    assert ("verify             1" in shown) == (who != "broker")
    assert ("approve" in shown) == (who != "warehouse")
    found = json.loads(loanstream("top", "--json", code=1).stdout)
    assert found["away"].keys() == {who}
    assert found[who] is None


def test_a_fault_of_ours_is_not_hidden(asked, loanstream):
    """A bug's trace is wanted."""
    asked.broker = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        loanstream("top", "--once")


def test_a_fault_of_ours_ends_the_screen_too(asked):
    """It would else stand still in silence."""
    asked.broker = ZeroDivisionError()
    with look.Looks(None, None) as looks:
        looks.follow()
        while looks.broker.bug is None:
            pass
        with pytest.raises(ZeroDivisionError):
            looks.frame()


def test_what_is_told_of_one_that_hangs_grows_old(clock):
    """And is new again once it answers."""
    part = look.Part(lambda: TOLD, clock)
    part.refresh()
    clock.now = 6.0
    assert part.age_s == 6.0
    part.refresh()
    assert part.age_s == 0.0


def test_a_slow_warehouse_does_not_hold_up_the_broker_s_figures(asked):
    """Each is looked at in its own time; what was not heard of yet is said."""
    go_on = threading.Event()
    with look.Looks(None, None) as looks:
        looks.warehouse._look = lambda: go_on.wait(30) and TOLD
        looks.follow()
        while looks.frame().backlogs is None:
            pass
        assert looks.frame().away == {"warehouse": look.FIRST}
        go_on.set()
        while looks.frame().told is None:
            pass
        assert looks.frame().away == {}


LIVE = """
import os, signal, threading
from types import SimpleNamespace
from loanstream.cli import top
from loanstream.cli.main import main
from loanstream.top import look
from loanstream.top.frame import Backlog, Told
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background is born deaf to it
told = Told({}, {"approve": (1, 2)}, {}, None)
looks = iter(range(1000))
look.Backlogs = lambda *_: SimpleNamespace(look=lambda: {"verify": Backlog(1, 4000 + next(looks), 0.5)}, close=int)
look.Warehouse = lambda *_: SimpleNamespace(look=lambda _: told, close=int)
top.installation_of = lambda _: SimpleNamespace(narrowed=lambda tenant: tenant)
threading.Timer(2.6, os.kill, (os.getpid(), signal.SIGINT)).start()
raise SystemExit(main(["top"]))
"""


def test_on_a_terminal_it_is_drawn_again_every_second_and_ctrl_c_ends_it_well():
    """The terminal is given back as it was."""
    ours, its = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    child = subprocess.Popen([sys.executable, "-c", LIVE], stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert child.wait(30) == 0
    assert sum(f"4,{number:03}".encode() in said for number in range(10)) >= 2
    assert said.count(b"\x1b[?1049h") == said.count(b"\x1b[?1049l") == 1
    assert b"Traceback" not in said
