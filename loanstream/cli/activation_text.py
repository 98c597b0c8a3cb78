"""Activations and what they change, as text for a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from registry.change import ALWAYS, Change, decides, moment, name_of, told
from registry.history import Published, Step
from registry.kinds import KINDS
from schemas.operations import Activation
from stores.artefacts import Named

ANY_OTHER = "any other bank"
EVERY = "all banks"


def change_lines(changes: Sequence[Change], named: Named, when: str | None = None) -> list[str]:
    """What changes, banks with the same change together; `when` instead of a moment that is not known yet."""
    groups: dict[tuple[object, ...], tuple[Change, list[str]]] = {}
    for change in changes:
        same = (change.since_ms, change.before, change.after, change.coming)
        groups.setdefault(same, (change, []))[1].append(change.tenant or ANY_OTHER)
    return [line for change, banks in groups.values() for line in (", ".join(banks), *_steps(change, named, when))]


def _steps(change: Change, named: Named, when: str | None) -> Iterable[str]:
    if change.after is None:
        return ["  nothing decides yet: it takes a bundle and a policy"]
    rows = [("until then", change.before)] if change.since_ms else []
    rows.append((when if when and change.since_ms else _since(moment(change.since_ms)), change.after))
    rows += [(_since(moment(step.since_ms)), step.in_force) for step in change.coming]
    width = max(len(label) for label, _ in rows)
    return [f"  {label:<{width}}  {told(pair, named)}" for label, pair in rows]


def taken_back_lines(published: Sequence[Published], draft: Activation) -> list[str]:
    """Which activation a rollback takes back; nothing of any other activation."""
    return [
        f"takes back {one.activation_id}, published at {moment(at_ms)} by {shown(one.actor)}: {shown(one.reason)}"
        for one, at_ms in ((found.activation, found.at_ms) for found in published)
        if one.activation_id == draft.rolls_back
    ]


def void_lines(void_for: Iterable[str | None], draft: Activation) -> list[str]:
    """That a published rollback takes nothing back for these."""
    banks = ", ".join(tenant or ANY_OTHER for tenant in void_for)
    return [
        f"NOTHING IS TAKEN BACK for {banks}: activation {draft.rolls_back} is not on top any more;",
        f"somebody was quicker. Rollback {draft.activation_id} is void there, and changes nothing. What decides:",
    ]


def step_lines(tenant: str, steps: Sequence[Step], now_ms: int, named: Named) -> list[str]:
    """What decides for a bank now, and what comes."""
    now = f"  now  {told(decides(steps, now_ms), named)}"
    coming = [step for step in steps if step.since_ms > now_ms]
    return [tenant, now, *(f"  {_since(moment(step.since_ms))}  {told(step.in_force, named)}" for step in coming)]


def history_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A block an activation, the newest last."""
    return [line for row in rows for line in _block(row)]


def _block(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['published_at']}  {row['tenant'] or EVERY}: {_what(row)}"
    yield f"  {row['state']}{_from(row)}; by {shown(row['actor'])}: {shown(row['reason'])}"
    yield f"  id {row['activation_id']}"
    if row["void_for"]:
        yield f"  void for {', '.join(row['void_for'])}: another was in force than the one it takes back"


def _what(row: Mapping[str, Any]) -> str:
    if row["withdraws"] is not None:
        return f"withdraws {row['withdraws']}"
    named = " and ".join(f"{kind} {_named(row, kind)}" for kind in KINDS if row[KINDS[kind].field] is not None)
    return named if row["rolls_back"] is None else f"{named}, rolling back {row['rolls_back']}"


def _from(row: Mapping[str, Any]) -> str:
    if row["withdrawn_by"] is not None:
        return f" by {row['withdrawn_by']}"
    if row["state"] == "rolled back":
        return f" by {row['rolled_back_by']}"
    return "" if row["in_force_from"] is None else f" {_since(row['in_force_from'])}"


def decided_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which bundle and policy decide for each bank, and by whose word."""
    return [line for row in rows for line in _decided(row)]


def _decided(row: Mapping[str, Any]) -> Iterator[str]:
    if row["policy_id"] is None:
        yield f"{row['tenant']}: nothing decides; its applications wait"
        return
    yield f"{row['tenant']}, in force by activation {row['activation_id']}"
    for kind in KINDS:
        by = f"by {shown(row[f'{kind}_actor'])}: {shown(row[f'{kind}_reason'])}"
        if (rolled_back := row[f"{kind}_rolls_back"]) is not None:
            by += f"; it rolls back {rolled_back}"
        yield f"  {kind} {_named(row, kind)} {_since(row[f'{kind}_since'])}; {by}"
    if row["before_withdrawals"] is not None:
        was = " and ".join(f"{kind} {_named(row['before_withdrawals'], kind)}" for kind in KINDS)
        yield f"  until an activation was withdrawn: {was}; what was decided then keeps it in its receipt"


def _since(since: str) -> str:
    return "from the first application on" if since == ALWAYS else f"from {since} on"


def _named(row: Mapping[str, Any], kind: str) -> str:
    artefact_id = row[KINDS[kind].field]
    return "nothing" if artefact_id is None else name_of(artefact_id, lambda _: row[kind])


def shown(text: str) -> str:
    """What a person wrote, without what would move a terminal's cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
