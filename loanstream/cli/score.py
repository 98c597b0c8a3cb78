"""`loanstream score FILE`: decide a file without Kafka, by the functions that the stages call."""

import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group

from loanstream.cli.options import AsJson, verb
from loanstream.cli.range_words import range_unknown
from loanstream.cli.said_for_all import CurrencyOption, of_field
from loanstream.cli.score_table import other_bundle, score_other
from loanstream.terminal import counted, emit, four_decimals, table
from loanstream.what_if import without_documents
from processors.identity import code_version
from producers.files import read_applications
from producers.lines import LineError
from producers.repeats import Repeats
from registry.named import load, named_policy
from schemas.application import LoanApplication
from schemas.problem import WrongOption
from schemas.values import utc_of_ms
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey

app = verb()


BATCH = 5_000
SHOWN = 20


@dataclass(slots=True)
class LeftOut:
    """Counts the applications that name documents, which are decided as if they named none."""

    applications: int = 0

    def counting(self, applications: Iterable[LoanApplication]) -> Iterator[LoanApplication]:
        """The same applications."""
        for application in applications:
            self.applications += bool(application.documents)
            yield application

    def tell(self) -> None:
        """One line on stderr, where there are some: else `no document supports the claims` would say it of all."""
        if self.applications:
            name = "names" if self.applications == 1 else "name"
            told = f"{counted(self.applications, 'application')} {name} documents; score decides without them"
            sys.stderr.write(f"{told}\n")


def score_file(file: Path, tenant: str, bundle: str, policy: str, currency: str, *, as_json: bool) -> int:
    """Decide every application in `file`; exit code 1 where a line could not be read."""
    # Nothing is kept, so the receipts need no lasting key: their HMACs are good within this run alone.
    key = ReceiptKey("this-run-only", secrets.token_bytes(32))
    now_ms = time.time_ns() // 1_000_000
    scorer = Scorer(*load(bundle, policy))
    _tell_range(scorer)
    errors: list[LineError] = []
    repeats = Repeats()
    left_out, decisions = LeftOut(), list[dict[str, Any]]()
    good = _good(read_applications(file, tenant, currency, utc_of_ms(now_ms)), errors, repeats)
    for batch in _batches(left_out.counting(good)):
        events = [without_documents(application, now_ms) for application in batch]
        decisions += scorer.decide(events, lambda _: key, code_version())
    for told in (*errors, *str(repeats).splitlines()):
        sys.stderr.write(f"{told}\n")
    left_out.tell()
    refused = {line for error in errors for line in error.lines}
    emit(decisions, _summary(decisions, len(refused)), as_json=as_json)
    return 1 if errors else 0


def score_against(
    file: Path, tenant: str, bundle: str, policies: tuple[str, str], currency: str, *, as_json: bool
) -> int:
    """Decide every application in `file` under both policies; exit code 1 where any is decided otherwise, or a line
    could not be read.
    """
    from loanstream.ask.flips import Comparison
    from loanstream.cli.score_against import Refused, tell_flips

    now_ms, refused, left_out = time.time_ns() // 1_000_000, Refused(), LeftOut()
    loaded, policy = load(bundle, policies[0])
    a, b = Scorer(loaded, policy), Scorer(loaded, named_policy(policies[1]))
    for scorer in (a, b):
        _tell_range(scorer)
    lines = left_out.counting(refused.left_out(read_applications(file, tenant, currency, utc_of_ms(now_ms))))
    batches = ([without_documents(application, now_ms) for application in batch] for batch in _batches(lines))
    comparison = Comparison(a, b, ReceiptKey("this-run-only", secrets.token_bytes(32)), code_version())
    code = tell_flips(comparison, batches, policies, refused, as_json=as_json)
    left_out.tell()
    return code


def _tell_range(scorer: Scorer) -> None:
    if unknown := scorer.not_looked_at:
        sys.stderr.write(f"{range_unknown(unknown, scorer)}\n")


def _good(
    lines: Iterable[LoanApplication | LineError], errors: list[LineError], repeats: Repeats
) -> Iterator[LoanApplication]:
    for line in lines:
        if isinstance(line, LineError):
            errors.append(line)
        else:
            repeats.note(line)
            yield line


def _batches(applications: Iterator[LoanApplication]) -> Iterator[list[LoanApplication]]:
    while batch := list(islice(applications, BATCH)):
        yield batch


def _summary(decisions: list[dict[str, Any]], refused: int) -> Group:
    outcomes = Counter(decision["outcome"] for decision in decisions)
    rows = [(d["application_id"], d["outcome"], four_decimals(d["score_final"]), _why(d)) for d in decisions[:SHOWN]]
    outcomes_said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()) or "nothing to decide"
    tail = f"{counted(len(decisions), 'application')}: {outcomes_said}"
    tail += f"; {counted(refused, 'line')} refused" if refused else ""
    if not decisions:
        return Group(tail)
    title = "decisions" if len(decisions) <= SHOWN else f"the first {SHOWN} decisions (all with --json)"
    return Group(table(title, "application", "outcome", "score", "first reason", rows=rows), "", tail)


def _why(decision: dict[str, Any]) -> str:
    return decision["reasons"][0]["text"] if decision["reasons"] else ""


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="applications: CSV, JSON lines, or JSON with one or a list")],
    tenant: Annotated[
        str, typer.Option("--tenant", help="the bank they are for", callback=of_field("--tenant", "tenant"))
    ] = "bank-a",
    bundle: Annotated[str, typer.Option(help="a name or a folder")] = "default",
    policy: Annotated[str, typer.Option(help="a name or a YAML file")] = "standard",
    against: Annotated[
        str | None,
        typer.Option(help="another policy: who is decided otherwise under it, and why; exit 1 where anybody is"),
    ] = None,
    currency: CurrencyOption = "INR",
    as_json: AsJson = False,
) -> None:
    """Decide the applications in a file without Kafka, by the same code; --against: who another policy flips.

    With a bundle of another data set (train --config, --target) it tells each row's probability, and decides nothing.
    It decides without documents: what applications name of them is left out, and a line on stderr says of how many.
    Exit 1 where a line could not be read, and with --against where anybody is decided otherwise.
    """
    if (other := other_bundle(bundle)) is not None:
        if against is not None:
            raise WrongOption("--against: the bundle is of another data set, which no policy decides by")
        raise typer.Exit(score_other(file, other, as_json=as_json))
    if against is not None:
        raise typer.Exit(score_against(file, tenant, bundle, (policy, against), currency, as_json=as_json))
    raise typer.Exit(score_file(file, tenant, bundle, policy, currency, as_json=as_json))
