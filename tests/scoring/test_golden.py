"""What was decided and hashed once stays so, byte for byte: values taken from commit 28c9944, and with what is shipped
since then, from the commit that shipped it.
"""

import dataclasses
import hashlib

import pytest

from schemas.application import LoanApplication
from schemas.decode import decode_own
from schemas.reasons import REASONS
from schemas.verification import ApplicationVerified, ExtractedField, Extraction
from scoring.bundle import load_bundle
from scoring.canonical import application_bytes, evidence_bytes
from scoring.decision import Scorer
from scoring.features import FEATURES
from scoring.policy_document import parse_policy
from scoring.receipt import decision_content
from scoring.shipped import BUNDLES, POLICIES

BUNDLE_IDS = {
    "default": "sha256:61619b743336773b6c45e813f72f30065c3fbfaf75945a4beeebada8162f76a6",
    "as-labelled": "sha256:1b9ca25e70edd699b54557277627a1e2ad78f1b0e1d5a996b23466727e0d8160",
    "paper": "sha256:e852857dd870721ef8cc29b0461dd8a8c55ddf255e329a243535706aad0499b4",
    "default-18af7126": "sha256:18af7126a658930e3772ac2d92aa98f836775c945db4c7c34eabb5565eaf89b1",
    "default-618c3d3a": "sha256:618c3d3afa9ecad4f5e20824ec55f1d44fd563242df4b4562dfc3b9d2f977901",
    "paper-78df5460": "sha256:78df54608c54cd2a4f6d7b7138b2bfcfd2a499a61ca18ccfc08ec1269cd9f8bf",
}

POLICY_IDS = {
    "standard": "sha256:601f6dae82dd7db5a012010da57145ddc2a01237abdccf04e703160766a64046",
    "standard-c2e27bc3": "sha256:c2e27bc37aea158b47ba57a14cdb062a534a900b3d541a2b5347cb7ccd332f27",
    "paper": "sha256:2228c8d02dfc4ac17ee0e9391a2e517991bbf836872f9756d2734d2d83c24426",
}

CONTENTS = {
    ("default", "standard"): "48b4ef68eeb01d7f9c83ed67c7d33f1e618b9bc4f163dd43981252f6edce2f56",
    ("default", "paper"): "3335e4510304954642e9b734ccf5c238a15a60a14ec4aad97e61a4f512d70bab",
    ("as-labelled", "standard"): "058307e1dbd9af784ff97d1cc84073d3a7516e7dd14186cb8ab27257b362f4dd",
    ("as-labelled", "paper"): "007406e4adbedf9621fed37493cd6261f9f7b9355224c388765fe6883f3a32cd",
    ("paper", "standard"): "562b80b37f7a37079bab1b0dc4fa78081a759b0698f6ab9ead86d956005dde77",
    ("paper", "paper"): "895184cbb09d083f32e6051e20d120a2fc19b5825a8c54197bde654c70625eb2",
    ("default-18af7126", "standard"): "0993af1c546d5c48b309739af34d313f09c1671fd4207af205f01624af05d469",
    ("default-18af7126", "paper"): "f78e1bfc071d268f6bbbc156e421845cc8cdc949f26ff18c2ba28f084940d4c6",
    ("paper-78df5460", "standard"): "f5f0db3ddf87bddba336860e3861578606aa4093fd6cbf36e29f9f16f0ca44bb",
    ("paper-78df5460", "paper"): "5f4cbc9b6dcee800f1d8efefa245947426aa386b65f6f65cb524bc8f3a24efd3",
    ("default-618c3d3a", "standard-c2e27bc3"): "d0f978f76dc2c7ade163be51984f67cb922966a0e3129ed7359169db5e604f09",
    ("default-618c3d3a", "paper"): "3301559dfcdb972b0425d72d74ea1a691ca67c481fa0c5877d7caa4f3860536d",
    ("paper-78df5460", "standard-c2e27bc3"): "63b5c5963fde8896e462c159abd62204571738107c05936fbf3c1cca0c6ab5a3",
}
"""By bundle and policy: SHA-256 of the canonical contents of the decisions on all `events`, in their order."""

