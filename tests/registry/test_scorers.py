"""Bundles and policies are loaded once, and one that cannot be used is told by its id, and tried again."""

from collections import Counter

import pytest

from registry.history import InForce
from registry.scorers import KEPT_BESIDE, POLICY_FILE, REMEMBERED_S, Scorers, Unusable
from scoring.bundle import load_bundle
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_bundle_files, shipped_policy_text
from stores.artefacts import ArtefactStore

NOWHERE = "sha256:" + "0" * 64
BANKS = 40


class Counted:
    """A store that counts what is asked of it."""

    def __init__(self, store):
        self._store, self.asked = store, Counter()

    def get(self, artefact_id):
        self.asked[artefact_id] += 1
        return self._store.get(artefact_id)


def policy_named(name):
    """The standard policy under another name: it decides the same, and has an id of its own."""
    return shipped_policy_text("standard").replace("name: standard", f"name: {name}")


@pytest.fixture
def box(tmp_path):
    return ArtefactStore(tmp_path)


@pytest.fixture
def pairs(box):
    """The default bundle with a policy for each of many banks."""
    files = shipped_bundle_files("default")
    bundle_id = load_bundle(files).bundle_id
    box.put(bundle_id, files)
    texts = [policy_named(f"bank-{number}") for number in range(BANKS)]
    ids = [parse_policy(text).policy_id for text in texts]
    for policy_id, text in zip(ids, texts, strict=True):
        box.put(policy_id, {POLICY_FILE: text.encode()})
    assert len(set(ids)) == BANKS
    return [InForce(bundle_id, policy_id) for policy_id in ids]


def test_what_is_in_force_is_loaded_once_however_many_banks_there_are(box, pairs):
    """The shared bundle, which is checked against its golden vectors, and each bank's own policy."""
    store = Counted(box)
    scorers = Scorers(store, lambda: pairs)
    for _ in range(3):
        assert [scorers.of(pair).policy.policy_id for pair in pairs] == [pair.policy_id for pair in pairs]
    assert store.asked == Counter([pairs[0].bundle_id, *(pair.policy_id for pair in pairs)])


def test_of_what_is_not_in_force_a_few_are_kept(box, pairs):
    """Redriven records need old ones again; a worker must not keep all that ever was."""
    store = Counted(box)
    in_force = pairs[0]
    scorers = Scorers(store, lambda: [in_force])
    for pair in pairs:
        scorers.of(pair)
    for pair in [in_force, *pairs[-KEPT_BESIDE:]]:
        scorers.of(pair)
    assert set(store.asked.values()) == {1}
    scorers.of(pairs[1])
    assert store.asked[pairs[1].policy_id] == 2


@pytest.mark.parametrize("kind", ["bundle", "policy"])
def test_what_is_missing_is_named_and_taken_as_soon_as_it_is_there(box, pairs, kind):
    """Looking for it costs little."""
    lost = InForce(NOWHERE, pairs[0].policy_id) if kind == "bundle" else InForce(pairs[0].bundle_id, NOWHERE)
    scorers = Scorers(box)
    for _ in range(2):
        with pytest.raises(Unusable, match=f"^{kind} {NOWHERE} is not in the artefact store$"):
            scorers.of(lost)
    late = policy_named("late")
    late_id = parse_policy(late).policy_id
    with pytest.raises(Unusable, match=late_id):
        scorers.of(InForce(pairs[0].bundle_id, late_id))
    box.put(late_id, {POLICY_FILE: late.encode()})
    assert scorers.of(InForce(pairs[0].bundle_id, late_id)).policy.name == "late"


BROKEN = "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"manifest.json": b"{}"}, "manifest.json: format: Field required"),
        ({}, "manifest.json: missing"),
        (shipped_bundle_files("default"), "what is stored there is bundle sha256:"),
    ],
)
def test_a_bundle_that_does_not_load_is_named_with_what_is_wrong(box, pairs, files, why):
    """A bundle under another's id is one of them: its decisions would name artefacts that did not make them."""
    box.put(BROKEN, files)
    with pytest.raises(Unusable) as refused:
        Scorers(box).of(InForce(BROKEN, pairs[0].policy_id))
    assert str(refused.value).startswith(f"bundle {BROKEN} does not load: {why}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({POLICY_FILE: b"name: [\n"}, "line "),
        ({POLICY_FILE: b"\xff"}, "UnicodeDecodeError"),
        ({"other": b""}, "policy.yaml: missing"),
        ({POLICY_FILE: shipped_policy_text("standard").encode()}, "what is stored there is policy sha256:"),
    ],
)
def test_a_policy_that_does_not_load_is_named_with_what_is_wrong(box, pairs, files, why):
    """In one line."""
    box.put(BROKEN, files)
    with pytest.raises(Unusable) as refused:
        Scorers(box).of(InForce(pairs[0].bundle_id, BROKEN))
    assert str(refused.value).startswith(f"policy {BROKEN} does not load: {why}")
    assert "\n" not in str(refused.value)


def test_a_store_that_cannot_be_read_is_waited_for(box, pairs, tmp_path):
    """Nothing is concluded from that."""
    folder = tmp_path / pairs[0].bundle_id.removeprefix("sha256:")
    (folder / "unreadable").mkdir()
    scorers = Scorers(box)
    with pytest.raises(Unusable, match=f"bundle {pairs[0].bundle_id} cannot be read: Is a directory"):
        scorers.of(pairs[0])
    (folder / "unreadable").rmdir()
    assert scorers.of(pairs[0])


def test_a_bundle_that_did_not_load_is_tried_again_after_a_while_and_not_for_every_batch(box, pairs, clock):
    """Whatever policies stand beside it: loading costs all tenants' time."""
    box.put(BROKEN, {"manifest.json": b"{}"})
    store = Counted(box)
    scorers = Scorers(store, now=clock)

    def fails(pair):
        with pytest.raises(Unusable):
            scorers.of(pair)

    for pair in pairs[:5]:
        fails(InForce(BROKEN, pair.policy_id))
    assert store.asked[BROKEN] == 1
    clock.now = REMEMBERED_S - 0.1
    fails(InForce(BROKEN, pairs[0].policy_id))
    assert store.asked[BROKEN] == 1
    clock.now = REMEMBERED_S
    fails(InForce(BROKEN, pairs[0].policy_id))
    assert store.asked[BROKEN] == 2


def test_a_policy_that_was_accepted_in_its_time_goes_on_deciding(box, pairs):
    """What authors may no longer write, such as a limit of 6:30, stays in force where it is, as the 390 that it was."""
    text = policy_named("earlier").replace("feature: lti, above: 6,", "feature: lti, above: 6:30,")
    policy = parse_policy(text, stored=True)
    box.put(policy.policy_id, {POLICY_FILE: text.encode()})
    loaded = Scorers(box).of(InForce(pairs[0].bundle_id, policy.policy_id)).policy
    assert loaded == policy
    assert loaded.penalties[0].condition.above == 390
