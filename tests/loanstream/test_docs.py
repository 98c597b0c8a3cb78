"""The documents are finished: no cell waits for its figure."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACEHOLDER = re.compile(r"^(?!LOANSTREAM_)[A-Z][A-Z_]{2,}$")
UNFINISHED = re.compile(r"\b(?:TODO|TBD|XXX|FIXME)\b")
ABBREVIATIONS = {"ACR", "DTI", "LTI", "PDO"}
"""Terms of the glossary that are written so."""


def unfinished(text: str) -> list[str]:
    """Words that stand for something still to be written: alone in a table's cell, or marks of an author."""
    rows = (line for line in text.splitlines() if line.startswith("|"))
    cells = [cell.strip(" `*") for row in rows for cell in row.split("|")]
    return [cell for cell in cells if PLACEHOLDER.match(cell) and cell not in ABBREVIATIONS] + UNFINISHED.findall(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_holds_no_placeholder(document):
    """A reader finds figures and sentences, and nothing that somebody meant to fill in."""
    assert unfinished(document.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("| figure | LATENCY | yes |", ["LATENCY"]),
        ("| figure | 34 | `REACHED_BY` |", ["REACHED_BY"]),
        ("the date is TBD", ["TBD"]),
        ("| `LOANSTREAM_STATE` is a variable | GET /readyz | DTI | A |", []),
        ("ROUNDS of words in a sentence", []),
    ],
)
def test_a_placeholder_is_seen_and_a_name_is_none(text, found):
    """In tables a word in capitals alone; everywhere an author's mark."""
    assert unfinished(text) == found