HASHES = {
    "with documents": [
        "hmac-sha256:a6da3685fa1a27d2931e477588f33acc439700afa4b0fd79e2881b6130480d60",
        "hmac-sha256:46e306c64eb68540c58b9b9ba0607f5392229994833907307ee403b4d5128d90",
        "hmac-sha256:1b415cd5c51a35e577fafc531b7c6cffc00f264e3e7931b243e56690e3cd7daa",
    ],
    "plain": [
        "hmac-sha256:5a9e93da2db0061f512a8524355a23cbb28d872e2c6b79f4eaba5a4df9f6395f",
        "hmac-sha256:af326cea079ec26a908bb5516fe868d681b31ff61f9c351172d3e9782e2d3145",
        "hmac-sha256:685fdccb6a3004f8aa6685efc5b793d8cf968e5a09129d13ee6a7c447e176ccb",
    ],
    "large loan": [
        "hmac-sha256:06de6f9f391795ddbbf63a6285d90f24c6e98651bb02c0221edd951c8495b0c3",
        "hmac-sha256:af326cea079ec26a908bb5516fe868d681b31ff61f9c351172d3e9782e2d3145",
        "hmac-sha256:38843a9faf35d583837ec4653bb3ae54e09874b1e72e3b8ba66dbe295c3fd03c",
    ],
    "low CIBIL score": [
        "hmac-sha256:a82fd7cf9a88003237b2c9f1de8dcdc1153fef6d2360d93b951dbfc3f5f36f51",
        "hmac-sha256:af326cea079ec26a908bb5516fe868d681b31ff61f9c351172d3e9782e2d3145",
        "hmac-sha256:a9f82411e46dcbfb221abc2075f06de2a08e7b265e26e459a870b00642dd9dbb",
    ],
    "few assets": [
        "hmac-sha256:22d2d99570dcc491e04df2fb29f352d9736f74894271b6ea32136b55e0650c31",
        "hmac-sha256:af326cea079ec26a908bb5516fe868d681b31ff61f9c351172d3e9782e2d3145",
        "hmac-sha256:c91fc2b5293d8965c3da46f21a369ba9e991ad337435458f9b3176de9d358476",
    ],
    "thin file": [
        "hmac-sha256:7a3b109d515f9a20d54ea2835ea31a9cfaed22ccc3cc9b5f681b9422ce2bebee",
        "hmac-sha256:af326cea079ec26a908bb5516fe868d681b31ff61f9c351172d3e9782e2d3145",
        "hmac-sha256:de644c7ad3ce3ee164bb38b2bd036ce12dbb9ebe494d221a8d856d22e90e166c",
    ],
    "foreign": [
        "hmac-sha256:83843cddf5aec6677cc880e96c6f67a4a98a10343d265fe601eca0b9449c5eba",
        "hmac-sha256:af326cea079ec26a908bb5516fe868d681b31ff61f9c351172d3e9782e2d3145",
        "hmac-sha256:685fdccb6a3004f8aa6685efc5b793d8cf968e5a09129d13ee6a7c447e176ccb",
    ],
    "contradicted": [
        "hmac-sha256:278fa669f0c3b226ce374409810f14413c5d7947f01afb81071fa65814cb7bd5",
        "hmac-sha256:6d1f30edd0c3d606949f221ea9a752e7e4589cdbc6e63c4942dbd620702097da",
        "hmac-sha256:685fdccb6a3004f8aa6685efc5b793d8cf968e5a09129d13ee6a7c447e176ccb",
    ],
}
"""By event: HMACs of the application, the evidence and the features of (default, standard) under the tests' key."""


def hashes(event, key, standard):
    (decision,) = standard.decide([event], lambda _: key, "test")
    receipt = decision["receipt"]
    assert receipt["input_hmac"] == key.hash(application_bytes(event.application))
    assert receipt["evidence_hmac"] == key.hash(evidence_bytes(event.application, event.extractions))
    return [receipt[name] for name in ("input_hmac", "evidence_hmac", "features_hmac")]


@pytest.fixture
def loaded(bundle_files, policy_text):
    """A scorer of a bundle and a policy, loaded anew."""
    return lambda bundle, policy: Scorer(load_bundle(bundle_files(bundle)), parse_policy(policy_text(policy)))


def contents(scorer, events, key):
    decisions = scorer.decide(list(events.values()), lambda _: key, "test")
    return hashlib.sha256(b"\n".join(map(decision_content, decisions))).hexdigest()


