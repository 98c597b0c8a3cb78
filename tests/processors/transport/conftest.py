"""What the models of the transport share: Kafka in memory (`memory_kafka`), and faults planted in its source."""

import inspect
import sys
import textwrap
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages


@pytest.fixture
def plant(monkeypatch):
    """Take one rule out of a method: `plant(owner, method, rule, instead)`; fails when the rule is not there."""

    def planted(owner, method, rule, instead):
        source = textwrap.dedent(inspect.getsource(getattr(owner, method)))
        assert rule in source, f"{owner.__name__}.{method} no longer says {rule!r}"
        made = {}
        exec(source.replace(rule, instead), vars(sys.modules[owner.__module__]), made)
        monkeypatch.setattr(owner, method, made[method])

    return planted
