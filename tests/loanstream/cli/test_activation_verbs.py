"""`activate`, `history` and `rollback` on a control topic in memory and an artefact store of their own."""

import getpass
import json
import os
import pwd
import re
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from loanstream.ask import activations as told
from loanstream.ask.activations import STATES
from loanstream.cli import options, publishing
from loanstream.install.steps import Wanted, decided_otherwise
from loanstream.installation import Installation
from loanstream.settings import SETTINGS
from loanstream.settings import load as load_settings
from registry import named, publish
from registry.history import history_of
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from schemas.records import MemoryMessage
from schemas.topics import TOPICS
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_policy_text
from stores.artefacts import ArtefactStore
from stores.topics import MemoryTopics

FOR_PAPER = "bundle: paper\n"
PLACE = (TOPICS["control"].name(), 0)
START = 1_790_000_000_000


class Control:
    """The control topic in memory: what is sent is there with the broker's time, which the test moves on."""

    def __init__(self, root):
        self.root, self.records, self.now_ms = root, [], START
        self.artefacts = ArtefactStore(root)
        self.bundle_id, self.policy_id = publish.store(self.artefacts, "default", "standard")

    def topics(self, *_):
        return MemoryTopics({PLACE: self.records})

    def send(self, _bootstrap, _security, activation):
        value = activation.model_dump_json().encode()
        self.records.append(MemoryMessage(*PLACE, len(self.records), b"", value, [], (2, self.now_ms)))

    def later(self, ms=3 * ACTIVATION_LEAD_MS):
        self.now_ms += ms

    def in_force(self, tenant):
        return history_of(publish.activations("", {})).in_force(tenant, self.now_ms)

    def put(self, **fields):
        made = {"tenant": None, "bundle_id": None, "policy_id": None, "actor": "tests", "reason": "test"} | fields
        activation_id = f"00000000-0000-4000-8000-{len(self.records):012d}"
        self.send("", {}, Activation(activation_id=activation_id, **made))


