"""The experiment of `loanstream.lab.chaos.hangs`, in short: real clients beside a real broker that goes away and comes back."""

import sys

import confluent_kafka
import pytest

from loanstream.lab.chaos import hangs
from schemas.problem import Problem

PATIENCE_S = 2.5


@pytest.fixture(autouse=True)
def _brief(monkeypatch):
    monkeypatch.setattr(hangs, "WARM_UP_S", PATIENCE_S)
    monkeypatch.setattr(hangs, "RECOVERS_S", PATIENCE_S)


def test_two_clients_copy_while_their_broker_restarts():
    """The client's version and the count of restarts are told; whether calls hang in so short a time is chance."""
    found = hangs.restarts(sys.executable, 1)
    assert (found["librdkafka"], found["restarts"]) == (confluent_kafka.libversion()[0], 1)
    assert found["hung"] + found["failed"] <= 4


def test_clients_that_copy_nothing_are_no_finding(tmp_path, monkeypatch):
    """An interpreter without the client library, say, would else be the first version that never hangs."""
    monkeypatch.setattr(hangs, "WARM_UP_S", 0.5)
    monkeypatch.setattr(hangs, "COPIES_WITHIN_S", 1.0)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(Problem, match="copied nothing"):
        hangs.restarts(str(broken), 0)
