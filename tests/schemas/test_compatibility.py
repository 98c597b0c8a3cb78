import copy

import pytest

from schemas.compatibility import breaking_changes
from schemas.events import EVENTS
from schemas.jsonschema import json_schema

READ = json_schema(EVENTS["loan.application.submitted"])
WRITTEN = json_schema(EVENTS["loan.decision.made"])
INTERNAL = json_schema(EVENTS["loan.application.verified"])
LETTER = json_schema(EVENTS["loan.dead_letter"])
ACTIVATION = json_schema(EVENTS["loan.activation.published"])
METRIC = json_schema(EVENTS["loan.service.measured"])
OLD = {
    "read": (READ, "read"),
    "written": (WRITTEN, "written"),
    "internal": (INTERNAL, "internal"),
    "letter": (LETTER, "internal"),
    "activation": (ACTIVATION, "internal"),
    "metric": (METRIC, "internal"),
}
"""By name in the tables below: a schema, and on which side of it we stand."""


def at(schema, path):
    for part in path:
        schema = schema[part]
    return schema


def put(*path, to):
    """A change that sets one place of a schema."""

    def change(schema):
        at(schema, path[:-1])[path[-1]] = to

    return change


def drop(*path):
    """A change that takes one place, or one item of a list, out of a schema."""

    def change(schema):
        holder = at(schema, path[:-1])
        if isinstance(holder, list):
            holder.remove(path[-1])
        else:
            del holder[path[-1]]

    return change


def add(*path, item):
    """A change that appends to a list of a schema."""

    def change(schema):
        at(schema, path).append(item)

    return change


def field(*path, of, required=False):
    """A change that gives an object another field."""

    def change(schema):
        holder = at(schema, path)
        holder["properties"]["fresh"] = of
        if required:
            holder["required"].append("fresh")

    return change


TEXT = {"type": "string"}
NUMBER, TEXT_OR_NULL = ("anyOf", 0), [TEXT, {"type": "null"}]

