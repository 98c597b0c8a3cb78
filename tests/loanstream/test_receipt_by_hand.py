"""The page's recipe for an auditor: a receipt's hashes are recomputed without the service."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from registry.scorers import POLICY_FILE
from schemas.verification import ApplicationVerified
from scoring.bundle import load_bundle
from scoring.decision import Scorer
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import shipped_bundle_files, shipped_policy_text
from stores.artefacts import ArtefactStore
from stores.keys import KeyFiles

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "recompute-a-receipt.md").read_text("utf-8")
EXAMPLE = ROOT / "schemas" / "examples" / "loan.application.verified.json"
PROVEN, NOT = "proven", "NOT PROVEN"


@pytest.fixture
def audited(tmp_path):
    """Decides an event, lets the auditor have another, and gives the verdicts of the page's script."""
    keys = KeyFiles(tmp_path / "keys").make_tenant("bank-a")
    scorer = Scorer(load_bundle(shipped_bundle_files("default")), parse_policy(shipped_policy_text("standard")))
    store = ArtefactStore(tmp_path / "artefacts")
    store.put(scorer.bundle.bundle_id, shipped_bundle_files("default"))
    store.put(scorer.policy.policy_id, {POLICY_FILE: shipped_policy_text("standard").encode()})
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "receipt.py").write_text(script)

    def audit(decided, shown=None):
        event = ApplicationVerified.model_validate_json(json.dumps(decided))
        [decision] = scorer.decide([event], lambda _: ReceiptKey(keys.receipt_id, keys.receipt_key), "1.0")
        told = json.loads(event.model_dump_json(exclude_none=True)) if shown is None else shown
        story = {"revisions": [{"revision": 1, "decision": decision, "verified": told}]}
        (tmp_path / "story.json").write_text(json.dumps(story))
        (command,) = re.findall(r"^\$ python (receipt.py .*)$", PAGE, re.MULTILINE)
        done = subprocess.run(
            [sys.executable, *command.split()],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())

    return audit


def example():
    return json.loads(EXAMPLE.read_text())


def test_a_receipt_is_recomputed_by_hand(audited):
    """With documents, text in other scripts and what was not said: each of the three hashes is found again."""
    event = example()
    event["application"]["applicant"]["name"] = 'मीरा \u007f "K" \U0001d4a6'
    event["application"]["cibil_score"] = None
    del event["application"]["applicant"]["employer"], event["application"]["loan"]["purpose"]
    event["application"]["extensions"] = {"ratio": 2.0, "z": 0.25, "A": None, "b": True}
    assert audited(event) == dict.fromkeys(("input_hmac", "evidence_hmac", "features_hmac"), PROVEN)


@pytest.mark.parametrize(
    ("change", "verdicts"),
    [
        (lambda event: event["application"] | {"annual_income": "1440001.00"}, (NOT, PROVEN, NOT)),
        (lambda event: event["extractions"][0]["fields"].pop() and event["application"], (PROVEN, NOT, PROVEN)),
        (lambda event: event["application"] | {"submitted_at": "2020-01-01T00:00:00.000Z"}, (PROVEN,) * 3),
    ],
    ids=["claims", "documents", "what is in no hash"],
)
def test_another_event_is_not_proven(audited, change, verdicts):
    """Who altered a claim or a document's value is found out; the moment of submission is in no hash."""
    shown = json.loads(
        ApplicationVerified.model_validate_json(json.dumps(example())).model_dump_json(exclude_none=True)
    )
    shown["application"] = change(shown)
    assert tuple(audited(example(), shown).values()) == verdicts
