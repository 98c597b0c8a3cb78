"""Dead letters on a terminal of 100 columns or fewer. Ids stand whole at the start of their line: they are copied."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from loanstream.dlq.box import FATES, Done, Fate
from loanstream.dlq.letters import STATES, Letter
from loanstream.dlq.listing import Row, done_row, row_of
from schemas.causes import says
from schemas.originals import original_headers, original_key, original_value
from schemas.values import rfc3339

COLUMNS = 100
ROOM = 24
"""A sentence that has less of a line left than this begins on the next one."""

PREVIEW_BYTES, HEX_BYTES = 2000, 32
NO_TENANT = "(shared)"
SENDER = {True: "told, on the bank's topic of rejections", False: "not told"}


def list_text(rows: Sequence[Row], shown: int, totals: Sequence[Row], width: int = COLUMNS) -> str:
    """The newest `shown` letters of `rows`, then how many there are by tenant and cause."""
    lines = [line for row in rows[-shown:] for line in (*_row_lines(row, width), "")]
    if len(rows) > shown:
        lines = [f"the newest {shown} of {len(rows)} dead letters; --limit shows more", "", *lines]
    return "\n".join([*lines, summary_text(totals, width)])


def summary_text(totals: Sequence[Row], width: int = COLUMNS) -> str:
    """How many letters stand how, a line for each tenant and cause."""
    if not totals:
        return "no dead letters"
    told = [(row["tenant"] or NO_TENANT, row["cause"], _states(row), says(row["cause"])) for row in totals]
    wide = [max(len(cells[column]) for cells in told) for column in range(3)]
    lines = []
    for *cells, meaning in told:
        left = "  ".join(f"{cell:<{room}}" for cell, room in zip(cells, wide, strict=True))
        lines += _hung(left, meaning, width)
    return "\n".join(lines)


def _states(row: Row) -> str:
    return ", ".join(f"{row[state]} {state}" for state in STATES if row[state])


def _row_lines(row: Row, width: int) -> Iterator[str]:
    yield row["id"]
    application = f"application {row['application_id']}" if row["application_id"] else "application not told"
    about = [row["at"], row["stage"], row["cause"], application, *_tries(row)]
    yield from _wrapped(f"{', '.join(about)}; {stands(row)}", width, whole=True)
    for error in row["errors"]:
        yield from _wrapped(f"{error['field']}  {error['error']}: {error['expected']}", width)
    if row["last_action"]:
        yield from _wrapped(_action(row["last_action"]), width)


def _tries(row: Row) -> list[str]:
    return [f"tried {row['attempts']} times"] if row["attempts"] > 1 else []


def stands(row: Row) -> str:
    """How a letter stands, and what to do where a redrive can do nothing."""
    no_original = row["state"] == "waiting" and not row["has_original"]
    return "waiting, holds no original: have it sent again" if no_original else str(row["state"])


def _action(event: Row) -> str:
    """Who did what with a letter, when and why."""
    who = printable(event["actor"] or "an older version")
    why = f": {printable(event['reason'])}" if event["reason"] else ""
    return f"{event['at'] or 'earlier'}  {event['action']} by {who}{why}"


def done_text(done: Done, *, dry_run: bool = False) -> str:
    """What became of letters, or would: each kind with its tenants, causes and reasons."""
    if not done.told:
        return "no dead letters wait that are meant"
    lines = []
    for fate, said in FATES.items():
        told = [(one, count) for one, count in done.told.items() if one.fate == fate]
        if told:
            lines.append(f"{done.count(fate)} {'would be ' if dry_run and fate in WOULD else ''}{said}")
        for one, count in sorted(told, key=lambda item: (item[0].tenant or "", -item[1])):
            why = f", now {one.why}" if one.why else ""
            letters = "1 letter" if count == 1 else f"{count} letters"
            lines += _wrapped(f"{one.tenant or NO_TENANT}, {one.cause}{why}: {letters}", COLUMNS)
    return "\n".join(lines)


WOULD = frozenset({"redriven", "recorded", "discarded"})


def letter_text(letter: Letter, thread: Sequence[Letter], would: Fate, width: int = COLUMNS) -> str:
    """One letter whole: what is known of it, its record, what was done and what would be."""
    made, row = letter.letter, row_of(letter)
    facts: list[tuple[str, Any]] = [
        ("dead letter", row["id"]),
        ("stands", stands(row)),
        ("application", ", by its value ".join(letter.application_ids) or "not told"),
        ("tenant", made.tenant or NO_TENANT),
        ("stage", f"{made.stage}, code {made.code_version}"),
        ("cause", f"{made.cause}: {says(made.cause)}"),
        ("at", row["at"]),
        ("attempts", made.attempts),
        ("its sender", SENDER[made.sender_told]),
        ("its record", row["origin"]),
        *([("first stood", row["first_origin"])] if row["first_origin"] != row["origin"] else []),
        ("redrive", _would(would)),
    ]
    lines = [line for name, value in facts for line in _hung(f"{name:<12}", str(value), width, whole=True)]
    lines += ["", "Errors", *(line for error in row["errors"] for line in _error(error, width))]
    lines += ["", f"Headers of the record{'' if made.headers else ': none known'}"]
    lines += [f"  {printable(name)}: {as_text(value) or _size(value)}" for name, value in original_headers(made)]
    lines += ["", f"Key: {_shown(original_key(made))}", f"Value: {_shown(original_value(made))}"]
    lines += ["", "History", *(line for event in history(thread) for line in _event(event, width))]
    return "\n".join(lines)


def _would(would: Fate) -> str:
    why = f": {would.why}" if would.why else ""
    return f"would be {FATES[would.name]}{why}" if would.name in WOULD else f"{FATES[would.name]}{why}"


def _error(error: Row, width: int) -> list[str]:
    found = f"; found {error['found']}" if error["found"] else ""
    return _wrapped(f"{error['field']}  {error['error']}: {error['expected']}{found}", width)


def history(thread: Sequence[Letter]) -> list[Row]:
    """Every letter about the same record, the oldest first, and after each what was done with it."""
    found: list[Row] = []
    for letter in thread:
        made, lies = letter.letter, {"letter": str(letter.id)}
        refused = {"action": "refused", "actor": made.stage, "reason": made.cause, "at": rfc3339(made.at)}
        found.append(lies | refused)
        if letter.state == "redriven" and not letter.done:
            found.append(lies | {"action": "redriven", "actor": None, "reason": None, "at": None})
        found += (lies | done_row(event) for event in letter.done)
    return found


def _event(event: Row, width: int) -> list[str]:
    return [event["letter"], *_wrapped(_action(event), width)]


def _shown(data: bytes | None) -> str:
    if data is None:
        return "not held"
    text = as_text(data[:PREVIEW_BYTES])
    if text is None:
        return f"{_size(data)}, not text: {data[:HEX_BYTES].hex()}{' ...' if len(data) > HEX_BYTES else ''}"
    return f"{text} ... ({_size(data)}; --json has all)" if len(data) > PREVIEW_BYTES else text


def as_text(data: bytes) -> str | None:
    r"""Bytes as text that writes nowhere else on a screen; None where they are none.

    >>> as_text(b'{"a": 1}'), as_text(b"\xff"), as_text(b"\x1b[2J")
    ('{"a": 1}', None, '\\x1b[2J')
    """
    try:
        return printable(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        # A character that a preview's end cuts through is none the worse for it.
        cut = error.end == len(data) and error.start > len(data) - 4 and error.reason == "unexpected end of data"
        return printable(data[: error.start].decode("utf-8")) if cut and error.start else None


def printable(text: str) -> str:
    """`text` with what would not be seen, or would write elsewhere on a screen, in its escaped form; lines stay."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


def _size(data: bytes) -> str:
    return f"{len(data)} bytes"


def _hung(left: str, text: str, width: int, *, whole: bool = False) -> list[str]:
    """`text` to the right of `left`, as long as there is room for it."""
    if not text:
        return [left.rstrip()]
    if width - len(left) < ROOM:
        return [left.rstrip(), *_wrapped(text, width)]
    return textwrap.wrap(
        text,
        max(width, len(left) + ROOM),
        initial_indent=f"{left}  ",
        subsequent_indent=" " * (len(left) + 2),
        break_long_words=not whole,
        break_on_hyphens=False,
    )


def _wrapped(text: str, width: int, *, whole: bool = False) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent="    ",
        subsequent_indent="      ",
        break_long_words=not whole,
        break_on_hyphens=False,
    )