BREAKING = [
    # side, what, change, path, rule
    ("read", "a new required field", field(of=TEXT, required=True), "fresh", "required"),
    ("read", "an optional field required", add("required", item="revision"), "revision", "required"),
    ("read", "a field no longer known", drop("properties", "monitoring"), "monitoring", "unknown_field"),
    ("read", "a bound", put("$defs", "Applicant", "properties", "dependents", "maximum", to=9), "applicant.dependents", "maximum"),
    ("read", "a money bound", put("properties", "annual_income", *NUMBER, "maximum", to=10), "annual_income", "maximum"),
    ("read", "zero excluded", put("$defs", "DocumentRef", "properties", "size", "exclusiveMinimum", to=0), "documents[].size", "minimum"),
    ("read", "decimal strings no longer taken", drop("$defs", "Assets", "properties", "bank", "anyOf", at(READ, ("$defs", "Assets", "properties", "bank", "anyOf", 1))), "assets.bank", "type"),
    ("read", "null no longer taken", put("properties", "cibil_score", "anyOf", to=[{"type": "integer", "minimum": 300, "maximum": 900}]), "cibil_score", "type"),
    ("read", "an enum narrowed in items", drop("$defs", "DocumentRef", "properties", "kind", "enum", "other"), "documents[].kind", "enum"),
    ("read", "free text into an enum", put("properties", "tenant", "enum", to=["bank-a"]), "tenant", "enum"),
    ("read", "another pattern", put("properties", "application_id", "pattern", to="^[0-9]+$"), "application_id", "pattern"),
    ("read", "shorter text behind anyOf", put("$defs", "Loan", "properties", "purpose", "anyOf", 0, "maxLength", to=10), "loan.purpose", "maxLength"),
    ("read", "fewer items", put("properties", "documents", "maxItems", to=19), "documents", "maxItems"),
    ("read", "fewer keys", put("properties", "extensions", "maxProperties", to=3), "extensions", "maxProperties"),
    ("read", "an open map closed", put("properties", "extensions", "additionalProperties", to=False), "extensions", "additionalProperties"),
    ("read", "a map's values narrowed", put("properties", "extensions", "additionalProperties", to=TEXT), "extensions{}", "type"),
    ("read", "another type", put("$defs", "Applicant", "properties", "self_employed", "type", to="string"), "applicant.self_employed", "type"),
    ("read", "number to integer", put("properties", "annual_income", *NUMBER, "type", to="integer"), "annual_income", "type"),
    ("read", "another meaning of absence", put("properties", "revision", "default", to=2), "revision", "default"),
    ("read", "a keyword not known here", put("properties", "documents", "uniqueItems", to=True), "documents", "uniqueItems"),
    ("written", "a field removed", drop("properties", "basis"), "basis", "removed"),
    ("written", "an optional field removed", drop("$defs", "Reason", "properties", "decisive"), "reasons[].decisive", "removed"),
    ("written", "a field removed behind anyOf", drop("$defs", "Recourse", "properties", "value"), "recourse.value", "removed"),
    ("written", "a required field optional", drop("required", "outcome"), "outcome", "required"),
    ("written", "required no more in items", drop("$defs", "Penalty", "required", "size"), "penalties[].size", "required"),
    ("written", "a closed enum widened", add("properties", "outcome", "enum", item="postpone"), "outcome", "enum"),
    ("written", "an enum behind two references", add("$defs", "Recourse", "properties", "outcome", "enum", item="postpone"), "recourse.outcome", "enum"),
    ("written", "an enum opened", drop("properties", "verification_result", "enum"), "verification_result", "enum"),
    ("written", "null may come", put("properties", "decision_id", "anyOf", to=TEXT_OR_NULL), "decision_id", "type"),
    ("written", "a type widened", put("properties", "revision", "type", to="number"), "revision", "type"),
    ("written", "a wider bound", put("$defs", "Thresholds", "properties", "approve", "maximum", to=100), "thresholds.approve", "maximum"),
    ("written", "a bound dropped", drop("properties", "score_final", "anyOf", 0, "maximum"), "score_final", "maximum"),
    ("written", "longer text", put("$defs", "Reason", "properties", "text", "maxLength", to=501), "reasons[].text", "maxLength"),
    ("written", "a format given up", drop("properties", "accepted_at", "format"), "accepted_at", "format"),
    ("internal", "a field of the application that old readers refuse", field("$defs", "Loan", of=TEXT), "application.loan.fresh", "unknown_field"),
    ("internal", "a new required field", field("$defs", "Check", of=TEXT, required=True), "checks[].fresh", "required"),
    ("internal", "an optional field required", add("$defs", "Check", "required", item="label"), "checks[].label", "required"),
    ("internal", "a required field optional", drop("$defs", "Check", "required", "claim"), "checks[].claim", "required"),
    ("internal", "a required field removed", drop("properties", "verification_result"), "verification_result", "removed"),
    ("internal", "an optional field removed", drop("$defs", "Extraction", "properties", "findings"), "extractions[].findings", "removed"),
    ("internal", "an open part closed", put("$defs", "Check", "additionalProperties", to=False), "checks[]", "additionalProperties"),
    ("internal", "null no longer taken", put("$defs", "Check", "properties", "label", to={"type": "string", "pattern": "^[a-z][a-z0-9_.]{0,63}$"}), "checks[].label", "type"),
    ("internal", "null in the bank's words", put("$defs", "Applicant", "properties", "dependents", to={"anyOf": [at(INTERNAL, ("$defs", "Applicant", "properties", "dependents")), {"type": "null"}]}), "application.applicant.dependents", "type"),
    ("internal", "null among items", put("properties", "checks", "items", to={"anyOf": [{"$ref": "#/$defs/Check"}, {"type": "null"}]}), "checks[]", "type"),
    ("internal", "fewer items", put("properties", "checks", "maxItems", to=199), "checks", "maxItems"),
    ("internal", "more items", put("properties", "checks", "maxItems", to=201), "checks", "maxItems"),
    ("letter", "a bound narrowed", put("properties", "attempts", "minimum", to=2), "attempts", "minimum"),
    ("letter", "a bound widened", put("properties", "attempts", "minimum", to=0), "attempts", "minimum"),
    ("letter", "null and another pattern", put("properties", "value_sha256", to={"anyOf": [{"type": "string", "pattern": "^[0-9A-F]{64}$"}, {"type": "null"}]}), "value_sha256", "pattern"),
    ("metric", "a map of bounded values opened", put("properties", "labels", "additionalProperties", to=True), "labels", "additionalProperties"),
    ("internal", "an enum narrowed", drop("$defs", "Extraction", "properties", "status", "enum", "unavailable"), "extractions[].status", "enum"),
    ("internal", "an enum widened", add("$defs", "Extraction", "properties", "status", "enum", item="late"), "extractions[].status", "enum"),
]  # fmt: skip

