import hashlib
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.decode import decode
from schemas.events import EVENTS
from schemas.jsonschema import json_schema

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
FILES = sorted(EXAMPLES.glob("*.json"))
WITH_DOCUMENTS = EXAMPLES / "loan.application.submitted.with-documents.json"


def event_of(path: Path):
    return EVENTS[max((name for name in EVENTS if path.stem.startswith(name)), key=len)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_a_record_we_would_take(path):
    """Every example is decoded by its model, strictly, and keeps its JSON Schema."""
    decode(event_of(path).model, path.read_bytes())
    schema = json_schema(event_of(path))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(path.read_bytes()))


def test_every_event_has_an_example():
    """Nobody has to guess what an event looks like."""
    assert {path.stem for path in FILES} >= set(EVENTS)


def test_the_examples_documents_are_shipped_under_their_hashes():
    """What the example names is there, byte for byte, and nothing else."""
    named = {(ref["sha256"], ref["size"]) for ref in json.loads(WITH_DOCUMENTS.read_bytes())["documents"]}
    shipped = {path.stem: path.read_bytes() for path in (EXAMPLES / "documents").iterdir()}
    assert named == {(hashlib.sha256(data).hexdigest(), len(data)) for data in shipped.values()}
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in shipped.items())


def test_the_first_example_needs_no_documents():
    """A newcomer can publish the plain example to a fresh stack without uploading anything."""
    plain = json.loads((EXAMPLES / "loan.application.submitted.json").read_bytes())
    assert (plain["tenant"], plain["documents"]) == ("bank-a", [])
