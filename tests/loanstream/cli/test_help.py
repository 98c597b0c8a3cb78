"""The help of every verb: whole sentences, a word on every option, and nothing beyond the terminal's edge."""

import re

import pytest

from loanstream.cli.main import VERBS, application


def commands():
    """Every command of every verb, by its words."""
    for verb in VERBS:
        command = application().get_command(None, verb)
        yield (verb,), command
        for name, own in getattr(command, "commands", {}).items():
            yield (verb, name), own


COMMANDS = dict(commands())


def pressed(text):
    """Without spaces and line breaks: where a line breaks is the terminal's business."""
    return re.sub(r"\s", "", text)


def sentences(command):
    """What its help has to say: its own words, those of its parameters, those of its commands."""
    yield command.help.split("\n\n")[0]
    yield from (option.help for option in command.params if getattr(option, "help", None))
    yield from (own.help.split("\n\n")[0] for own in getattr(command, "commands", {}).values())


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_sentence_of_a_help_is_cut(words, width, loanstream, monkeypatch):
    """On a narrow terminal, too, every word is there and no line is longer than the terminal is wide."""
    monkeypatch.setenv("COLUMNS", str(width))
    said = loanstream(*words, "--help").stdout
    for sentence in sentences(COMMANDS[words]):
        assert pressed(sentence) in pressed(said)
    assert max(map(len, said.splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_first_help_names_every_verb_with_its_sentence(width, loanstream, monkeypatch):
    """What somebody sees who types `loanstream --help`."""
    monkeypatch.setenv("COLUMNS", str(width))
    said = loanstream("--help").stdout
    assert all(pressed(verb + sentence) in pressed(said) for verb, sentence in VERBS.items())
    assert max(map(len, said.splitlines())) <= width


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_is_for(words):
    """A name and a type alone are a riddle."""
    options = [option for option in COMMANDS[words].params if option.param_type_name == "option"]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_argument_says_what_it_is(words):
    """An id of what, a file with what in it."""
    arguments = [one for one in COMMANDS[words].params if one.param_type_name == "argument"]
    assert [one.name for one in arguments if not one.help] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_help_uses_the_terminal_up_to_100_columns(words, loanstream, monkeypatch):
    """Where a sentence could stand on one line it does; on a wider terminal lines stay as long as one reads them."""
    lines = {}
    for width in (80, 100, 160):
        monkeypatch.setenv("COLUMNS", str(width))
        lines[width] = loanstream(*words, "--help").stdout.splitlines()
    assert len(lines[100]) <= len(lines[80])
    assert lines[160] == lines[100]
    assert max(map(len, lines[100])) <= 100


def test_a_help_is_not_wrapped_before_the_terminal_ends(loanstream, monkeypatch):
    """A sentence of 90 columns is one line on a terminal of 100."""
    monkeypatch.setenv("COLUMNS", "100")
    assert f"  {VERBS['doctor']}\n" in loanstream("doctor", "--help").stdout


def test_up_says_of_its_state_what_up_does_with_it(loanstream):
    """It makes one, and does not look for one that runs."""
    said = pressed(loanstream("up", "--help").stdout)
    assert pressed("made where it is not there") in said
    assert pressed("running stack's directory") not in said


def test_the_version_is_the_release_and_the_code_that_receipts_name(loanstream):
    """One line, for a report of a fault or an audit."""
    from importlib.metadata import version

    from processors.identity import code_version

    said = loanstream("--version").stdout
    assert said.startswith(f"loanstream {version('loanstream')}, code version {code_version()}")
    assert len(said.splitlines()) == 1
