"""Every record of an applications topic ends as exactly one decision record or dead letter: the books of one tenant."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from loanstream.ask.difference import Difference
from schemas.headers import ATTEMPTS, header
from schemas.records import Message, Unreadable, place
from schemas.topics import TOPICS

Account = tuple[bytes, int]
"""A record's key, and when the broker took the application (milliseconds since 1970)."""

OPENS = ("applications", "applications_slow", "verifications")
"""Topics whose records must end somewhere; in the later two only what was redriven there begins anew."""


class Balance:
    """Records are put in topic by topic, what opens before what closes; what is left over ended wrongly."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._open: dict[Account, list[Message]] = {}
        self._late: list[tuple[bytes, Message]] = []

    def put(self, family: str, message: Message) -> None:
        """Enter a record of the topic family `family`."""
        if isinstance(message, Unreadable):
            if family in OPENS:
                self._opens(_by_place(place(message)), message)
        elif family == "applications":
            self._opens((message.key() or b"", message.timestamp()[1]), message)
        elif family in OPENS:
            if _redriven(message):
                self._opens((message.key() or b"", accepted_ms(message.value()) or 0), message)
        elif family == "decisions":
            if not _redriven(message):  # sent back for the warehouse's sake: the decision has been made before
                self._closes((message.key() or b"", accepted_ms(message.value())), message)
        else:
            self._dead_letter(message)

    def put_late(self, family: str, message: Message) -> None:
        """Enter what came after the start: it may end an application, and is otherwise no concern of these books."""
        before = len(self._late)
        self.put(family, message)
        del self._late[before:]

    def forget(self, before_ms: int) -> None:
        """Close what opened before a moment: nothing tells any more how it ended."""
        old = [account for account, found in self._open.items() if found[0].timestamp()[1] < before_ms]
        for account in old:
            del self._open[account]

    def _opens(self, account: Account, message: Message) -> None:
        self._open.setdefault(account, []).append(message)

    def _closes(self, account: tuple[bytes, int | None], message: Message) -> None:
        key, accepted = account
        waiting = self._open.get((key, accepted)) if accepted is not None else None
        if waiting is None:
            self._late.append((key, message))
            return
        waiting.pop()
        if not waiting and accepted is not None:
            del self._open[key, accepted]

    def _dead_letter(self, message: Message) -> None:
        letter = _json(message.value())
        if letter.get("stage") in (None, "record"):  # no letter; about a row: the application has ended elsewhere
            return
        unreadable = _by_place(_origin(letter))
        self._closes(unreadable if unreadable in self._open else self._account(message, letter), message)

    def _account(self, message: Message, letter: Mapping[str, Any]) -> tuple[bytes, int | None]:
        # The letter's own key is the original's, also where that is too large to be told in it.
        key, origin = message.key() or b"", letter.get("origin", {})
        if origin.get("topic") == TOPICS["applications"].name(self._tenant):
            return key, origin.get("timestamp_ms")
        return key, accepted_ms(base64.b64decode(letter.get("value_base64") or ""))

    @property
    def undecided(self) -> int:
        """How many records have not ended yet."""
        return sum(map(len, self._open.values()))

    @property
    def open_keys(self) -> list[bytes]:
        """The keys of the records that have not ended yet, each once."""
        return list(dict.fromkeys((record.key() or b"") for found in self._open.values() for record in found))

    def differences(self, *, whole: bool) -> list[Difference]:
        """What ended wrongly. `whole` says that no application has been deleted by retention: only then is an end
        without a beginning one too many.
        """
        unmatched = self._matched_by_key()
        left = [_difference("undecided", self._tenant, record) for found in self._open.values() for record in found]
        return left + ([_difference("made_twice", self._tenant, record) for record in unmatched] if whole else [])

    def _matched_by_key(self) -> list[Message]:
        """Close by key alone what named no moment; return what closes nothing."""
        by_key: dict[bytes, list[Account]] = {}
        for account in self._open:
            by_key.setdefault(account[0], []).append(account)
        unmatched = []
        for key, message in self._late:
            accounts = by_key.get(key)
            if not accounts:
                unmatched.append(message)
                continue
            waiting = self._open[accounts[-1]]
            waiting.pop()
            if not waiting:
                del self._open[accounts.pop()]
        self._late = []
        return unmatched


def _redriven(message: Message) -> bool:
    return (header(message.headers(), ATTEMPTS) or b"0") != b"0"


def _by_place(where: str) -> Account:
    """The account of a record that nobody could read: of its key and its moment nothing may be known."""
    return where.encode(), -1


def _origin(letter: Mapping[str, Any]) -> str:
    return "/".join(str(letter.get("origin", {}).get(part)) for part in ("topic", "partition", "offset"))


def _json(value: bytes | None) -> Mapping[str, Any]:
    """The object in a value; an empty one where there is none."""
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, Mapping) else {}


def accepted_ms(value: bytes | None) -> int | None:
    """`accepted_at` of an event of ours in milliseconds since 1970; None where there is none to read."""
    try:
        event = orjson.loads(value or b"")
        found = event.get("accepted_at") if isinstance(event, Mapping) else None
        return None if found is None else round(datetime.fromisoformat(found).timestamp() * 1000)
    except (ValueError, TypeError):
        return None


def _difference(kind: str, tenant: str, message: Message) -> Difference:
    key = (message.key() or b"").decode("utf-8", "replace")[:64]
    place = (message.topic(), message.partition(), message.offset())
    return Difference("undecided" if kind == "undecided" else "made_twice", "applications", tenant, key, None, *place)
