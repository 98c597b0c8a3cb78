"""The second reading of a text that was refused: it finds what the first one refused, and ends on any text."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.whereabouts import FAULTS, TOKENS_MOST, Whereabouts, byte_of, end, find

NAMES = st.sampled_from(["a", "b", "naïve", '"', "\\"])
PATHS = st.lists(st.one_of(NAMES, st.integers(0, 3)), min_size=1, max_size=5)
PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"', "a", "\\", "\\u", "d800", "é", "1", "-", "e", "NaN", "-Infinity", "true", " "]
)


def at(path, value):
    """A text with `value` (as JSON writes it) at a path, siblings before each item of a list; and its byte there."""
    text, position, closing = "", 0, ""
    for part in path:
        text += "[" + "0," * part if isinstance(part, int) else "{" + f'"x": 0, {json.dumps(part)}: '
        closing = ("]" if isinstance(part, int) else "}") + closing
    position = len(text)
    return text + value + closing, byte_of(text, position)


@given(
    PATHS, st.sampled_from([("not_a_number", "NaN"), ("lone_surrogate", r'"a\ud800"'), ("not_a_number", "-Infinity")])
)
def test_a_fault_is_found_where_it_stands(path, fault):
    """Whatever objects and lists are around it, and whatever their names are."""
    name, value = fault
    text, byte = at(path, value)
    assert find(text, name) == Whereabouts(tuple(path), byte)
    assert end(text[: text.index(value) + 1]) == tuple(path)


@given(PATHS)
def test_a_key_that_comes_twice_is_found_at_its_second_place(path):
    """The same name in another object is another key."""
    text, byte = at(path, '{"a": {"a": 1}, "b": [{"a": 1}], "a": 2}')
    assert find(text, "duplicate_key") == Whereabouts((*path, "a"), byte + len('{"a": {"a": 1}, "b": [{"a": 1}], '))


@given(st.lists(PIECES, max_size=60).map("".join))
@example(r'{"\u":"\ud8"}')
@settings(max_examples=5 * settings.default.max_examples)
def test_any_text_is_read_to_an_end(text):
    """What decoders make of it does not matter: a place within the text, or none."""
    for fault in FAULTS:
        found = find(text, fault)
        assert found is None or 0 <= found.byte < len(text.encode())
    end(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[1," * 300_000,
        '"' + "a" * 1_000_000,
        '"' + "\\a" * 500_000,
        '{"a":' * 200_000,
        "[" + "1," * 500_000,
    ],
    ids=lambda text: text[:6],
)
def test_a_hostile_text_costs_no_more_than_a_large_one(text):
    """A bounded number of tokens, and no search that begins anew at each character."""
    began = time.process_time()
    assert find(text, "duplicate_key") is None
    assert time.process_time() - began < 3.0
    assert len(text) > TOKENS_MOST
