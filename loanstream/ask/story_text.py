"""The story of one application as text for a terminal; nothing here asks anything."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from loanstream.ask.claim_names import claim_of
from loanstream.ask.story import Chapter, Conflict, KnownBy, Record, Story
from loanstream.ask.unrecorded import Unrecorded
from loanstream.terminal import counted, four_decimals
from schemas.reasons import OWN
from stores.artefacts import Named

WIDE = 160
_RULE = "-" * 58
_NAMED = 6
"""Fields that are named one by one."""

_KNOWN_BY: dict[KnownBy, list[str]] = {
    "origin": [],
    "receipt": ["  by the receipt's hash, as this decision is too old to name its record"],
    "only": ["  the only ones known here; this decision is too old to name its record"],
    "unknown": ["  not shown: this decision is too old to name its record, which is one of"],
}

_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}")


def story_text(told: Story, named: Named = lambda _: None, width: int = WIDE) -> str:
    """The whole story for a screen of `width` columns; `named` knows bundles and policies by their ids."""
    if not told.known:
        return f"the warehouse knows nothing about {told.application_id}"
    parts = [line for chapter in told.chapters for line in _chapter(chapter, named, width)]
    for row in told.dead_letters:
        wrong = "; ".join(f"{error['field']}: {error['expected']}" for error in row["errors"])
        parts.append(f"dead letter {row['id']}: {row['cause']} in {row['stage']}, of {row['origin']}  {wrong}".rstrip())
    return "\n".join(parts)


def _said_family(family: str) -> str:
    return "dead letters" if family.endswith("_dlq") else family


def _chapter(chapter: Chapter, named: Named, width: int) -> list[str]:
    lines = [_RULE, f"{chapter.tenant}  {chapter.application_id}  revision {chapter.revision}", _RULE]
    lines += [*_altered(chapter, width), *_several(chapter), *_claims(chapter, width)]
    if chapter.verified is not None:
        lines += _findings(chapter.verified, width)
    if chapter.decision is not None:
        lines += _decision(chapter, named, width)
    else:
        lines += ["", "not decided", *_outcomes(chapter.outcomes)]
    if chapter.unproven:
        lines += ["", "Not proven", *_wrapped(chapter.unproven, width)]
    return [*lines, ""]


def _altered(chapter: Chapter, width: int) -> list[str]:
    """What somebody altered in the warehouse stands above all else."""
    if not chapter.altered:
        return []
    said = "ALTERED: these rows of the warehouse do not say what was recorded"
    return [said, *_wrapped(chapter.altered, width), ""]


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    wrap = textwrap.TextWrapper(
        width, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return [part for line in lines for part in wrap.wrap(line)]


def unrecorded_text(found: Unrecorded | None) -> str:
    """What may be missing in a story, as it is on its way; None is what Kafka did not tell."""
    if found is None:
        return "Kafka does not answer: whether something is not recorded yet is not known"
    banks = ", ".join(found.tenants)
    if not found.records:
        return f"every record of the topics of {banks} is recorded"
    more = "" if found.whole else "more than "
    lines = [f"{more}{counted(found.records, 'record')} of the topics of {banks} not recorded yet"]
    lines += [f"  one of its {_said_family(family)} stands at {where}" for family, where in found.of_it]
    return "\n".join(lines)


def _several(chapter: Chapter) -> list[str]:
    """What stands above all else where the id came more than once: what was decided otherwise, what was the same."""
    lines: list[str] = []
    if chapter.conflicting:
        decision = chapter.decision or {}
        lines.append("CONFLICT: this id and revision was decided in more than one way; the first record counts")
        lines.append(f"  counts   {_made(decision, chapter.place, chapter.origin)}")
        for other in chapter.conflicting:
            lines += [f"  does not {_made(other.decision, other.place, other.origin)}", f"           {_why(other)}"]
        lines.append("  a change of an application is a revision of its own")
    if chapter.repeats:
        lines.append(f"REPEATED: the same decision was made {_again(chapter.repeats)}; the id and revision came again")
    if not lines and len(chapter.sent) > 1:
        lines.append(f"REPEATED: {len(chapter.sent)} applications came under this id and revision")
    return [*lines, ""] if lines else []


def _made(decision: Record, place: str | None, origin: str | None) -> str:
    return f"{decision['outcome'].upper():<7}  {decision['decision_id']}, {place}, of {origin or 'an unknown record'}"


def _why(conflict: Conflict) -> str:
    """What differs; where the claims do, they say it all."""
    if conflict.claims_differ:
        return f"{conflict.kind}; its claims differ in " + ", ".join(conflict.claims_differ)
    claims = "the claims are the same" if conflict.claims_differ == () else "which claims these are is not known"
    return f"{conflict.kind}: {_some(conflict.differs)}; {claims}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _claims(chapter: Chapter, width: int) -> list[str]:
    hidden = {"tenant", "application_id", "revision", "documents", "personal_encrypted", "place"}
    heading = ["Claims", *([] if chapter.decision is None else _KNOWN_BY[chapter.known_by])]
    if chapter.verified is not None and "application" in chapter.verified:
        return [*heading, *_pairs(_fields(chapter.verified["application"], skip=hidden), width)]
    if chapter.application is not None:
        return [*heading, *_pairs(_fields(chapter.application, skip=hidden), width)]
    if chapter.decision is not None and chapter.known_by == "unknown" and chapter.sent:
        return [*heading, *(f"    {place}" for place in chapter.sent)]
    return ["Claims: not recorded"]


def _pairs(cells: Sequence[str], width: int) -> list[str]:
    """Two columns where the screen has room for them."""
    half = (len(cells) + 1) // 2
    left = max((len(cell) for cell in cells[:half]), default=0)
    if left + max((len(cell) for cell in cells[half:]), default=0) + 4 > width:
        return [f"  {cell}" for cell in cells]
    return [
        f"  {one:<{left}}  {other}".rstrip() for one, other in zip_longest(cells[:half], cells[half:], fillvalue="")
    ]


def _fields(record: Record, skip: set[str], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in record.items():
        if name in skip or value is None or value in ([], {}):
            continue
        if isinstance(value, dict):
            lines += _fields(value, skip, f"{prefix}{name}.")
        else:
            lines.append(f"{prefix + claim_of(name):<24} {_plain(value)}")
    return lines


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return " ".join(_plain(part) for part in value.values())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if _AMOUNT.fullmatch(str(value)):
        return f"{Decimal(str(value)):,}".removesuffix(".00")
    # What a bank sent may hold codes that would write elsewhere on the screen.
    return "".join(char if char.isprintable() else "?" for char in str(value))


def _findings(verified: Record, width: int) -> list[str]:
    if "unreadable" in verified:
        return ["", f"Documents and checks: {verified['unreadable']}"]
    lines = ["", f"Documents: {verified['verification_result']}"]
    for part in verified["extractions"]:
        found = ", ".join([part.get("reason") or part["status"], *part["findings"]])
        lines.append(
            f"  {part['kind']:<16} {found:<24} {len(part['fields'])} fields, {part['pages']} pages, {part['reader']}"
        )
    kinds = {part["sha256"]: part["kind"] for part in verified["extractions"]}
    return lines + [_check(check, kinds, width) for check in verified["checks"]]


def _check(check: Record, kinds: dict[str, str], width: int) -> str:
    """One claim beside what its document says; a difference is that of the claim."""
    claimed, found = (_plain(check.get(name) or "-") for name in ("claimed", "found"))
    place = f" in {kinds.get(check['document'], 'a document')}" if check.get("document") else ""
    said = [
        f"{found}{place}, as claimed" if claimed == found != "-" else f"{claimed} claimed, {found}{place or ' found'}"
    ]
    if check.get("difference"):
        said.append(f"{100 * check['difference']:+.1f}%")
    row = f"  {check['claim']:<13} {check['result']:<8} {', '.join(said)}"
    if not (label := check.get("label")):
        return row
    return f"{row}, {label}" if len(row) + len(label) + 2 <= width else f"{row},\n{' ' * 25}{label}"


def _decision(chapter: Chapter, named: Named, width: int) -> list[str]:
    decision = chapter.decision or {}
    thresholds, receipt = decision["thresholds"], decision["receipt"]
    probability, score = (four_decimals(decision[name]) for name in ("p_calibrated", "score_final"))
    return [
        "",
        f"Decision: {decision['outcome'].upper()}   basis {', '.join(decision['basis'])}",
        *_person(chapter),
        *principal_lines(decision, width),
        f"  accepted {decision['accepted_at']}, decided {decision['processing']['score_finished_at']}",
        f"  probability of approval {probability}, score {score}",
        f"  approve above {thresholds['approve']}, decline at or below {thresholds['decline']}",
        *(f"  penalty {penalty['code']:<24} -{penalty['size']}" for penalty in decision["penalties"]),
        *_points(decision, width),
        *_outcomes(chapter.outcomes),
        "",
        f"Receipt ({decision['decision_id']})",
        *(_receipt(name, value, named, width) for name, value in receipt.items()),
        "",
        "Timings (ms): " + ", ".join(f"{name} {value:g}" for name, value in chapter.timings_ms.items()),
    ]


def _person(chapter: Chapter) -> list[str]:
    """The human decision that counts, right below the machine's."""
    human = chapter.human_decision
    return [] if human is None else [f"A person decided: {human['decision'].upper()}   by {_plain(human['actor'])}"]


