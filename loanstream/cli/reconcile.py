"""`loanstream reconcile`: the warehouse against the topics."""

from dataclasses import asdict

import typer

from loanstream.ask.reconcile import Reconciliation
from loanstream.ask.reconcile import reconcile as compare_all
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import emit

app = verb()


@app.command()
def reconcile(tenant: TenantOption = None, state: State = None, as_json: AsJson = False) -> None:
    """Compare the warehouse with the topics, record by record; exit 1 and a name for every difference."""
    installation = installation_of(state)
    result = compare_all(installation, None if tenant is None else [installation.tenant(tenant)])
    differences = [asdict(difference) for difference in result.differences]
    value = {"differences": differences, "compared": dict(result.compared), "records": dict(result.records)}
    emit(value, reconciliation_text(result), as_json=as_json)
    raise typer.Exit(result.exit_code)


def reconciliation_text(result: Reconciliation) -> str:
    """Every difference on a line of its own, then what was compared."""
    compared = ", ".join(f"{count} {table.removesuffix('_log')}" for table, count in result.compared.items() if count)
    lines = [str(difference) for difference in result.differences]
    verdict = "the warehouse equals the topics" if not lines else f"{len(lines)} differences"
    return "\n".join([*lines, f"{verdict}: compared {compared or 'nothing'}"])
