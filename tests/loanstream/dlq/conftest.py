"""What tests of the dead letters share."""

import pytest

from stores import topics


@pytest.fixture(autouse=True)
def _an_impatient_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker in memory that does not answer within a second never will; a real one gets thirty."""
    monkeypatch.setattr(topics, "_ANSWER_S", 1.0)
