"""Alarms that are plain bounds: for each, data that fires it and data that just does not."""

import pytest
from alarm_rows import ask, decided, insert, moment

NOW = moment(0, 12 * 3600)


def fires(warehouse, name, of="bank-a", at=NOW, thresholds=None):
    return ask(warehouse, name, at, thresholds)[of]["value"] >= 1


def ago(minutes):
    return moment(0, 12 * 3600 - 60 * minutes)


def quick_and_slow(slow, of=200, **more):
    return [
        {"at": ago(5), "many": of - slow, "lane": "fast", "latency_ms": 40} | more,
        {"at": ago(5), "many": slow, "lane": "fast", "latency_ms": 900} | more,
    ]


@pytest.mark.parametrize(("slow", "expected"), [(9, False), (11, True)])
def test_latency_fires_where_more_than_a_twentieth_is_late(warehouse, slow, expected):
    """The 95th percentile is held against the budget; the slow lane has none."""
    decided(warehouse, [*quick_and_slow(slow), {"at": ago(5), "many": 500, "lane": "slow", "latency_ms": 9000}])
    assert fires(warehouse, "latency") is expected


def test_latency_of_ten_applications_is_no_alarm(warehouse):
    """Ten slow ones on a quiet night wake nobody, and old ones are past."""
    decided(warehouse, [*quick_and_slow(10, of=10), {"at": ago(30), "many": 500, "lane": "fast", "latency_ms": 9000}])
    assert not fires(warehouse, "latency")


def test_a_bank_may_have_a_budget_of_its_own(warehouse):
    """The same figures are late for one bank and in time for another."""
    decided(warehouse, quick_and_slow(50) + quick_and_slow(50, tenant="bank-b"))
    own = {"latency": {"bank-b": {"p95_ms": 1000.0}}}
    assert [fires(warehouse, "latency", bank, thresholds=own) for bank in ("bank-a", "bank-b")] == [True, False]


def waiting(warehouse, figures, worker="score-0"):
    rows = [
        {"at": ago(9 - minute), "stage": "score", "worker": worker, "name": "waiting_offsets", "value": figure}
        for minute, figure in enumerate(figures)
    ]
    insert(warehouse, "service_metrics", rows)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [([6000] * 9, True), ([60_000] * 5 + [4000] + [60_000] * 3, False), ([60_000] * 4, False)],
)
def test_lag_fires_where_records_wait_all_the_time(warehouse, figures, expected):
    """A peak that was worked off is none, nor are four measurements."""
    waiting(warehouse, figures)
    assert fires(warehouse, "consumer_lag", "score") is expected


def test_lag_is_that_of_a_stages_workers_together(warehouse):
    """Two workers that are each below the bound are above it together."""
    waiting(warehouse, [3000] * 9)
    assert not fires(warehouse, "consumer_lag", "score")
    waiting(warehouse, [3000] * 9, worker="score-1")
    assert fires(warehouse, "consumer_lag", "score")


def office_hours(days, of=40):
    """Traffic from 8 to 18 on working days; the period's day 0 is a Monday."""
    return [
        {"at": moment(day, hour * 3600), "many": of, "step_ms": 60_000}
        for day in days
        if day % 7 < 5
        for hour in range(8, 18)
    ]


@pytest.mark.parametrize(
    ("silent_until", "expected"),
    [(8.5, False), (8 + 5 / 6, True)],
    ids=["half past eight", "ten to nine"],
)
def test_silence_fires_where_applications_are_missing(warehouse, silent_until, expected):
    """On a Monday morning twenty that did not come are enough; the weekend before brought none, and missed none."""
    decided(warehouse, office_hours(range(-80, 0)))
    assert fires(warehouse, "no_traffic", at=moment(0, silent_until * 3600)) is expected


def test_a_night_and_a_weekend_are_no_silence(warehouse):
    """A bank that never sends then is not missed then."""
    decided(warehouse, office_hours(range(-80, 0)))
    for day, hour in ((-3, 3), (-2, 12), (-1, 20), (0, 7.9)):
        assert not fires(warehouse, "no_traffic", at=moment(day, hour * 3600))


def test_a_silence_as_long_as_one_before_is_no_alarm(warehouse):
    """A holiday of a whole day is known from the 90 days: half a day is then no news, two days are."""
    decided(warehouse, office_hours([day for day in range(-80, 0) if day != -20]))
    assert not fires(warehouse, "no_traffic", at=moment(0, 13 * 3600))
    assert fires(warehouse, "no_traffic", at=moment(1, 18 * 3600))


def test_a_bank_known_for_a_week_is_not_judged(warehouse):
    """Nobody knows its hours yet."""
    decided(warehouse, office_hours(range(-7, 0)))
    assert ask(warehouse, "no_traffic", moment(3)) == {}


@pytest.mark.parametrize(("unavailable", "expected"), [(19, False), (20, True)])
def test_the_reader_is_down_where_half_of_the_documents_are_unread(warehouse, unavailable, expected):
    """Applications without documents say nothing about the reader."""
    rows = [("unavailable", unavailable), ("verified", 40 - unavailable), ("not_provided", 300)]
    decided(warehouse, [{"at": ago(3), "many": many, "verification_result": result} for result, many in rows])
    assert fires(warehouse, "reader_down") is expected


