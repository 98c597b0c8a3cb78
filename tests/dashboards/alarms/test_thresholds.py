"""Thresholds by bank are one file: what it says is checked by name before any alarm reads it."""

import pytest

from dashboards.alarms.queries import sql
from dashboards.alarms.table import ALERTS
from dashboards.alarms.thresholds import SHIPPED, ThresholdsWrong, checked, load


def test_the_shipped_file_changes_nothing():
    """Every bank has the defaults until somebody says otherwise."""
    assert load() == {}
    assert load(SHIPPED) == {}


def test_a_file_of_an_operator_is_read(tmp_path):
    """What it says of a bank is that bank's, and a whole number is a number."""
    path = tmp_path / "ours.yaml"
    path.write_text("latency:\n  bank-a: {p95_ms: 800}\n  bank-b: {minimum: 20}\n")
    assert load(path) == {"latency": {"bank-a": {"p95_ms": 800.0}, "bank-b": {"minimum": 20.0}}}


def test_an_empty_file_is_no_error(tmp_path):
    """Somebody has taken the last line out."""
    path = tmp_path / "ours.yaml"
    path.write_text("# nothing yet\n")
    assert load(path) == {}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([], "the file: a mapping is expected"),
        ({"latenzy": {}}, f"the file: alarms are {', '.join(ALERTS)}"),
        ({"latency": 500}, "latency: a mapping is expected"),
        ({"latency": {"Bank A": {}}}, "latency: a bank's name is expected, as [a-z][a-z0-9-]{1,30}"),
        ({"latency": {"bank-a'; --": {}}}, "latency: a bank's name is expected, as [a-z][a-z0-9-]{1,30}"),
        ({"latency": {"bank-a": 500}}, "latency.bank-a: a mapping is expected"),
        ({"latency": {"bank-a": {"p99": 1}}}, "latency.bank-a: its limits are p95_ms, minimum"),
        ({"expiry": {"bank-a": {"left_s": 1}}}, "expiry.bank-a: its limits are none: it is the same for all"),
        ({"latency": {"bank-a": {"p95_ms": "500"}}}, "latency.bank-a.p95_ms: a number from 1 to 600000 is expected"),
        ({"latency": {"bank-a": {"p95_ms": True}}}, "latency.bank-a.p95_ms: a number from 1 to 600000 is expected"),
        ({"latency": {"bank-a": {"p95_ms": None}}}, "latency.bank-a.p95_ms: a number from 1 to 600000 is expected"),
        ({"drift": {"bank-a": {"psi": float("nan")}}}, "drift.bank-a.psi: a number from 0.01 to 10 is expected"),
        ({"drift": {"bank-a": {"psi": float("inf")}}}, "drift.bank-a.psi: a number from 0.01 to 10 is expected"),
        ({"fairness": {"bank-a": {"minimum": 5}}}, "fairness.bank-a.minimum: a number from 20 to 1e+09 is expected"),
        ({"fairness": {"bank-a": {"ratio": 80}}}, "fairness.bank-a.ratio: a number from 0.5 to 1 is expected"),
    ],
)
def test_what_is_wrong_is_said_by_name(written, said):
    """The field and what is expected; what was found is not repeated."""
    with pytest.raises(ThresholdsWrong) as raised:
        checked(written)
    assert str(raised.value) == said


@pytest.mark.parametrize("text", ["latency: [", "\x00", "a: b: c"])
def test_a_file_that_is_no_yaml_is_said_in_one_line(tmp_path, text):
    """Nothing of it is repeated."""
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    with pytest.raises(ThresholdsWrong, match=r"^ours.yaml: YAML is expected: alarm, then bank, then limit: number$"):
        load(path)


def test_every_limit_of_every_alarm_reaches_its_query():
    """A threshold that a bank sets and no query reads would be a promise that nobody keeps."""
    for alert in ALERTS.values():
        for limit in alert.limits:
            if limit.by_tenant:
                own = {alert.id: {"bank-q": {limit.name: limit.most}}}
                assert f"transform(tenant, ['bank-q'], [{limit.most!r}]" in sql(alert, checked(own)).replace(
                    f"[{float(limit.most)!r}]", f"[{limit.most!r}]"
                )