def test_the_hashes_of_a_receipt_are_what_they_were(events, key, standard):
    """A receipt of an earlier version names the same application, evidence and features as one made today."""
    assert {name: hashes(event, key, standard) for name, event in events.items()} == HASHES


class GrownField(ExtractedField):
    box: tuple[int, int, int, int] | None = None


class GrownExtraction(Extraction):
    fields: tuple[GrownField, ...] = ()
    language: str | None = None


class GrownApplication(LoanApplication):
    guarantors: int | None = None


class GrownVerified(ApplicationVerified):
    application: GrownApplication
    extractions: tuple[GrownExtraction, ...] = ()


def test_a_field_that_is_absent_changes_no_hash_and_no_byte(events, key, standard):
    """Whatever fields a later version adds: what does not have them is written and hashed as before."""
    texts = {name: event.model_dump_json(exclude_none=True) for name, event in events.items()}
    grown = {name: GrownVerified.model_validate_json(text) for name, text in texts.items()}
    assert {name: hashes(event, key, standard) for name, event in grown.items()} == HASHES
    assert {name: event.model_dump_json(exclude_none=True) for name, event in grown.items()} == texts


def test_a_reading_of_a_newer_stage_is_hashed_as_far_as_it_is_known(events, key, standard):
    """An older score ignores where on the page a value stood, and its receipt covers what it decided on."""
    newer = GrownVerified.model_validate_json(events["with documents"].model_dump_json(exclude_none=True))
    boxed = [
        part.model_copy(update={"fields": tuple(f.model_copy(update={"box": (1, 2, 3, 4)}) for f in part.fields)})
        for part in newer.extractions
    ]
    text = newer.model_copy(update={"extractions": tuple(boxed)}).model_dump_json(exclude_none=True)
    assert '"box":[1,2,3,4]' in text
    assert hashes(decode_own(ApplicationVerified, text.encode()), key, standard) == HASHES["with documents"]


@pytest.mark.parametrize("pair", CONTENTS)
def test_decisions_are_what_they_were(events, key, loaded, pair):
    """Bundles and policies that are shipped, or were, decide today, byte for byte, what they decided then."""
    assert contents(loaded(*pair), events, key) == CONTENTS[pair]


def test_bundles_and_policies_keep_their_ids(bundle_files, policy_text):
    """Records that wait under an activation of an earlier version find the bundle and the policy that it names, and an
    existing state loads what it holds.
    """
    assert set(BUNDLES) < set(BUNDLE_IDS)
    assert set(POLICIES) < set(POLICY_IDS)
    assert {name: load_bundle(bundle_files(name)).bundle_id for name in BUNDLE_IDS} == BUNDLE_IDS
    assert {name: parse_policy(policy_text(name)).policy_id for name in POLICY_IDS} == POLICY_IDS


@pytest.mark.parametrize("pair", CONTENTS)
def test_another_table_around_a_bundles_rows_changes_no_decision(events, key, feature_table, loaded, pair):
    """A row more, other directions and another order of the table unload no bundle and change no byte of a decision,
    its receipt included.
    """
    fresh = dataclasses.replace(FEATURES["lti"], name="income_left", formula=lambda c: c["annual_income"] - c["amount"])
    turned = [dataclasses.replace(row, direction=-row.direction) for row in FEATURES.values()]
    feature_table(fresh, *turned[::-1])
    assert contents(loaded(*pair), events, key) == CONTENTS[pair]


def test_another_sentence_changes_that_sentence_alone(events, key, standard, loaded, monkeypatch):
    """A reason put into other words unloads no bundle; the decisions differ in these words and nowhere else."""
    before = standard.decide(list(events.values()), lambda _: key, "test")
    word = dataclasses.replace(REASONS["cibil_score"], sentence="The bureau's score is {value}.")
    monkeypatch.setitem(REASONS, "cibil_score", word)
    after = loaded("default", "standard").decide(list(events.values()), lambda _: key, "test")
    texts = {row.pop("text") for decision in after for row in decision["reasons"]}
    was = {row.pop("text") for decision in before for row in decision["reasons"]}
    assert after == before
    assert "The bureau's score is 760." in texts - was
