"""What the broker's log makes of a message that a client without any proof wrote in part."""

import re
from importlib.resources import files

import pytest

SETTINGS = dict(
    line.split("=", 1)
    for line in files("loanstream.stack.kafka").joinpath("log4j2.properties").read_text().splitlines()
    if line and not line.startswith("#")
)
LAYOUT = SETTINGS["appender.refused.layout.pattern"].replace("\\\\", "\\")
INNERMOST = "%maxLen{%enc{%m}{CRLF}}{2000}"
REPLACED = [
    (pattern, with_)
    for pattern, with_ in re.findall(r"\}\{(\^.*?|\[.*?)\}\{([^{}]*)\}(?=\}|\{)", LAYOUT.partition(INNERMOST)[2])
]
CLAIMS = '{"iss":"x","client_id":"bank-a-producer","note":"a) rejected","other":"private"}'


def shown(message: str) -> str:
    for pattern, with_ in REPLACED:
        message = re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", with_), message[:2000])
    return message


def test_a_message_is_cut_before_any_pattern_sees_it() -> None:
    """However long a token is, the patterns see two thousand characters of it."""
    assert LAYOUT.count("%m}") == 1
    assert LAYOUT.count("%replace{") == len(REPLACED) == 3
    assert f"%replace{{{INNERMOST}}}" in LAYOUT


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in REPLACED])
def test_no_pattern_tries_a_text_twice(pattern: str) -> None:
    """Each open quantifier keeps what it took, by itself or in an atomic group of a pattern that begins at the start."""
    bare = re.sub(r"\[(?:\\.|[^]])*\]", "x", pattern)
    bare = re.sub(r"\\.", "x", bare)
    free = re.sub(r"(?:[*+]|\{\d+,\d*\})\+", "", bare)
    if bare.startswith("^"):
        free = re.sub(r"\(\?>[^()]*(?:\([^()]*\)[^()]*)*\)", "", free)
    assert not re.search(r"[*+]|\{\d+,", free)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (f"no: JWT (claims->{CLAIMS}) rejected: too old", "no: JWT of client bank-a-producer rejected: too old"),
        ('no: JWT (claims->{"client_id":"a b"}) rejected: too old', "no: JWT rejected: too old"),
        ('no: JWT (claims->{"iss":"' + "a b" * 2000 + '"}) rejected', "no: JWT "),
        ("no: " + "a" * 50, "no: (left out)"),
    ],
)
def test_of_claims_only_whose_they_are_is_told(message: str, line: str) -> None:
    """A reason stands there, the claims do not, though they be longer than what is looked at."""
    assert shown(message) == line


def test_a_denied_topic_is_named_in_full() -> None:
    """Who was denied what is told without the rule for tokens, which would take a long topic's name for one."""
    assert SETTINGS["logger.rights.appenderRef.denied.ref"] == "DENIED"
    assert "replace" not in SETTINGS["appender.denied.layout.pattern"]
    assert "%enc{%m}{CRLF}" in SETTINGS["appender.denied.layout.pattern"]