def test_ten_unread_documents_are_no_alarm(warehouse):
    """However many of them that is."""
    decided(warehouse, [{"at": ago(3), "many": 10, "verification_result": "unavailable"}])
    assert not fires(warehouse, "reader_down")


def again(warehouse, where):
    """Deliver records of decisions once more, as the record stage writes it down."""
    warehouse.run(
        f"INSERT INTO loanstream.decisions_log SELECT * REPLACE (kafka_offset + 50000 AS kafka_offset) "
        f"FROM loanstream.decisions_log WHERE {where}"
    )
    warehouse.run(
        "INSERT INTO loanstream.decision_repeats_log SELECT tenant, kafka_topic, kafka_partition, kafka_offset "
        "FROM loanstream.decisions_log WHERE kafka_offset % 100000 >= 50000"
    )


@pytest.mark.parametrize("twice", ["verification_result = 'unavailable'", "verification_result = 'verified'"])
def test_a_decision_made_twice_is_one_document_that_was_not_read(warehouse, twice):
    """Nineteen of forty stay that, whichever of the decisions a worker made again: no alarm; twenty stay an alarm."""
    for number, expected in ((19, False), (20, True)):
        tenant = f"bank-{number}"
        rows = [("unavailable", number), ("verified", 40 - number)]
        decided(
            warehouse,
            [{"at": ago(3), "many": many, "verification_result": result, "tenant": tenant} for result, many in rows],
        )
        again(warehouse, f"tenant = '{tenant}' AND {twice}")
        found = ask(warehouse, "reader_down", NOW)[tenant]
        assert found["applications"] == 40
        assert (found["value"] >= 1) is expected


def test_decisions_made_twice_are_not_late_twice(warehouse):
    """A repeat of what was slow would carry nine of two hundred beyond a twentieth."""
    decided(warehouse, quick_and_slow(9))
    again(warehouse, "processing_score_finished_at > accepted_at + toIntervalMillisecond(500)")
    assert ask(warehouse, "latency", NOW)["bank-a"]["decisions"] == 200
    assert not fires(warehouse, "latency")


@pytest.mark.parametrize(("ms", "expected"), [(485, False), (515, True)])
def test_a_percentile_is_right_to_three_in_a_hundred(warehouse, ms, expected):
    """A bin's middle stands for it: just below the budget of 500 ms is no alarm, just above is one."""
    decided(warehouse, [{"at": ago(5), "many": 200, "lane": "fast", "latency_ms": ms}])
    assert ask(warehouse, "latency", NOW)["bank-a"]["p95_ms"] == pytest.approx(ms, rel=0.026)
    assert fires(warehouse, "latency") is expected


def reconciled(warehouse, *runs):
    rows = [
        {"at": at, "stage": "reconcile", "worker": "cron", "name": "reconcile_differences", "value": found}
        for at, found in runs
    ]
    insert(warehouse, "service_metrics", rows)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(ago(60), 0)], False),
        ([(ago(60), 1)], True),
        ([(ago(600), 3), (ago(60), 0)], False),
        ([(ago(25 * 60), 0)], False),
        ([(ago(27 * 60), 0)], True),
    ],
    ids=["none", "one", "mended", "yesterday", "too long ago"],
)
def test_reconcile_fires_for_a_difference_and_for_not_having_run(warehouse, runs, expected):
    """The last run counts; who has not looked for 26 hours does not know."""
    reconciled(warehouse, *runs)
    assert fires(warehouse, "reconcile_difference", "reconcile") is expected


@pytest.mark.parametrize(("days_left", "expected"), [(7.6, False), (7.4, True), (0.2, True), (-1, True)])
def test_what_ends_within_a_week_is_told(warehouse, days_left, expected):
    """Time passes after a measurement, too: it is half a day old here."""
    row = {
        "at": moment(0), "stage": "gateway", "worker": "gateway-0", "name": "expires_in_seconds",
        "value": days_left * 86_400, "labels": {"what": "certificate"},
    }  # fmt: skip
    insert(warehouse, "service_metrics", [row])
    assert fires(warehouse, "expiry", ("gateway", "certificate")) is expected


def test_of_a_stages_workers_the_first_to_end_counts(warehouse):
    """A worker with a new certificate does not hide one that still has the old; the row names whose it is."""
    rows = [
        {
            "at": moment(0, second), "stage": "score", "worker": worker, "name": "expires_in_seconds",
            "value": days_left * 86_400, "labels": {"what": "certificate"},
        }
        for worker, days_left, second in (("score-0", 1, 0), ("score-0", 6, 5), ("score-1", 300, 9))
    ]  # fmt: skip
    insert(warehouse, "service_metrics", rows)
    found = ask(warehouse, "expiry", NOW)["score", "certificate"]
    assert (found["value"] >= 1, found["whose"]) == (True, "score-0")
    assert found["left_s"] == 6 * 86_400 + 5 - 12 * 3600
