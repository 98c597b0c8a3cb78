"""Rows that a redrive made from dead letters' originals, as the records themselves cannot be read."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from loanstream.dlq.letters import original
from processors.stages.record.rows import Rows, rows_as_stored
from schemas.decode import Undecodable, decode_own
from schemas.operations import DeadLetter
from schemas.records import Place
from stores.topics import Bounds, RetentionMoved, TopicReader
from stores.warehouse.pages import Digests, StoredRows

_RECORDED = (
    "SELECT origin_topic, origin_partition, origin_offset, letter_topic, letter_partition, letter_offset "
    "FROM loanstream.letters_handled WHERE action = 'recorded' ORDER BY kafka_offset"
)


class RecordedLetters:
    """What the rows of such records have to be. That a letter was recorded excuses no other content than its own."""

    def __init__(self, client: Any, topics: TopicReader, letters: Callable[[], StoredRows]) -> None:
        self._client, self._topics, self._letters = client, topics, letters

    @cached_property
    def _letter_of(self) -> Mapping[Place, Place]:
        """Place of a record -> where its letter lies that was recorded after all."""
        found = self._client.query(_RECORDED).result_rows
        return {
            Place(str(row[0]), int(row[1]), int(row[2])): Place(str(row[3]), int(row[4]), int(row[5])) for row in found
        }

    def rows(self, record: Place) -> Rows:
        """The rows that the original in the record's letter makes, sealed columns as hashes; none where no letter of it
        was recorded, or where neither topic nor warehouse has the letter.
        """
        place = self._letter_of.get(record)
        letter = None if place is None else self._in_topic(place) or self._in_warehouse(place)
        if letter is None or Place(letter.origin.topic, letter.origin.partition, letter.origin.offset) != record:
            return []
        try:
            return rows_as_stored(original(letter), Digests())
        except (Undecodable, LookupError):
            return []

    def _in_topic(self, place: Place) -> DeadLetter | None:
        partition = (place.topic, place.partition)
        if partition not in self._topics.bounds([place.topic]):
            return None
        try:
            found = [*self._topics.read(partition, Bounds(place.offset, place.offset + 1))]
        except RetentionMoved:
            return None
        return _letter(found[0].value()) if found else None

    def _in_warehouse(self, place: Place) -> DeadLetter | None:
        """It is sealed there: whoever alters it breaks the seal."""
        found = self._letters().at(place)
        return None if found is None or found.plain is None else _letter(found.plain)


def _letter(value: bytes | None) -> DeadLetter | None:
    try:
        return decode_own(DeadLetter, value)
    except Undecodable:
        return None
