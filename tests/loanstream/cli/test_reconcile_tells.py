"""`loanstream reconcile` tells the alarms what it found, with doubles for Kafka and the comparison."""

from types import SimpleNamespace

import pytest

from loanstream.ask.reconciliation import Reconciliation
from loanstream.cli import reconcile as verb
from loanstream.cli.main import main
from processors import measurements

INSTALLATION = SimpleNamespace(
    tenants=("bank-a", "bank-b"), warehouse_url="http://there", cipher=None, bootstrap="broker:1",
    security={"security.protocol": "SSL"}, tenant=lambda asked: asked,
)  # fmt: skip


class Publisher:
    """Keeps what is told; `arrives` is whether Kafka takes it."""

    def __init__(self, arrives):
        self.arrives, self.told = arrives, []

    def __call__(self, bootstrap, security, worker):
        self.whose = (bootstrap, security, worker.stage)
        return self

    def tell(self, figures):
        self.told += [(figure.name, figure.value) for figure in figures]
        return self.arrives


@pytest.fixture
def run(monkeypatch, capfd):
    """Runs the verb: (exit code, what was published, stderr)."""

    def of(*options, arrives=True):
        publisher = Publisher(arrives)
        monkeypatch.setattr(measurements, "MetricPublisher", publisher)
        monkeypatch.setattr(verb, "installation_of", lambda _: INSTALLATION)
        monkeypatch.setattr(verb, "need_sight", lambda _: None)
        monkeypatch.setattr(verb, "compare_all", lambda *_: Reconciliation())
        code = main(["reconcile", "--json", *options])
        return code, publisher, capfd.readouterr().err

    return of


def test_a_whole_run_is_known_to_the_alarm(run):
    """As the operator, who may write there; nought is told as well: somebody has looked."""
    code, publisher, _ = run()
    assert (code, publisher.told) == (0, [("reconcile_differences", 0)])
    assert publisher.whose == ("broker:1", {"security.protocol": "SSL"}, "reconcile")


def test_a_run_over_one_bank_says_nothing_of_the_others(run):
    """The alarm would believe that all were compared."""
    assert run("--tenant", "bank-a")[1].told == []


def test_what_could_not_be_published_is_told_and_the_answer_stands(run):
    """Kafka refused: the comparison is as it is, and one line says that the alarm does not know."""
    code, _, err = run(arrives=False)
    assert code == 0
    assert "could not be published" in err
