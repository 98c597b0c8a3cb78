"""The kinds of a field's error (`FieldError.error`): a closed table of ours, whatever the library below calls them."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "missing": "a field that is required is not there",
    "unknown_field": "the object has no such field",
    "wrong_type": "the value is of another JSON type",
    "wrong_form": "the text, or the number, is not written as the field wants it",
    "wrong_length": "the text, the list or the object has too few or too many characters, items or names",
    "out_of_bounds": "the value is below the least or above the most that there may be",
    "not_a_choice": "the value is none of those that there are",
    "rule_broken": "a rule beside the types of the fields is broken; `expected` says which",
    "lone_surrogate": "a text holds one half of a surrogate pair",
    "too_many": "the value has thousands of entries; they are not told one by one",
    "more_errors": "the record has more faults than are listed",
    "other": "a fault that no other kind names",
}
"""Kind -> what it says. Where a fault is the whole record's, the letter's cause stands instead of a kind."""

OTHER = "other"

OF_PYDANTIC: Mapping[str, str] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    **dict.fromkeys(
        (
            *("bool_type", "int_type", "float_type", "string_type", "string_sub_type", "dict_type", "mapping_type"),
            *("tuple_type", "model_type", "model_attributes_type", "decimal_type", "int_from_float", "invalid_key"),
        ),
        "wrong_type",
    ),
    **dict.fromkeys(
        (
            *("string_pattern_mismatch", "bool_parsing", "int_parsing", "int_parsing_size", "float_parsing"),
            *("decimal_parsing", "decimal_max_places", "datetime_parsing"),
        ),
        "wrong_form",
    ),
    **dict.fromkeys(("string_too_short", "string_too_long", "too_short", "too_long"), "wrong_length"),
    **dict.fromkeys(("greater_than_equal", "less_than_equal", "finite_number", "out_of_bounds"), "out_of_bounds"),
    "literal_error": "not_a_choice",
    "value_error": "rule_broken",
    "string_unicode": "lone_surrogate",
    "json_invalid": "not_json",
}
"""What pydantic, or a check of ours that it calls, names an error -> its kind (or the cause where all is no JSON)."""


def kind_of(code: str) -> str:
    """The kind of pydantic's error.

    >>> kind_of("int_from_float"), kind_of("a_code_of_next_year")
    ('wrong_type', 'other')
    """
    return OF_PYDANTIC.get(code, OTHER)
