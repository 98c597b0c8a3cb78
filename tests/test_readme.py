"""What the README tells an integrator is so. Its Python runs in tests/integration/test_spine.py."""

import re
from pathlib import Path

import pytest

from schemas.topics import topic_of

ROOT = Path(__file__).resolve().parents[1]
ROWS = re.findall(r"^\| `(loan\.\S+\.json)` \| `(\S+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)


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
