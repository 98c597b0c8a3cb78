"""Calls that block: what hangs keeps its own thread and nothing else."""

import asyncio
import subprocess
import sys
import threading

import pytest

from processors.stages.blocking import BlockingCalls


async def within(seconds, waiting):
    async with asyncio.timeout(seconds):
        return await waiting


def test_a_call_gives_what_it_returns_or_raises():
    """As if it had been made here."""
    calls = BlockingCalls(1)
    assert asyncio.run(within(10, calls.make(divmod, 7, 2))) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(within(10, calls.make(divmod, 7, 0)))


def test_what_hangs_counts_until_it_returns():
    """No further call is made meanwhile, though nobody waits for the one that hangs; then calls are made again."""
    calls, hangs, made = BlockingCalls(1), threading.Event(), []

    async def ask():
        for call in (hangs.wait, made.append):
            with pytest.raises(TimeoutError):
                await within(0.05, calls.make(call, None))
        assert made == []
        hangs.set()
        await within(10, calls.make(made.append, "again"))

    asyncio.run(ask())
    assert made == ["again"]


_ENDS = """
import asyncio, threading
from processors.stages.blocking import BlockingCalls

async def ask():
    await asyncio.wait({asyncio.ensure_future(BlockingCalls(1).make(threading.Event().wait))}, timeout=0.1)

asyncio.run(ask())
print("the end")
"""


def test_what_hangs_does_not_hold_up_the_end_of_the_worker():
    """A worker that is told to stop while a store hangs is gone at once."""
    done = subprocess.run([sys.executable, "-c", _ENDS], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "the end\n"