def _outcomes(found: Sequence[Record]) -> list[str]:
    """What became of the loan, and what people decided, as it happened."""
    return ["", "Outcomes", *(f"  {row['at']}  {_outcome(row)}" for row in found)] if found else []


def _outcome(row: Record) -> str:
    if row["kind"] == "human_decision":
        return human_sentence(row)
    said = [_plain(row["repayment"])]
    if row["days_past_due"] is not None:
        said.append(f"{row['days_past_due']} days past due")
    if row["balance"] is not None:
        said.append(f"balance {_plain(row['balance'])}")
    return ", ".join(said)


def human_sentence(row: Mapping[str, Any]) -> str:
    """What a person decided, as every screen tells it; a decision that does not count says so."""
    vouched = f", as {_plain(row['asserted_by'])} asserts" if row["asserted_by"] else ""
    said = f"{_plain(row['decision']).upper()} by {_plain(row['actor'])}{vouched}: {_plain(row['reason'])}"
    return said if row["counts"] else f"{said} (does not count: another was recorded first)"


def _again(times: int) -> str:
    return "once more" if times == 1 else f"{times} more times"


def _receipt(name: str, value: str, named: Named, width: int) -> str:
    """A receipt's row, with the name of what it names; a hash that does not fit beside it stands below it."""
    known = named(value) if value.startswith("sha256:") else None
    label = f"  {name:<14} {known or ''}".rstrip()
    row = f"{label} {value}" if known else f"  {name:<14} {value}"
    return row if len(row) <= width else f"{label}\n    {value}"


