"""Answers as text for a terminal; nothing here asks anything."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from loanstream.ask.decisions import Agreement
from loanstream.ask.reconcile import Reconciliation
from loanstream.ask.story import Chapter, Record, Story

if TYPE_CHECKING:  # importing it takes as long as all else here together
    from loanstream.ask.replay import Replayed

_RULE = "-" * 78
_OUTCOMES = ("approve", "refer", "decline")


def decisions_rows(found: Iterable[Record]) -> list[tuple[Any, ...]]:
    """The rows of a table of decisions: tenant, application, revision, outcome, p, score, first reason."""
    return [
        (
            row["tenant"],
            row["application_id"],
            row["revision"],
            row["outcome"],
            _number(row["p_calibrated"]),
            _number(row["score_final"]),
            row["first_reason"],
        )
        for row in found
    ]


def agreement_text(found: Agreement) -> str:
    """The confusion table, and what it comes to."""
    share = "nothing to compare" if found.agreement is None else f"{100 * found.agreement:.1f} %"
    lines = [f"{'recorded':<12}" + "".join(f"{outcome:>10}" for outcome in _OUTCOMES)]
    lines += [
        f"{status:<12}" + "".join(f"{found.table[status, outcome]:>10}" for outcome in _OUTCOMES)
        for status in ("approved", "rejected")
    ]
    lines += [
        "",
        f"agreement of approve and decline with the recorded status: {share} of {found.compared}",
        f"referred to a person: {found.referred}; in the file without a decision: {found.undecided}",
    ]
    return "\n".join(lines)


def reconciliation_text(result: Reconciliation) -> str:
    """Every difference on a line of its own, then what was compared."""
    compared = ", ".join(f"{count} {table.removesuffix('_log')}" for table, count in result.compared.items() if count)
    lines = [str(difference) for difference in result.differences]
    verdict = "the warehouse equals the topics" if not lines else f"{len(lines)} differences"
    return "\n".join([*lines, f"{verdict}: compared {compared or 'nothing'}"])


def replay_text(done: "Replayed") -> str:
    """Whatever is not equal, then the totals."""
    totals = ", ".join(f"{count} {result}" for result, count in done.totals.most_common()) or "no decisions"
    left = done.totals.total() - done.totals["equal"] - len(done.unequal)
    more = [f"... and {left} more"] if left > 0 else []
    return "\n".join([*map(str, done.unequal), *more, totals])


def story_text(told: Story) -> str:
    """The whole story on one screen."""
    if not told.known:
        return f"nothing is known about {told.application_id}"
    parts = [line for chapter in told.chapters for line in _chapter(chapter)]
    for row in told.dead_letters:
        place = f"{row['origin_topic']}/{row['origin_partition']}/{row['origin_offset']}"
        wrong = "; ".join(f"{error['field']}: {error['expected']}" for error in row["errors"])
        parts.append(f"dead letter: {row['cause']} in {row['stage']} ({place}) {wrong}")
    return "\n".join(parts)


def _chapter(chapter: Chapter) -> list[str]:
    lines = [_RULE, f"{chapter.tenant}  {chapter.application_id}  revision {chapter.revision}", _RULE]
    lines += _claims(chapter)
    if chapter.verified is not None:
        lines += _findings(chapter.verified)
    lines += _decision(chapter) if chapter.decision is not None else ["", "not decided"]
    for conflict in chapter.conflicting:
        lines.append(f"CONFLICT: decided again as {conflict['outcome']} ({conflict['decision_id']})")
    lines += [f"outcome {row['kind']}: {row['repayment'] or row['decision']}" for row in chapter.outcomes]
    return [*lines, ""]


def _claims(chapter: Chapter) -> list[str]:
    if chapter.verified is not None and "application" in chapter.verified:
        hidden = {"documents", "tenant", "application_id", "revision"}
        return ["Claims", *_pairs(_fields(chapter.verified["application"], skip=hidden))]
    if chapter.application is None:
        return ["Claims: not recorded"]
    hidden = {"tenant", "application_id", "revision", "documents", "personal_encrypted"}
    claims = {name: value for name, value in chapter.application.items() if not name.startswith("kafka_")}
    return ["Claims", *_pairs(_fields(claims, skip=hidden))]


def _pairs(cells: Sequence[str]) -> list[str]:
    """Two columns, to stay on one screen."""
    half = (len(cells) + 1) // 2
    return [f"  {left:<52} {right}".rstrip() for left, right in zip_longest(cells[:half], cells[half:], fillvalue="")]


def _fields(record: Record, skip: set[str], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in record.items():
        if name in skip or value is None or value in ([], {}):
            continue
        if isinstance(value, dict):
            lines += _fields(value, skip, f"{prefix}{name}.")
        else:
            lines.append(f"{prefix + name:<24} {_plain(value)}")
    return lines


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    # What a bank sent may hold codes that would write elsewhere on the screen.
    return "".join(char if char.isprintable() else "?" for char in str(value))


def _findings(verified: Record) -> list[str]:
    if "unreadable" in verified:
        return ["", f"Documents and checks: {verified['unreadable']}"]
    lines = ["", f"Documents: {verified['verification_result']}"]
    for part in verified["extractions"]:
        found = ", ".join([part.get("reason") or part["status"], *part["findings"]])
        lines.append(
            f"  {part['kind']:<16} {found:<24} {len(part['fields'])} fields, {part['pages']} pages, {part['reader']}"
        )
    for check in verified["checks"]:
        against = f"{_plain(check.get('claimed') or '-')} claimed, {_plain(check.get('found') or '-')} found"
        lines.append(f"  {check['claim']:<16} {check['result']:<14} {against} {check.get('label') or ''}".rstrip())
    return lines


def _decision(chapter: Chapter) -> list[str]:
    decision = chapter.decision or {}
    thresholds, receipt = decision["thresholds"], decision["receipt"]
    lines = [
        "",
        f"Decision: {decision['outcome'].upper()}   basis {', '.join(decision['basis'])}",
        f"  probability of approval {_number(decision['p_calibrated'])}, score {_number(decision['score_final'])}",
        f"  approve above {thresholds['approve']}, decline at or below {thresholds['decline']}",
        *(f"  penalty {penalty['code']:<24} -{penalty['size']}" for penalty in decision["penalties"]),
        *_points(decision),
        "",
        f"Receipt ({decision['decision_id']})",
        *(f"  {name:<14} {value}" for name, value in receipt.items()),
        "",
        "Timings (ms): " + ", ".join(f"{name} {value:g}" for name, value in chapter.timings_ms.items()),
    ]
    return lines + ([f"the same decision was made {chapter.repeats} more times"] if chapter.repeats else [])


def _points(decision: Record) -> Sequence[str]:
    """The waterfall: from the base over every reason to the final points."""
    lines = [f"  decided by: {reason['text']}" for reason in decision["reasons"] if reason["decisive"]]
    if decision["base_points"] is None:
        return lines
    running = decision["base_points"]
    lines.append(f"  {'base':<66} {'':>9} {running:>9.2f}")
    for reason in decision["reasons"]:
        if reason["points"] is None:
            continue
        running += reason["points"]
        lines.append(f"  {reason['text'][:66]:<66} {reason['points']:>+9.2f} {running:>9.2f}")
    lines.append(f"  {'final':<66} {'':>9} {decision['final_points']:>9.2f}")
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
