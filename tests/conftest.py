"""What every test run has: the public data's address, one warehouse where tests ask for it, the command line, a closing line.

What is slow to import is imported by the fixture that needs it: a test of a schema waits for no client of Kafka.
"""

import csv
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest

for name, examples in {"suite": 100, "deep": 500}.items():
    hypothesis.settings.register_profile(name, max_examples=examples, deadline=None)
hypothesis.settings.load_profile("suite")
"""A busy machine is no failure of a property. `make test-deep` tries five times as many examples; a property that needs more
than others says how many times as many.
"""

PUBLIC_DATA = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


SHARED = "shared_stack"


def pytest_terminal_summary(terminalreporter) -> None:
    """Say which data the tests of training, files and the spine ran on."""
    found = (PUBLIC_DATA / "loan_approval_dataset.csv").is_file()
    said = "the public loan data" if found else "seeded data of the public set's layout (LOANSTREAM_DATA names none)"
    terminalreporter.write_line(f"data: {said}")


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark by which `make test` parts the integration tests."""
    config.addinivalue_line("markers", f"{SHARED}: on the one stack that the tests of a run share")


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The integration tests come last, those on the shared stack at the very end: while it runs it works beside others."""
    integration = Path(__file__).with_name("integration")
    ring = {}
    for item in items:
        shares = integration in item.path.parents and "stack" in getattr(item, "fixturenames", ())
        if shares:
            item.add_marker(SHARED)
        ring[item] = (integration in item.path.parents, shares)
    items.sort(key=ring.__getitem__)


class Clock:
    """A monotonic clock that stands at `now` seconds, which a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own, at nought."""
    return Clock()


@pytest.fixture
def loanstream(capfd, monkeypatch) -> Callable[..., SimpleNamespace]:
    """Runs the command line in this process: `loanstream("policy", "show", name, code=0)`, its stdout and its stderr.

    A process of its own takes a second to begin; tests of how one ends have one.
    """
    from loanstream.cli.main import main

    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object, code: int = 0) -> SimpleNamespace:
        capfd.readouterr()
        ended = main([str(argument) for argument in arguments])
        written = capfd.readouterr()
        assert ended == code, (written.out[-2000:], written.err[-2000:])
        return SimpleNamespace(stdout=written.out, stderr=written.err)

    return run


@pytest.fixture(scope="session")
def sample_csv() -> Callable[[int, int], bytes]:
    """Makes seeded loans (how many, which seed) in the public set's layout, for where that set is absent."""
    return _sample_csv


def _sample_csv(rows: int, seed: int) -> bytes:
    """A seeded sample in the public set's layout, with its spaced headers and its rule for the label: assets cover the
    loan and the CIBIL score is at least 550, or a short loan of at least three years' income.
    """
    import numpy as np

    from schemas.public_loans import APPROVED, ID, LABEL, REJECTED
    from training.data import COLUMNS

    rng = np.random.default_rng(seed)
    hundred_thousands = 100_000
    income = rng.integers(2, 100, rows) * hundred_thousands
    amount = np.maximum(income * rng.uniform(1.5, 4.0, rows) // hundred_thousands, 1) * hundred_thousands
    term = rng.integers(1, 11, rows) * 2
    cibil = rng.integers(300, 901, rows)
    share = rng.dirichlet([3.0, 2.0, 6.0, 2.0], rows)
    total = amount * rng.uniform(0.75, 4.5, rows)
    assets = (share * total[:, None] // hundred_thousands) * hundred_thousands
    approved = (assets.sum(axis=1) >= amount) & ((cibil >= 550) | ((term <= 4) & (amount >= 3 * income)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([ID, *(f" {name}" for name in COLUMNS.values()), f" {LABEL}"])
    for i in range(rows):
        education, employed = rng.choice([" Graduate", " Not Graduate"]), rng.choice([" Yes", " No"])
        numbers = [income[i], amount[i], term[i], cibil[i], *assets[i]]
        label = f" {APPROVED if approved[i] else REJECTED}"
        writer.writerow([i + 1, rng.integers(0, 6), education, employed, *(int(n) for n in numbers), label])
    return out.getvalue().encode()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The run's one warehouse with every migration; a test that stops it starts it again."""
    from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
    from stores.warehouse.migrate import migrate

    with EmbeddedWarehouse(tmp_path_factory.mktemp("warehouse")) as started:
        client = started.client()
        migrate(client)
        client.close()
        yield started


@pytest.fixture
def empty(server):
    """The server with every table emptied."""
    client = server.client()
    kept = "(name LIKE '%_log' OR name IN ('hours_touched', 'hours_counted', 'bundle_references'))"
    logs = f"SELECT name FROM system.tables WHERE database = 'loanstream' AND {kept}"
    for (name,) in client.query(logs).result_rows:
        client.command(f"TRUNCATE TABLE loanstream.{name}")
    client.close()
    return server


class Refused(list):
    """Collects what a sink refuses, as (offset, cause, fields)."""

    def __call__(self, refused):
        self += [(message.offset(), fault.cause, [error.field for error in fault.errors]) for message, fault in refused]


@pytest.fixture
def refused() -> Refused:
    return Refused()
