"""What a fault is called is ours: an upgrade of the library that finds it changes no bank's contract."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.application import LoanApplication
from schemas.causes import CAUSES
from schemas.decode import Undecodable, decode
from schemas.events import EVENTS
from schemas.kinds import KINDS, OF_PYDANTIC, OTHER, kind_of
from schemas.operations import LoanOutcome

ROOT = Path(__file__).parents[2]
SIZED = {"max_length": "too_long", "min_length": "too_short"}
BOUNDED = {"ge": "greater_than_equal", "le": "less_than_equal", "gt": "greater_than", "lt": "less_than"}
TEXT = {"max_length": "string_too_long", "min_length": "string_too_short", "pattern": "string_pattern_mismatch"}

GIVEN = {
    "bool": (("bool_type", "bool_parsing"), {}),
    "int": (("int_type", "int_parsing", "int_parsing_size", "int_from_float", "finite_number"), BOUNDED),
    "float": (("float_type", "float_parsing", "finite_number"), BOUNDED),
    "str": (("string_type", "string_sub_type", "string_unicode"), TEXT),
    "dict": (("dict_type", "mapping_type"), SIZED),
    "tuple": (("tuple_type", "missing"), SIZED),
    "literal": (("literal_error",), {}),
    "model": (("model_type", "model_attributes_type"), {}),
    "model-fields": (("missing", "extra_forbidden", "invalid_key", "model_type"), {}),
    **dict.fromkeys(("function-after", "function-before", "function-plain"), (("value_error",), {})),
    **dict.fromkeys(
        ("default", "nullable", "union", "definitions", "definition-ref", "model-field", "no-info", "with-info"),
        ((), {}),
    ),
}
"""A part of a model -> the errors that pydantic gives for it: always, and for one of its constraints."""
ASIDE = {"metadata", "serialization", "config", "default"}


def parts(node):
    """Every part of a model, as pydantic itself has it."""
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for name, inner in node.items():
            if name not in ASIDE:
                yield from parts(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from parts(inner)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_every_error_that_pydantic_can_give_for_our_models_has_a_kind(event):
    """A part of another type, or another constraint, needs its row here and its kind there."""
    for part in parts(event.model.__pydantic_core_schema__):
        always, of_constraints = GIVEN[part["type"]]
        codes = {*always, *(code for constraint, code in of_constraints.items() if constraint in part)}
        assert codes <= OF_PYDANTIC.keys(), (part["type"], codes - OF_PYDANTIC.keys())


def test_every_error_of_our_own_checks_has_a_kind():
    """The codes that the room of schemas gives itself."""
    calls = [
        call
        for path in (ROOT / "schemas").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
    ]
    given = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "PydanticCustomError"
    }
    assert given
    assert given <= OF_PYDANTIC.keys()
    told = {
        word.value.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "FieldError"
        for word in call.keywords
        if word.arg == "error" and isinstance(word.value, ast.Constant)
    }
    assert told
    assert told <= KINDS.keys()


def test_the_table_is_closed():
    """What pydantic may bring next year is `other`; every kind has its sentence on the page."""
    assert set(OF_PYDANTIC.values()) <= KINDS.keys() | CAUSES.keys()
    assert kind_of("a_code_of_next_year") == OTHER
    assert kind_of("a_code_of_next_year") in KINDS


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just("x" * 2000)),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=40,
)


@pytest.mark.parametrize("model", [LoanApplication, LoanOutcome])
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_its_faults_are_of_our_kinds(model, data):
    """No bank is told the name of a library's class."""
    name = next(event.name for event in EVENTS.values() if event.model is model)
    start = json.loads((ROOT / "schemas" / "examples" / f"{name}.json").read_text())
    fields = data.draw(st.dictionaries(st.sampled_from(sorted(start)), VALUES, min_size=1))
    try:
        decode(model, json.dumps(start | fields).encode())
    except Undecodable as refused:
        kinds = {error.error for error in refused.errors}
        assert kinds <= (KINDS.keys() | CAUSES.keys()) - {OTHER}
