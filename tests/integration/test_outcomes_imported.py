"""A file of repayment outcomes, brought in by command on the running stack and seen in the warehouse."""

import json
import time
from contextlib import closing

TENANT = "repaid"
ROWS = (
    "paid-1,1,2026-03-31T10:00:00Z,performing,0,120000.50",
    "paid-1,1,2026-04-30T10:00:00Z,late,35,120000.50",
    "paid-2,2,2026-03-31T10:00:00Z,repaid,,",
)
SEEN = "SELECT application_id, revision, repayment, days_past_due, toString(balance) FROM loanstream.outcomes WHERE tenant = {tenant:String} AND kind = 'repayment' ORDER BY application_id, at"


def seen(stack, counted, patience_s=60):
    """The rows of the view, once the log has `counted` records of the bank."""
    until = time.monotonic() + patience_s
    asked = {"tenant": TENANT}
    with closing(stack.warehouse()) as client:
        count = "SELECT count() FROM loanstream.outcomes_log WHERE tenant = {tenant:String}"
        while client.query(count, parameters=asked).first_row[0] < counted:
            assert time.monotonic() < until
            time.sleep(0.2)
        return [tuple(row) for row in client.query(SEEN, parameters=asked).result_rows]


def test_a_file_of_outcomes_is_seen_once_however_often_it_is_imported(stack, cli, tmp_path):
    """Every good row is an outcome in the view; the bad one is refused and told; the same file again changes nothing."""
    path = tmp_path / "outcomes.csv"
    header = "application_id,revision,at,repayment,days_past_due,balance"
    path.write_text("\n".join([header, *ROWS, "paid-3,1,2026-03-31,late,10,"]))
    checked = cli("outcomes", "import", path, "--tenant", TENANT, "--dry-run", "--json", code=1)
    assert (json.loads(checked.stdout)["outcomes"], json.loads(checked.stdout)["submitted"]) == (3, 0)
    said = cli("outcomes", "import", path, "--tenant", TENANT, "--json", code=1)
    counts = json.loads(said.stdout)
    assert (counts["submitted"], counts["refused_lines"]) == (3, 1)
    assert counts["loans"] == {"approved": 0, "not_approved": 0, "unknown": 3}
    assert "line 5, at: expected " in said.stderr
    once = seen(stack, len(ROWS))
    assert once == [
        ("paid-1", 1, "performing", 0, "120000.5"),
        ("paid-1", 1, "late", 35, "120000.5"),
        ("paid-2", 2, "repaid", None, None),
    ]
    cli("outcomes", "import", path, "--tenant", TENANT, code=1)
    assert seen(stack, 2 * len(ROWS)) == once
    assert json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)["differences"] == []
