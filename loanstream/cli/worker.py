"""`loanstream worker`: one worker in the foreground."""

import typer

from loanstream.cli.options import verb

app = verb()


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def worker(context: typer.Context) -> None:
    """Run one worker: verify [--lane fast|slow], score or record; settings from the environment."""
    from loanstream.worker import main as run

    raise typer.Exit(run(context.args))
