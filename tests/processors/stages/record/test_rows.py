"""Records that are made into rows together get the rows each gets alone."""

import json
from importlib import resources

import pytest

from processors.stages.record.rows import rows_of, rows_of_all
from schemas.decode import Undecodable
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher

CIPHER = ColumnCipher(b"k" * 32)


def example(name):
    return json.loads((resources.files("schemas") / "examples" / f"{name}.json").read_text("utf-8"))


def numbered(name, number):
    event = example(name)
    event.get("application", event)["application_id"] = f"a-{number}"
    return event


def alone(message):
    try:
        return rows_of(message, CIPHER)
    except Undecodable as fault:
        return fault.cause, fault.errors


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("loan.applications.v1.bank-a", "loan.application.submitted"),
        ("loan.verifications.v1.bank-a", "loan.application.verified"),
        ("loan.decisions.v1.bank-a", "loan.decision.made"),
        ("loan.outcomes.v1.bank-a", "loan.outcome.recorded"),
    ],
)
def test_together_and_alone_make_the_same_rows(topic, name):
    """A record's rows do not depend on its company, and a bad one costs only itself."""
    values = [json.dumps(numbered(name, number)).encode() for number in range(6)]
    values[2] = b"{nonsense"
    values[4] = values[4].replace(b'"bank-a"', b'"bank-b"')
    messages = [
        MemoryMessage(topic, 1, 2 * number, f"a-{number}".encode(), value, None, (2, 1_770_715_800_120))
        for number, value in enumerate(values)
    ]
    together = [
        (made.cause, made.errors) if isinstance(made, Undecodable) else made for made in rows_of_all(messages, CIPHER)
    ]
    assert together == [alone(message) for message in messages]
    assert [bool(made) and isinstance(made, list) for made in together] == [True, True, False, True, False, True]