@pytest.fixture
def control(tmp_path, monkeypatch):
    """An installation by settings whose control topic has the first activation."""
    for row in SETTINGS:
        monkeypatch.delenv(row.variable, raising=False)
    monkeypatch.setenv("LOANSTREAM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("LOANSTREAM_TENANTS", "bank-a,bank-b")
    monkeypatch.setenv("LOANSTREAM_ARTEFACTS_URL", (tmp_path / "artefacts").as_uri())
    made = Control(tmp_path / "artefacts")
    monkeypatch.setattr(publish, "KafkaTopics", made.topics)
    monkeypatch.setattr(publish, "send", made.send)
    monkeypatch.setattr(told, "need_sight", lambda _: None)
    # What is activated here is any other policy: one that goes with each bundle.
    monkeypatch.setattr(named, "shipped_policy_text", lambda name: shipped_policy_text(name).replace(FOR_PAPER, ""))
    monkeypatch.setattr(time, "time_ns", lambda: made.now_ms * 1_000_000)
    made.put(bundle_id=made.bundle_id, policy_id=made.policy_id, actor="loanstream up", reason="first")
    made.later()
    return made


@pytest.fixture
def call(loanstream):
    """A verb's JSON value, and what it said besides."""

    def run(*arguments, code=0):
        done = loanstream(*arguments, "--json", code=code)
        return SimpleNamespace(value=json.loads(done.stdout) if done.stdout else None, stderr=done.stderr)

    return run


FOR_A = ("--tenant", "bank-a", "--reason", "campaign")


def test_an_activation_says_what_changes_and_from_when(control, loanstream):
    """What is in force, what will be, and after its publication the moment; the record says who and why."""
    done = loanstream("activate", "policy", "paper", *FOR_A, "--actor", "Asha", "--yes")
    assert "until then" in done.stderr
    assert "policy standard" in done.stderr
    assert "from 10 s after its publication on" in done.stderr
    assert "from 2026-09-21T14:14:00.000Z on  policy paper" in done.stdout
    made = publish.activations("", {})[-1].activation
    assert (made.tenant, made.actor, made.reason, made.bundle_id) == ("bank-a", "Asha", "campaign", None)
    control.later()
    assert control.in_force("bank-a").policy_id == made.policy_id
    assert control.in_force("bank-b").policy_id == control.policy_id


def test_a_policy_whose_rule_is_blind_under_the_bundle_is_not_published(control, call, tmp_path):
    """A referral beyond the trained range of what the bundle was not trained on would never come, and nobody would know."""
    blind = tmp_path / "blind.yaml"
    text = shipped_policy_text("standard")
    blind.write_text(text.replace("beyond: [dependents,", "beyond: [dti, dependents,"))
    assert "dti" in blind.read_text().rpartition("beyond:")[2]
    before = len(control.records)
    said = call("activate", "policy", blind, *FOR_A, "--yes", code=1).stderr
    assert "refers what lies beyond the training data in dti, and the bundle states no range of that" in said
    assert "ranges of: dependents, " in said
    assert len(control.records) == before


def test_a_ratio_without_a_range_is_told_and_keeps_nobody_from_the_bundle(control, call):
    """The paper's model has ranges of amount, income and assets, and none of their ratios: a bank may go there and back."""
    before = len(control.records)
    said = call("activate", "bundle", "paper", *FOR_A, "--yes").stderr
    assert "refers what lies beyond the training data in lti, acr, and the bundle states no range of that" in said
    assert len(control.records) == before + 1


def test_a_policy_that_is_meant_for_another_bundle_is_not_published(control, call, monkeypatch):
    """The paper's policy decides with the paper's bundle alone: neither is put beside what it is not meant for, and the
    sentence says what to activate first.
    """
    monkeypatch.setattr(named, "shipped_policy_text", shipped_policy_text)
    said = refused(control, call, "policy", "paper", *FOR_A)
    assert (
        "policy paper is meant for bundle paper, and not for bundle default, which would decide with it: "
        "activate bundle paper first" in said
    )
    for what in ("bundle", "policy"):
        call("activate", what, "paper", *FOR_A, "--yes")
    control.later()
    assert "activate a policy that is meant for it first" in refused(control, call, "bundle", "default", *FOR_A)
    call("activate", "policy", "standard", *FOR_A, "--yes")
    call("activate", "bundle", "default", *FOR_A, "--yes")
    control.later()
    assert control.in_force("bank-a") == (control.bundle_id, control.policy_id)


def test_a_policy_of_a_bank_s_own_names_its_bundle_and_goes_with_no_other(control, call, tmp_path):
    """The key is any bundle's name: that of a bank's own is in its manifest."""
    own = tmp_path / "own.yaml"
    own.write_text(shipped_policy_text("standard").replace("name: standard\n", "name: own\nbundle: rural-2026\n"))
    assert "policy own is meant for bundle rural-2026" in refused(control, call, "policy", own, *FOR_A)
    own.write_text(own.read_text().replace("rural-2026", "default"))
    assert call("activate", "policy", own, *FOR_A, "--yes").value["published"]


@pytest.mark.parametrize("waited_ms", [1, 60_000])
def test_what_is_active_already_is_not_published_again(waited_ms, control, call, loanstream):
    """Whether it is in force, or published and within its lead: exit 0, and the history stays as it is."""
    call("activate", "policy", "paper", *FOR_A, "--yes")
    control.later(waited_ms)
    before = len(control.records)
    assert call("activate", "policy", "paper", *FOR_A, "--yes").value["published"] is False
    said = loanstream("activate", "policy", "paper", *FOR_A).stdout
    assert said.startswith("nothing is published: it decides already, or will\nbank-a\n  now  policy ")
    assert "policy paper" in said
    assert len(control.records) == before


def test_another_lead_is_the_one_that_counts(control, call):
    """An activation may be announced a day ahead, and never less than ten seconds."""
    call("activate", "bundle", "paper", "--all-tenants", "--reason", "later", "--lead", "3600", "--yes")
    control.later(3_599_999)
    assert control.in_force("bank-a").bundle_id == control.bundle_id
    control.later(1)
    assert control.in_force("bank-a").bundle_id != control.bundle_id
    for wrong in ("9", "86401"):
        assert "--lead" in call("activate", "policy", "paper", *FOR_A, "--lead", wrong, code=2).stderr


def test_the_bounds_of_a_lead_are_the_event_s():
    """What the option takes the record takes, and no more."""
    bounds = Activation.model_json_schema()["properties"]["lead_ms"]
    assert (bounds["minimum"], bounds["maximum"]) == (publishing.LEAD_LEAST_S * 1000, publishing.LEAD_MOST_S * 1000)


@pytest.fixture
def wrong_policy(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(shipped_policy_text("standard").replace("approve: 0.7", "approve: 0.2"))
    return path


def refused(control, call, *arguments, code=1):
    """What is said of an activation that is not published."""
    before = len(control.records)
    said = call("activate", *arguments, "--yes", code=code).stderr
    assert len(control.records) == before
    return said


def test_a_policy_that_is_wrong_is_refused_with_its_line(control, call, wrong_policy):
    """As `policy check` says it, with the file; nothing is published."""
    assert f"policy {wrong_policy}: line 10: " in refused(control, call, "policy", wrong_policy, *FOR_A)


def test_a_bundle_that_computes_otherwise_is_refused(control, call, tmp_path):
    """Its golden vectors are checked before anything is published."""
    from scoring.canonical import canonical_json, sha256
    from scoring.shipped import shipped_bundle_files

    files = shipped_bundle_files("default")
    golden = json.loads(files["golden.json"])
    golden[0]["margin"] = (1.0).hex()
    files["golden.json"] = json.dumps(golden).encode()
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["golden.json"] = sha256(files["golden.json"])
    files["manifest.json"] = canonical_json(manifest)
    (tmp_path / "bundle").mkdir()
    for name, data in files.items():
        (tmp_path / "bundle" / name).write_bytes(data)
    said = refused(control, call, "bundle", tmp_path / "bundle", *FOR_A)
    assert "golden.json: vector 0 gives another margin here" in said


def test_what_the_store_lacks_is_not_published(control, call):
    """A name that is none, an id of nothing, and a policy whose bundle is lost."""
    assert "no policy nowhere: expected standard, paper, or a YAML file" in refused(
        control, call, "policy", "nowhere", *FOR_A
    )
    nothing = "sha256:" + "0" * 64
    assert f"bundle {nothing} is not in the artefact store" in refused(control, call, "bundle", nothing, *FOR_A)
    control.put(tenant="bank-a", bundle_id=nothing)
    assert f"bundle {nothing} is not in the artefact store" in refused(control, call, "policy", "paper", *FOR_A)


def test_what_the_store_lost_is_put_back_by_the_same_command(control, call):
    """The cure of a bank that waits: the file is stored again, and nothing is published."""
    call("activate", "policy", "paper", *FOR_A, "--yes")
    control.later()
    lost = control.in_force("bank-a").policy_id
    shutil.rmtree(control.root / lost.removeprefix("sha256:"))
    assert call("activate", "policy", "paper", *FOR_A).value["published"] is False
    assert control.artefacts.holds(lost)


def test_a_policy_of_earlier_checks_is_put_back_and_never_activated_anew(control, call, tmp_path):
    """What decides may be restored from its file, whatever is asked of authors today; who writes it now is refused."""
    path = tmp_path / "earlier.yaml"
    path.write_text(shipped_policy_text("paper").replace("thin_file, outcome: refer", "thin_file, outcome: decline"))
    assert "'thin_file' says 'There is no CIBIL score: a person decides.'" in refused(
        control, call, "policy", path, *FOR_A
    )
    earlier = parse_policy(path.read_text(), stored=True).policy_id
    control.artefacts.put(earlier, {"policy.yaml": path.read_bytes()})
    control.put(tenant="bank-a", policy_id=earlier)
    control.later()
    shutil.rmtree(control.root / earlier.removeprefix("sha256:"))
    assert call("activate", "policy", path, *FOR_A).value["published"] is False
    assert control.artefacts.holds(earlier)


def test_the_page_explains_every_state():
    """docs/change-what-decides.md and the table in the code name the same states."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "change-what-decides.md").read_text("utf-8")
    assert set(STATES) == set(re.findall(r"^\| `([a-z ]+)` \|", page, re.MULTILINE))


def test_an_id_of_the_history_can_be_activated(control, call):
    """What a receipt or the history names needs no file any more."""
    call("activate", "policy", "paper", *FOR_A, "--yes")
    control.later()
    call("activate", "policy", control.policy_id, *FOR_A, "--yes")
    control.later()
    assert control.in_force("bank-a").policy_id == control.policy_id


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--reason", "x"), "--tenant NAME, or --all-tenants"),
        (("--reason", "x", "--tenant", "bank-a", "--all-tenants"), "--tenant NAME, or --all-tenants"),
        (("--tenant", "bank-a"), "--reason"),
        (("--tenant", "bank-a", "--reason", "  "), "--reason: expected one line of 1 to 500 characters"),
        (("--tenant", "bank-a", "--reason", "x" * 501), "--reason: expected one line of 1 to 500 characters"),
        (("--tenant", "bank-a", "--reason", "x\x1b[2J"), "--reason: expected one line of 1 to 500 characters"),
        (("--tenant", "bank-a", "--reason", "x", "--actor", ""), "--actor: expected one line of 1 to 200 characters"),
    ],
)
def test_whom_why_and_who_are_asked_for(more, says, control, call):
    """Nobody changes what decides for every bank by leaving an option out, or without a word why."""
    said = refused(control, call, "policy", "paper", *more, code=2)
    assert says in " ".join(said.replace("│", " ").split())


def test_an_unknown_bank_is_refused(control, call):
    """Its name is not on the list; the list is told."""
    said = refused(control, call, "policy", "paper", "--tenant", "bank-z", "--reason", "x")
    assert said == "loanstream: no tenant bank-z here; there are bank-a, bank-b\n"


def test_the_actor_is_the_process_s_user_whatever_its_environment_says(control, call, monkeypatch):
    """The default is the operating system's word."""
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert getpass.getuser() == "somebody-else"
    call("activate", "policy", "paper", *FOR_A, "--yes")
    assert publish.activations("", {})[-1].activation.actor == pwd.getpwuid(os.getuid()).pw_name

    def nameless(_uid):
        raise KeyError

    control.later()
    monkeypatch.setattr(pwd, "getpwuid", nameless)
    call("rollback", *FOR_A, "--yes")
    assert publish.activations("", {})[-1].activation.actor == f"user {os.getuid()}"


def test_nothing_is_published_unasked(control, call):
    """Where nobody can be asked the plan is shown, and --yes named."""
    before = len(control.records)
    said = call("activate", "policy", "paper", *FOR_A, code=1).stderr
    assert "policy paper" in said
    assert "loanstream: nobody is there to say yes: run it with --yes" in said
    assert len(control.records) == before


@pytest.mark.parametrize(("answer", "code", "added"), [("y", 0, 1), ("n", 1, 0)])
def test_a_person_is_asked(answer, code, added, control, call, monkeypatch):
    """And a no is a no."""
    before = len(control.records)
    terminal = SimpleNamespace(isatty=lambda: True, readline=lambda: f"{answer}\n")
    monkeypatch.setattr(options, "sys", SimpleNamespace(stdin=terminal, stderr=sys.stderr))
    assert "publish it? [y/N]" in call("activate", "policy", "paper", *FOR_A, code=code).stderr
    assert len(control.records) == before + added


def test_what_was_published_while_a_person_thought_is_not_overlooked(control, call, monkeypatch):
    """The plan that was shown is the one that is carried out, or none."""

    def meanwhile(*_):
        control.put(tenant="bank-a", bundle_id=control.bundle_id)

    monkeypatch.setattr(publishing, "confirm", meanwhile)
    said = call("activate", "policy", "paper", *FOR_A, code=1).stderr
    assert "somebody published an activation meanwhile, and nothing was published here" in said
    assert len(control.records) == 2


def test_an_installation_without_any_activation_has_none_to_change(control, call):
    """The first is the installation's."""
    control.records.clear()
    for verb in (("history",), ("rollback", *FOR_A), ("activate", "policy", "paper", *FOR_A)):
        said = call(*verb, code=1).stderr
        assert said == (
            "loanstream: no activation on loan.control.v1 yet: loanstream install (or up) publishes the first\n"
        )


def _unwrapped(text: str) -> str:
    """Lines that were made to fit the screen, as one."""
    return " ".join(text.split())


def test_a_rollback_is_a_new_activation_of_what_was_there_before(control, call, loanstream):
    """It says before what it takes back and what decides then; the history keeps both, each with the other's id."""
    taken = call("activate", "policy", "paper", *FOR_A, "--actor", "Asha", "--yes").value["activation_id"]
    control.later()
    plan = call("rollback", "--tenant", "bank-a", "--reason", "worse", code=1).stderr
    assert f"takes back {taken}, published at 2026-09-21T14:13:50.000Z by Asha: campaign\n" in plan
    assert plan.index("policy paper") < plan.index("policy standard")
    made = call("rollback", "--tenant", "bank-a", "--reason", "worse", "--yes").value
    assert made["rolls_back"] == taken
    rows = call("history").value["activations"]
    assert [row["state"] for row in rows] == ["in force", "in force", "coming"]
    control.later()
    assert control.in_force("bank-a").policy_id == control.policy_id
    assert [one.activation.reason for one in publish.activations("", {})] == ["first", "campaign", "worse"]
    rows = call("history").value["activations"]
    assert [row["state"] for row in rows] == ["in force", "rolled back", "in force"]
    assert (rows[1]["rolled_back_by"], rows[2]["rolls_back"]) == (made["activation_id"], taken)
    said = _unwrapped(loanstream("history").stdout)
    assert f"rolled back by {made['activation_id']}; by Asha: campaign" in said
    assert f", rolling back {taken} " in said


def test_two_rollbacks_go_back_two_steps(control, call):
    """And a third says that nothing was there before."""
    for policy in ("paper", "standard", "paper"):
        call("activate", "policy", policy, *FOR_A, "--yes")
        control.later()
    call("activate", "bundle", "paper", *FOR_A, "--yes")
    first = control.in_force("bank-b")
    policies = []
    for _ in range(4):
        control.later()
        call("rollback", *FOR_A, "--yes")
        control.later()
        policies.append(control.in_force("bank-a").policy_id)
    paper = policies[0]
    assert policies == [paper, first.policy_id, paper, first.policy_id]
    assert control.in_force("bank-a") == first
    assert "nothing was there before it" in call("rollback", *FOR_A, "--yes", code=1).stderr


def test_a_rollback_that_names_what_it_takes_back_may_be_sent_twice(control, call):
    """A pipeline that tries again does not take back another activation besides."""
    for policy in ("paper", "standard"):
        call("activate", "policy", policy, *FOR_A, "--yes")
        control.later()
    newest = publish.activations("", {})[-1].activation.activation_id
    call("rollback", *FOR_A, "--of", newest, "--yes")
    before = len(control.records)
    for _ in range(2):
        assert ": nothing is taken back" in call("rollback", *FOR_A, "--of", newest, "--yes", code=1).stderr
        control.later()
    assert len(control.records) == before


def quicker(control, monkeypatch, **fields):
    """Somebody's record comes between the last look and the next one that is sent."""
    send = publish.send

    def late(*arguments):
        monkeypatch.setattr(publish, "send", send)
        control.put(**fields)
        control.later(100)
        send(*arguments)

    monkeypatch.setattr(publish, "send", late)


def mistaken(control, call):
    """A better policy, then a mistake; the ids of both."""
    made = []
    for policy, reason in (("paper", "better"), ("standard", "mistake")):
        done = call("activate", "policy", policy, "--tenant", "bank-a", "--reason", reason, "--yes")
        made.append(done.value["activation_id"])
        control.later()
    return made


def test_a_rollback_that_came_too_late_says_so_and_changes_nothing(control, call, monkeypatch):
    """Another has taken back the mistake since the last look: exit 1, what decides, what to run; the history shows it."""
    better, mistake = mistaken(control, call)
    paper = publish.activations("", {})[1].activation.policy_id
    quicker(control, monkeypatch, tenant="bank-a", policy_id=paper, rolls_back=mistake)
    done = call("rollback", *FOR_A, "--yes", code=1)
    assert (done.value["published"], done.value["changes"], done.value["void_for"]) == (True, [], ["bank-a"])
    assert f"NOTHING IS TAKEN BACK for bank-a: activation {mistake} is not on top any more" in done.stderr
    assert "\nbank-a\n  now  policy standard (" in done.stderr
    assert "  policy paper (" in done.stderr.split("NOTHING IS TAKEN BACK")[1]
    assert f"loanstream rollback --tenant bank-a --of {better} --reason '...'" in done.stderr
    control.later()
    assert control.in_force("bank-a").policy_id == paper
    *_, others, late = call("history").value["activations"]
    assert (others["state"], late["state"], late["void_for"]) == ("in force", "void", ["bank-a"])


def test_the_history_says_for_whom_a_rollback_is_void(control, call, loanstream, monkeypatch):
    """One for all banks counts for those where what it takes back was on top."""
    call("activate", "policy", "paper", "--all-tenants", "--reason", "all", "--yes")
    control.later()
    bundle = call("activate", "bundle", "paper", "--tenant", "bank-b", "--reason", "own", "--yes").value
    bundle_id = publish.activations("", {})[-1].activation.bundle_id
    control.put(tenant="bank-b", bundle_id=control.bundle_id, rolls_back=bundle["activation_id"])
    control.later()
    quicker(control, monkeypatch, tenant="bank-b", bundle_id=bundle_id)
    done = call("rollback", "--reason", "all back", "--yes", code=1)
    assert done.value["void_for"] == ["bank-b"]
    assert [change["tenant"] for change in done.value["changes"]] == ["bank-a", None]
    control.later()
    late = call("history").value["activations"][-1]
    assert (late["state"], late["void_for"]) == ("in force", ["bank-b"])
    assert "void for bank-b" in loanstream("history").stdout


@pytest.mark.parametrize("verb", [("rollback",), ("activate", "bundle", "paper")])
def test_the_topic_is_read_again_right_before_a_record_is_sent(verb, control, call, monkeypatch):
    """With --yes, too: what came since the plan was made stops it. What another bank has of its own does not."""
    mistaken(control, call)
    usable = publishing.Scorers.of

    def meanwhile(whose):
        def of(*arguments):
            monkeypatch.setattr(publishing.Scorers, "of", usable)
            control.put(tenant=whose, policy_id=control.policy_id)
            return usable(*arguments)

        monkeypatch.setattr(publishing.Scorers, "of", of)

    for whose in (None, "bank-a"):
        meanwhile(whose)
        before = len(control.records)
        said = call(*verb, *FOR_A, "--yes", code=1).stderr
        assert "somebody published an activation meanwhile, and nothing was published here" in said
        assert len(control.records) == before + 1
    control.later()
    meanwhile("bank-b")
    assert call(*verb, *FOR_A, "--yes").value["published"] is True


def test_history_and_rollback_name_the_same_activation(control, call, loanstream):
    """A repeat of what decides changes nothing: the first is in force, and is taken back; so after a rollback."""
    better, mistake = mistaken(control, call)
    control.put(tenant="bank-a", policy_id=control.policy_id)
    control.later()
    rows = call("history", "--tenant", "bank-a").value
    assert [row["state"] for row in rows["activations"]] == ["in force", "replaced", "in force", "repeat"]
    (now,) = rows["now"]
    assert (now["activation_id"], now["policy_activation_id"]) == (mistake, mistake)
    assert f"bank-a, in force by activation {mistake}" in _unwrapped(loanstream("history").stdout)
    back = call("rollback", *FOR_A, "--of", now["policy_activation_id"], "--yes").value
    assert back["rolls_back"] == mistake
    control.later()
    rows = call("history", "--tenant", "bank-a").value
    assert [row["state"] for row in rows["activations"]][1:] == ["in force", "rolled back", "repeat", "in force"]
    (now,) = rows["now"]
    assert (now["activation_id"], now["policy_activation_id"]) == (better, back["activation_id"])
    again = call("rollback", *FOR_A, "--of", now["policy_activation_id"], "--yes").value
    assert again["rolls_back"] == better
    before = len(control.records)
    for done in (better, back["activation_id"]):
        call("rollback", *FOR_A, "--of", done, "--yes", code=1)
    assert len(control.records) == before


def test_as_of_a_moment_it_is_told_which_activation_a_rollback_took_back(control, call, loanstream):
    """Before the rollback the campaign decided, after it what was there before, by whose word and instead of what."""
    taken = call("activate", "policy", "paper", *FOR_A, "--yes").value["activation_id"]
    control.later()
    made = call("rollback", "--tenant", "bank-a", "--reason", "worse", "--actor", "Ravi", "--yes").value
    (change,) = made["changes"]
    control.later()
    asked = ("history", "--tenant", "bank-a", "--as-of")
    (before,) = call(*asked, made["published_at"]).value["decides"]
    (after,) = call(*asked, change["since"]).value["decides"]
    assert (before["policy"], before["policy_rolls_back"], after["policy_rolls_back"]) == ("paper", None, taken)
    assert after["policy"] == "standard"
    said = _unwrapped(loanstream(*asked, change["since"]).stdout)
    assert f"from {change['since']} on; by Ravi: worse; it rolls back {taken} " in said


def test_a_rollback_to_what_is_lost_is_refused(control, call):
    """What decided before must be there and load, as for every activation."""
    nothing = "sha256:" + "0" * 64
    control.put(tenant="bank-a", policy_id=nothing)
    control.later()
    call("activate", "policy", "paper", *FOR_A, "--yes")
    control.later()
    said = call("rollback", *FOR_A, "--yes", code=1).stderr
    assert f"policy {nothing} is not in the artefact store" in said


def test_the_history_tells_who_when_and_why(control, call, loanstream):
    """Every activation in order with its state, of one bank and of all; withdrawals too."""
    call("activate", "policy", "paper", *FOR_A, "--actor", "Asha", "--yes")
    control.later()
    control.put(tenant="bank-b", bundle_id="sha256:" + "0" * 64)
    lost = publish.activations("", {})[-1].activation.activation_id
    control.later()
    control.put(tenant="bank-b", withdraws=lost, reason="its bundle is lost")
    control.later()
    call("activate", "bundle", "paper", "--all-tenants", "--reason", "new", "--lead", "600", "--yes")
    rows = call("history").value["activations"]
    assert [row["state"] for row in rows] == ["in force", "in force", "withdrawn", "withdrawal", "coming"]
    assert [row["tenant"] for row in rows] == [None, "bank-a", "bank-b", "bank-b", None]
    assert (rows[1]["actor"], rows[1]["reason"], rows[1]["policy"]) == ("Asha", "campaign", "paper")
    assert (rows[1]["published_at"], rows[1]["in_force_from"]) == (
        "2026-09-21T14:13:50.000Z",
        "2026-09-21T14:14:00.000Z",
    )
    assert (rows[2]["withdrawn_by"], rows[3]["withdraws"]) == (rows[3]["activation_id"], lost)
    assert [row["tenant"] for row in call("history", "--tenant", "bank-a").value["activations"]] == [
        None,
        "bank-a",
        None,
    ]
    text = loanstream("history").stdout
    assert "all banks: policy standard" in text
    assert "in force from 2026-09-21T14:14:00.000Z on; by Asha: campaign" in text
    assert f"withdraws {lost}" in text
    assert "coming from " in text


def test_as_of_a_moment_the_answer_is_the_workers_own(control, call, loanstream):
    """Before and after the lead is over, to the millisecond, and by whose word; what is yet open is said to be."""
    call("activate", "policy", "paper", *FOR_A, "--yes")

    def policy_at(moment):
        (row,) = call("history", "--tenant", "bank-a", "--as-of", moment).value["decides"]
        return row["policy"], row["policy_reason"]

    assert control.now_ms + ACTIVATION_LEAD_MS == START + 40_000
    assert policy_at("2026-09-21T14:13:59.999Z") == ("standard", "first")
    assert policy_at("2026-09-21T14:14:00Z") == ("paper", "campaign")
    assert policy_at("2026-09-21T19:44:00+05:30") == ("paper", "campaign")
    told = call("history", "--as-of", "2026-09-21T14:14:00Z").value
    assert told["final"] is False
    assert [row["policy"] for row in told["decides"]] == ["paper", "standard"]
    assert call("history", "--as-of", "2026-09-21T14:13:59.999Z").value["final"] is True
    assert "may still change this" in loanstream("history", "--as-of", "2026-09-22T00:00:00Z").stdout


@pytest.mark.parametrize("moment", ["yesterday", "2026-09-21", "2026-09-21T14:14:00", "1790000000"])
def test_a_moment_without_a_zone_is_none(moment, control, call):
    """An auditor's question has one meaning."""
    assert "a moment as RFC 3339" in " ".join(call("history", "--as-of", moment, code=2).stderr.split())


def test_what_decided_until_a_withdrawal_is_told(control, call, loanstream):
    """Decisions of that time name it in their receipts."""
    call("activate", "policy", "paper", *FOR_A, "--yes")
    control.later()
    control.put(tenant="bank-a", withdraws=publish.activations("", {})[-1].activation.activation_id)
    (row,) = call("history", "--tenant", "bank-a", "--as-of", "2026-09-21T14:14:30Z").value["decides"]
    assert (row["policy"], row["before_withdrawals"]["policy"]) == ("standard", "paper")
    assert "until an activation was withdrawn: policy paper" in loanstream("history").stdout


def test_a_start_that_asks_for_another_policy_says_how_to_get_it(control):
    """`up --policy X` on a state that decides already: one line with what is in force, and the command."""
    here = Installation(load_settings())
    said = decided_otherwise(Wanted(here, None, "paper", actor="loanstream up"), " --state /srv/state")
    assert said.startswith("bank-a is decided with policy standard (")
    assert said.endswith("loanstream activate policy paper --all-tenants --reason '...' --state /srv/state")
    assert "activate bundle" not in said
    assert decided_otherwise(Wanted(here, None, None, actor="loanstream up")) is None
    assert decided_otherwise(Wanted(here, "default", "standard", actor="loanstream up")) is None


def test_a_start_that_asks_for_a_policy_of_another_bundle_names_that_bundle_first(control, monkeypatch):
    """The paper's policy decides with the paper's bundle alone: the line has two commands, in the order they are taken."""
    monkeypatch.setattr(named, "shipped_policy_text", shipped_policy_text)
    said = decided_otherwise(Wanted(Installation(load_settings()), None, "paper", actor="loanstream up"))
    commands = said.partition("; to change that: ")[2].split(" and ")
    assert [command.split()[:4] for command in commands] == [
        ["loanstream", "activate", kind, "paper"] for kind in ("bundle", "policy")
    ]


def test_what_a_person_wrote_is_shown_as_it_is(control, loanstream):
    """Square brackets and colons mean nothing, and nothing moves the cursor."""
    control.put(policy_id=control.policy_id, reason="see [/x] :smile:\x1b[2J", actor="a")
    assert "by a: see [/x] :smile:?[2J" in loanstream("history").stdout


def test_without_an_artefact_store_the_history_tells_ids(control, call, loanstream, monkeypatch):
    """An auditor needs the control topic alone."""
    monkeypatch.delenv("LOANSTREAM_ARTEFACTS_URL")
    (row,) = call("history").value["activations"]
    assert (row["policy"], row["policy_id"]) == (None, control.policy_id)
    assert control.policy_id.removeprefix("sha256:")[:12] in loanstream("history").stdout


def test_a_bank_for_which_nothing_decides_is_told(control, call, loanstream):
    """The first activation was withdrawn and none took its place: its applications wait."""
    control.put(withdraws=publish.activations("", {})[0].activation.activation_id)
    assert "bank-a: nothing decides; its applications wait" in loanstream("history").stdout
    assert call("history").value["now"][0]["policy_id"] is None
    half = call("activate", "policy", "standard", "--all-tenants", "--reason", "anew", "--yes").stderr
    assert "nothing decides yet: it takes a bundle and a policy" in half
    assert call("history").value["activations"][-1]["state"] == "not enough"
    call("activate", "bundle", "default", "--all-tenants", "--reason", "anew", "--yes")
    assert control.in_force("bank-a").policy_id == control.policy_id
