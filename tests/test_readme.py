"""What the README tells an integrator is so. Its Python runs in tests/integration/test_spine.py."""

import json
import re
from pathlib import Path

import pytest

from schemas.topics import topic_of

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
ROWS = re.findall(r"^\| `(loan\.\S+\.json)` \| `(\S+)` \|", README, re.MULTILINE)
SHOWN = json.loads(re.findall(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[0])
"""The decision that an integrator is shown."""


@pytest.mark.parametrize(("example", "topic"), ROWS)
def test_every_example_that_an_integrator_is_shown_goes_to_its_topic(example, topic):
    """The file is there, and the topic carries its event."""
    row, tenant = topic_of(topic.replace("<tenant>", "bank-a"))
    assert (ROOT / "schemas" / "examples" / example).is_file()
    assert example.startswith(row.event)
    assert tenant == "bank-a"


def test_an_integrator_is_shown_what_to_send_and_what_to_read():
    """The table has applications, outcomes, decisions and rejections."""
    assert len({topic for _, topic in ROWS}) == 4


def test_the_decision_that_an_integrator_is_shown_is_what_is_decided(loanstream):
    """The example is decided as it stands in the README: outcome, score, points, principal reasons first."""
    example = ROOT / "schemas" / "examples" / "loan.application.submitted.json"
    (made,) = json.loads(loanstream("score", example, "--json").stdout)
    assert SHOWN["receipt"].keys() < made["receipt"].keys()
    assert same(SHOWN | {"receipt": {}}, made)
    names = list(made)
    assert [name for name in names if name in SHOWN] == list(SHOWN)


def same(shown, made):
    """Whether what is shown is so: of objects the fields that are shown, of lists the first rows, rounded numbers."""
    match shown:
        case dict():
            return all(same(value, made[name]) for name, value in shown.items())
        case list():
            return len(shown) <= len(made) and all(map(same, shown, made))
        case float():
            return shown in {round(made, digits) for digits in (1, 4)}
        case _:
            return shown == made