HARMLESS = [
    ("read", "the same", lambda _: None),
    ("read", "a new optional field", field(of=TEXT)),
    ("read", "a new optional field inside", field("$defs", "Loan", of=TEXT)),
    ("read", "a required field optional", drop("required", "currency")),
    ("read", "an enum widened", add("$defs", "DocumentRef", "properties", "kind", "enum", item="invoice")),
    ("read", "a wider bound", put("$defs", "Applicant", "properties", "dependents", "maximum", to=60)),
    ("read", "the bound itself taken in", put("properties", "annual_income", *NUMBER, to={"type": "number", "minimum": 0, "maximum": 10**13})),
    ("read", "integer to number", put("properties", "revision", "type", to="number")),
    ("read", "null taken too", put("properties", "currency", to={"anyOf": [at(READ, ("properties", "currency")), {"type": "null"}]})),
    ("read", "more items", put("properties", "documents", "maxItems", to=40)),
    ("read", "any pattern", drop("properties", "application_id", "pattern")),
    ("read", "other words", put("properties", "tenant", "description", to="Who lends.")),
    ("written", "a new field", field(of=TEXT, required=True)),
    ("written", "a new field in items", field("$defs", "Reason", of=TEXT)),
    ("written", "an optional field always there", add("required", item="recourse")),
    ("written", "an enum narrowed", drop("properties", "outcome", "enum", "refer")),
    ("written", "a tighter bound", put("properties", "revision", "maximum", to=99)),
    ("written", "never null", put("properties", "p_model", to={"type": "number", "minimum": 0, "maximum": 1})),
    ("written", "shorter text", put("$defs", "Reason", "properties", "text", "maxLength", to=99)),
    ("internal", "other words", put("$defs", "Check", "description", to="A claim and a document.")),
    ("internal", "where on the page a value stood", put("$defs", "ExtractedField", "properties", "box", to={"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "null"}]})),
    ("internal", "a new field beside the application", field(of=TEXT)),
    ("internal", "a new field of a check", field("$defs", "Check", of=TEXT)),
    ("internal", "a closed part opened", drop("$defs", "Loan", "additionalProperties")),
    ("activation", "a new optional field", field(of={"anyOf": TEXT_OR_NULL})),
    ("letter", "a hash that may be null", put("properties", "value_sha256", to={"anyOf": [at(LETTER, ("properties", "value_sha256")), {"type": "null"}]})),
    ("letter", "a new field of its origin", field("$defs", "Origin", of=TEXT)),
]  # fmt: skip


def changed(side, change):
    schema, standing = OLD[side]
    new = copy.deepcopy(schema)
    change(new)
    return breaking_changes(schema, new, standing)


@pytest.mark.parametrize(
    ("side", "what", "change", "path", "rule"), BREAKING, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_breaking_change_is_refused(side, what, change, path, rule):
    """Who would be broken is told where and by which rule."""
    assert (path, rule) in {(one.path, one.rule) for one in changed(side, change)}


@pytest.mark.parametrize(
    ("side", "what", "change"), HARMLESS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_harmless_change_passes(side, what, change):
    """Growth that breaks nobody needs no new version."""
    assert changed(side, change) == []


@pytest.mark.parametrize("side", ["written", "internal"])
def test_opening_an_event_is_harmless_and_comes_before_its_first_new_field(side):
    """Readers of a closed event were promised that nothing is added: first it is opened, then it may grow."""
    closed = {**WRITTEN, "additionalProperties": False}
    grown = copy.deepcopy(WRITTEN)
    field(of=TEXT)(grown)
    assert breaking_changes(closed, WRITTEN, side) == []
    assert breaking_changes(WRITTEN, grown, side) == []
    assert [(one.path, one.rule) for one in breaking_changes(closed, grown, side)] == [("fresh", "unknown_field")]


def test_an_inlined_part_is_the_same_contract():
    """Where a part is defined, in place or by reference, makes no difference."""
    new = copy.deepcopy(READ)
    new["properties"]["loan"] = new["$defs"].pop("Loan")
    assert breaking_changes(READ, new, "internal") == []


def test_a_schema_that_holds_itself_is_compared_to_its_end():
    """A recursive part does not keep the checker busy for ever."""
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string", "maxLength": 9}},
    }
    old = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    new = copy.deepcopy(old)
    new["$defs"]["Node"]["properties"]["name"]["maxLength"] = 5
    assert [(one.path, one.rule) for one in breaking_changes(old, new, "read")] == [("name", "maxLength")]
