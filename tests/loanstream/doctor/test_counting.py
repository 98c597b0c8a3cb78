"""What the doctor says of the views that count hours for figures."""

from types import SimpleNamespace

import pytest

from loanstream.doctor.counting import VIEWS, figures


@pytest.fixture
def counting(empty):
    """The doctor's look, and a client that may write, while nothing is counted by itself."""
    client = empty.client()
    for view in VIEWS:
        client.command(f"SYSTEM STOP VIEW loanstream.{view}")
    yield lambda: figures(SimpleNamespace(warehouse=lambda: empty.client("reader"), warehouse_reader="reader")), client
    for view in VIEWS:
        client.command(f"SYSTEM START VIEW loanstream.{view}")
    client.close()


def test_hours_that_wait_too_long_are_told(counting):
    """Half an hour after its last record an hour should have been counted long ago."""
    look, client = counting
    assert look() == (True, "every hour is counted within 30 minutes of its last record")
    client.command("INSERT INTO loanstream.hours_touched SELECT '2026-02-10 09:00:00', now64(3) - INTERVAL 29 MINUTE")
    assert look()[0]
    client.command("INSERT INTO loanstream.hours_touched SELECT '2026-02-10 10:00:00', now64(3) - INTERVAL 31 MINUTE")
    well, found = look()
    assert not well
    assert found.startswith("1 hours wait to be counted, the first since ")


def test_a_view_that_fails_or_is_absent_is_told(counting):
    """Its code is told, as the text of a fault may quote a row."""
    look, client = counting
    client.command("RENAME TABLE loanstream.hours_touched TO loanstream.aside")
    try:
        client.command("SYSTEM START VIEW loanstream.count_hours")
        client.command("SYSTEM REFRESH VIEW loanstream.count_hours")
        with pytest.raises(Exception, match="REFRESH_FAILED"):
            client.command("SYSTEM WAIT VIEW loanstream.count_hours")
    finally:
        client.command("RENAME TABLE loanstream.aside TO loanstream.hours_touched")
    well, found = look()
    assert (well, "count_hours fails: code 60" in found) == (False, True)
    client.command("SYSTEM REFRESH VIEW loanstream.count_hours")
    client.command("SYSTEM WAIT VIEW loanstream.count_hours")
    assert look()[0]
    client.command("RENAME TABLE loanstream.mark_counted TO loanstream.elsewhere")
    try:
        assert look() == (False, "1 of count_hours, mark_counted is absent")
    finally:
        client.command("RENAME TABLE loanstream.elsewhere TO loanstream.mark_counted")
