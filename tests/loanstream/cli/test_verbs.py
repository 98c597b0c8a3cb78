"""The table of verbs: what `loanstream --help` shows without importing a verb."""

import subprocess
import sys

import pytest
from typer.main import get_command

from loanstream.cli.main import VERBS, application


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_found_by_its_name_and_says_what_the_table_says(verb):
    """The module of its name holds it, and its own help begins with the table's sentence."""
    command = application().get_command(None, verb)
    module = __import__(f"loanstream.cli.{verb}", fromlist=["app"])
    said = " ".join((get_command(module.app).help or "").split())
    assert command.name == verb
    assert said.startswith(VERBS[verb])


def test_help_imports_no_verb():
    """It answers at once, however much a verb needs."""
    program = (
        "import sys; from loanstream.cli.main import main; main(['--help']); "
        "print([name for name in sys.modules if name in ('numpy', 'confluent_kafka', 'faust', 'loanstream.cli.up')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
