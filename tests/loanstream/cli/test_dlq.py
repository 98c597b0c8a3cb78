"""`loanstream dlq list`: which dead letters it shows, and in which order."""

import json
from importlib import resources
from types import SimpleNamespace

import pytest

from loanstream.cli import dlq as letters
from loanstream.dlq.box import Letter, LetterId
from schemas.operations import DeadLetter

EXAMPLE = json.loads((resources.files("schemas") / "examples" / "loan.dead_letter.json").read_text("utf-8"))


def letter(partition, second, cause):
    changed = EXAMPLE | {"at": f"2026-11-26T10:00:{second:02}.000Z", "cause": cause}
    made = DeadLetter.model_validate_json(json.dumps(changed))
    return Letter(LetterId("loan.applications.v1.bank-a.dlq", partition, second), made, redriven=False)


@pytest.mark.parametrize(("limit", "seconds"), [(3, ["04", "05", "06"]), (100, ["01", "02", "04", "05", "06"])])
def test_the_newest_of_all_partitions_are_listed_in_the_order_of_time(monkeypatch, capsys, limit, seconds):
    """The partitions are read one after the other, so the last ones read are not the newest."""
    lying = [
        letter(0, 4, "empty"),
        letter(0, 6, "empty"),
        letter(1, 5, "not_json"),
        letter(2, 1, "empty"),
        letter(2, 2, "empty"),
    ]
    monkeypatch.setattr(letters, "_box", lambda _: SimpleNamespace(letters=lambda _: iter(lying)))
    assert letters.list_letters(None, None, limit, as_json=True) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [found["at"][17:19] for found in listed["letters"]] == seconds
    assert listed["total"] == 5
    assert listed["causes"] == {"empty": 4, "not_json": 1}
