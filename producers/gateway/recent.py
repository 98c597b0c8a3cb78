"""A mapping of a bounded size."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps `most` values; the one that was put longest ago goes first.

    >>> kept = Recent(2)
    >>> for name in "abc": kept.put(name, name.upper())
    >>> kept.get("a"), kept.get("c"), len(kept)
    (None, 'C', 2)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Key) -> Value | None:
        """The value; None where there is none (any more)."""
        return self._held.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep it, as the youngest."""
        self._held[key] = value
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget it."""
        self._held.pop(key, None)