def _said(reason: Record) -> str:
    """A reason's sentence, with its code where that is the bank's own and stands in no table."""
    return f"{reason['text']} ({reason['code']})" if reason["code"].startswith(OWN) else str(reason["text"])


def principal_lines(decision: Mapping[str, Any], width: int) -> list[str]:
    """Why it was not approved, as an applicant is told, and what would have changed that; nothing for an approval, and
    for decisions of versions that did not tell it.
    """
    told = [f"  {at}. {_plain(row['text'])}" for at, row in enumerate(decision.get("principal_reasons") or (), 1)]
    said = ["Principal reasons", *told] if told else []
    if recourse := decision.get("recourse"):
        said += [f"  Recourse: {_plain(recourse['text'])}"]
    return [line for one in said for line in textwrap.wrap(one, max(width, 60), subsequent_indent="     ")]


def _points(decision: Record, width: int) -> Sequence[str]:
    """The waterfall: from the base over every reason to the final points."""
    running, room = decision["base_points"], min(max(width, 60), 88) - 22
    decisive = [f"  decided by: {_said(reason)}" for reason in decision["reasons"] if reason["decisive"]]
    lines = [line for said in decisive for line in textwrap.wrap(said, room + 22, subsequent_indent="    ")]
    if running is None:
        return lines
    lines.append(f"  {'base':<{room}} {'':>9} {running:>9.2f}")
    for reason in decision["reasons"]:
        if reason["points"] is None:
            continue
        running += reason["points"]
        said, *more = textwrap.wrap(_said(reason), room, subsequent_indent="  ") or [""]
        lines += [f"  {said:<{room}} {reason['points']:>+9.2f} {running:>9.2f}", *(f"  {line}" for line in more)]
    lines.append(f"  {'final':<{room}} {'':>9} {decision['final_points']:>9.2f}")
    return lines
