"""The parts of the full benchmark, as the command line names them."""

from typer.testing import CliRunner

from loanstream.cli.bench import app, bench
from loanstream.lab.bench.full import PARTS


def test_the_help_names_every_part_in_its_order() -> None:
    """It is written by hand: to import the table would make `--help` slow."""
    option = bench.__annotations__["only"].__metadata__[0]
    assert option.help == f"of --full, by commas: {', '.join(PARTS)}"


def test_a_part_that_does_not_exist_is_a_usage_error() -> None:
    """Before anything is started, with those that do."""
    done = CliRunner().invoke(app, ["--full", "--only", "burst,speed"], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert f"no part speed; parts: {', '.join(PARTS)}" in " ".join(done.output.split())
