"""/healthz and /readyz."""

import asyncio
from types import SimpleNamespace

from producers.gateway.readiness import Readiness


def test_readiness_is_what_the_parts_say(door):
    """Who sends requests here learns whether they can be served, and why not; nothing of any bank."""
    assert door.ask("GET", "/readyz", token="").json() == {"ready": True, "complaints": {}}
    door.complaints["broker"] = "the broker does not answer"
    door.app.state.readiness._asked_at = -1e9
    found = door.ask("GET", "/readyz", token="")
    assert found.status_code == 503
    assert found.json() == {"ready": False, "complaints": {"broker": "the broker does not answer"}}
    assert "bank-" not in found.text


def test_the_process_lives_whatever_is_away(door):
    """A broker that is away is no reason to start the gateway again."""
    door.complaints["broker"] = "away"
    assert door.ask("GET", "/healthz", token="").json() == {"alive": True}


def test_a_flood_of_questions_is_one_question(run):
    """Anybody may ask: the parts are asked once a second, and who hangs is told as such in time."""
    asked, now = [], [0.0]

    async def healthy():
        asked.append(1)
        await asyncio.sleep(0.01)
        return {}

    readiness = Readiness(SimpleNamespace(healthy=healthy), now=lambda: now[0])

    async def flood():
        return await asyncio.gather(*(readiness.complaints() for _ in range(1000)))

    assert run(flood()) == [{}] * 1000
    run(flood())
    assert len(asked) == 1
    now[0] += 1.1
    run(flood())
    assert len(asked) == 2


def test_parts_that_hang_are_not_ready(run):
    """No answer in time is an answer."""

    async def hangs():
        await asyncio.sleep(60)
        return {}

    assert run(Readiness(SimpleNamespace(healthy=hangs), within_s=0.05).complaints()) == {"parts": "no answer in time"}
