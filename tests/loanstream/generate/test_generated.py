import json

import pytest
import yaml

from loanstream.generate import __main__ as command
from loanstream.generate import files as generated
from schemas.asyncapi import AUDIENCES
from schemas.compatibility import breaking_changes
from schemas.events import EVENTS
from schemas.jsonschema import file_name


def test_generated_files_say_what_the_code_says():
    """A table changed without its generated files is found by the check, by name."""
    assert generated.stale() == []


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_no_event_breaks_its_released_contract(event):
    """The contract in force changes only with a version."""
    released, now = (
        json.loads((generated.ROOT / folder / file_name(event)).read_text())
        for folder in (generated.RELEASED, generated.GENERATED)
    )
    assert breaking_changes(released, now, event.side) == []


def test_the_check_names_a_stale_file(tmp_path, monkeypatch, capsys):
    """A changed, a missing and a left-over file are all named, and the check fails."""
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.setattr(generated, "files", lambda: {generated.Path("made/a.md"): lambda: "a\n"})
    generated.write()
    assert command.main(["--check"]) == 0
    (tmp_path / "made/a.md").write_text("edited\n")
    (tmp_path / "made/left.md").write_text("old\n")
    assert command.main(["--check"]) == 1
    assert [line.split(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        "stale: made/a.md",
        "stale: made/left.md",
    ]


def references(node):
    if isinstance(node, dict):
        yield from (node["$ref"],) if isinstance(node.get("$ref"), str) else ()
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


@pytest.mark.parametrize("name", AUDIENCES)
def test_every_reference_in_asyncapi_leads_somewhere(name):
    """The document is complete in itself: a tool needs no other file."""
    document = yaml.safe_load((generated.ROOT / generated.GENERATED / name).read_text())
    found = set(references(document))
    assert len(found) > 30
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
