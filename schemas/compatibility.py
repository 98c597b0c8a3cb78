"""Does a change of an event's schema break somebody?

Theory of operation. One question answers for both sides: is every value that schema A allows allowed by schema B?
For an event we read, A is the old schema and B the new one: what others send today must still be accepted. For an event
we write, A is the new schema and B the old one: what we send tomorrow must be what consumers were promised; besides, no
field may go away. For an internal event both must hold: an upgrade lets two versions of our stages read each other.
What cannot be compared (two different patterns) is refused.

Where the old schema is open (as all that our stages write is), its readers ignore what they do not know: a field may be
added. Opening a closed one is harmless in itself; only the next schema can make use of it. In an open part of an
internal event a field may become nullable, because readers and writers are ours and the readers come first: the version
that lets null in does not write it yet. In a closed part, the bank's own words, nobody could promise that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.events import Side

Schema = dict[str, Any]

_ANNOTATIONS = {"title", "description", "examples", "deprecated", "$id", "$schema", "$defs", "$ref", "$comment"}
_JUDGED_BY_NAME = {"type", "enum", "const", "anyOf", "oneOf", "properties", "required", "items", "default"}
_LOWER = (("minimum", "exclusiveMinimum"), ("minLength", None), ("minItems", None), ("minProperties", None))
_UPPER = (("maximum", "exclusiveMaximum"), ("maxLength", None), ("maxItems", None), ("maxProperties", None))
_BOUND_NAMES = {name for pair in (*_LOWER, *_UPPER) for name in pair if name}
_KNOWN = _ANNOTATIONS | _JUDGED_BY_NAME | _BOUND_NAMES | {"additionalProperties"}


@dataclass(frozen=True, slots=True)
class Breaking:
    """One change that breaks somebody: where, by which rule, and in words."""

    path: str
    rule: str
    explanation: str


def breaking_changes(old: Schema, new: Schema, side: Side) -> list[Breaking]:
    """Every breaking change between two schemas of one event; none where the change is harmless.

    >>> was = {"type": "object", "properties": {"purpose": {"type": "string", "maxLength": 200}}}
    >>> now = {"type": "object", "properties": {"purpose": {"type": "string", "maxLength": 100}}}
    >>> [(found.path, found.rule) for found in breaking_changes(was, now, "read")]
    [('purpose', 'maxLength')]
    >>> breaking_changes(was, now, "written")
    []
    """
    found: list[Breaking] = []
    if side in ("read", "internal"):
        found += _Inclusion(old, new).of(old, new, "")
    if side in ("written", "internal"):
        found += _Inclusion(new, old, written=True, null_may_come=side == "internal").of(new, old, "")
    return sorted(set(found), key=lambda one: (one.path, one.rule, one.explanation))


class _Inclusion:
    """Whether what `inner` allows is allowed by `outer`; `written` says which of them is the old schema,
    `null_may_come` that readers of an open part take null before it is written.
    """

    def __init__(
        self, inner_root: Schema, outer_root: Schema, *, written: bool = False, null_may_come: bool = False
    ) -> None:
        self.inner_root = inner_root
        self.outer_root = outer_root
        self.written = written
        self.null_may_come = null_may_come
        self.entered: set[tuple[str, str]] = set()

    def of(self, inner: Schema, outer: Schema, path: str, *, or_null: bool = False) -> list[Breaking]:
        refs = (inner.get("$ref", ""), outer.get("$ref", ""))
        if all(refs) and refs in self.entered:
            return []
        self.entered.add(refs)
        found = self._default(inner, outer, path)
        outer_branches = list(_branches(outer, self.outer_root))
        for branch in _branches(inner, self.inner_root):
            if not (or_null and branch.get("type") == "null"):
                found += self._in_one_of(branch, outer_branches, path)
        self.entered.discard(refs)
        return found

    def _in_one_of(self, branch: Schema, outers: list[Schema], path: str) -> list[Breaking]:
        """Nothing where some branch takes it all; otherwise what the nearest branch refuses."""
        candidates = [outer for outer in outers if _type_within(branch, outer)]
        if not candidates:
            allowed = " or ".join(sorted({str(outer.get("type", "any")) for outer in outers}))
            return [self._refusal(path, "type", branch.get("type", "any"), allowed)]
        return min((list(self._differences(branch, outer, path)) for outer in candidates), key=len)

    def _differences(self, inner: Schema, outer: Schema, path: str) -> Iterator[Breaking]:
        yield from self._values(inner, outer, path)
        yield from self._bounds(inner, outer, path)
        yield from self._fields(inner, outer, path)
        if "items" in outer:
            yield from self.of(inner.get("items", {}), outer["items"], f"{path}[]")
        for name in sorted(set(outer) - _KNOWN):
            if inner.get(name) != outer[name]:
                yield self._refusal(path, name, inner.get(name), outer[name])

    def _values(self, inner: Schema, outer: Schema, path: str) -> Iterator[Breaking]:
        allowed = _enumerated(outer)
        if allowed is None:
            return
        possible = _enumerated(inner)
        if possible is None or any(value not in allowed for value in possible):
            yield self._refusal(path, "enum", possible or "anything", allowed)

    def _bounds(self, inner: Schema, outer: Schema, path: str) -> Iterator[Breaking]:
        for plain, exclusive in _LOWER:
            if (limit := _lower(outer, plain, exclusive)) and not (_lower(inner, plain, exclusive) or _OPEN) >= limit:
                yield self._refusal(path, plain, _shown(_lower(inner, plain, exclusive)), limit[0])
        for plain, exclusive in _UPPER:
            if (limit := _upper(outer, plain, exclusive)) and not (_upper(inner, plain, exclusive) or _FAR) <= limit:
                yield self._refusal(path, plain, _shown(_upper(inner, plain, exclusive)), limit[0])

    def _fields(self, inner: Schema, outer: Schema, path: str) -> Iterator[Breaking]:
        inner_fields, outer_fields = inner.get("properties", {}), outer.get("properties", {})
        rest = outer.get("additionalProperties", True)
        for name in sorted(set(outer.get("required", ())) - set(inner.get("required", ()))):
            yield self._refusal(_join(path, name), "required", "optional", "required")
        for name, schema in inner_fields.items():
            if name in outer_fields:
                or_null = self.null_may_come and rest is True
                yield from self.of(schema, outer_fields[name], _join(path, name), or_null=or_null)
            elif rest is False:
                yield self._refusal(_join(path, name), "unknown_field", "a field", "no such field")
        if self.written:
            for name in sorted(set(outer_fields) - set(inner_fields)):
                yield Breaking(_join(path, name), "removed", "a field that consumers read is gone")
        yield from self._rest(inner.get("additionalProperties", True), rest, path)

    def _rest(self, inner: Schema | bool, outer: Schema | bool, path: str) -> Iterator[Breaking]:
        if inner is False or outer is True or (self.written and inner is True and outer is False):
            return
        if isinstance(inner, dict) and isinstance(outer, dict):
            yield from self.of(inner, outer, f"{path}{{}}")
        else:
            yield self._refusal(path, "additionalProperties", "other fields", "none" if outer is False else "bounded")

    def _default(self, inner: Schema, outer: Schema, path: str) -> list[Breaking]:
        """Records that leave a field out must go on meaning the same."""
        if self.written or "default" not in inner or "default" not in outer or inner["default"] == outer["default"]:
            return []
        return [self._refusal(path, "default", inner["default"], outer["default"])]

    def _refusal(self, path: str, rule: str, inner: Any, outer: Any) -> Breaking:
        if self.written:
            return Breaking(path, rule, f"consumers were promised {outer!r}, and would now get {inner!r}")
        return Breaking(path, rule, f"producers may send {inner!r}, and only {outer!r} would now be accepted")


_Limit = tuple[float, bool]
_OPEN: _Limit = (float("-inf"), False)
_FAR: _Limit = (float("inf"), True)


def _lower(schema: Schema, plain: str, exclusive: str | None) -> _Limit | None:
    """The tighter of the two lower limits, as (value, exclusive): greater is tighter."""
    limits = [(schema[plain], False)] if plain in schema else []
    limits += [(schema[exclusive], True)] if exclusive in schema else []
    return max(limits, default=None)


def _upper(schema: Schema, plain: str, exclusive: str | None) -> _Limit | None:
    """The tighter of the two upper limits, as (value, inclusive): smaller is tighter."""
    limits = [(schema[plain], True)] if plain in schema else []
    limits += [(schema[exclusive], False)] if exclusive in schema else []
    return min(limits, default=None)


def _shown(limit: _Limit | None) -> float | str:
    return "no bound" if limit is None else limit[0]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _enumerated(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _type_within(inner: Schema, outer: Schema) -> bool:
    """Whether `outer`'s type takes `inner`'s; without a type a schema takes anything."""
    mine, theirs = inner.get("type"), outer.get("type")
    return theirs is None or mine == theirs or (mine == "integer" and theirs == "number")


def _branches(schema: Schema, root: Schema) -> Iterator[Schema]:
    """The alternatives a schema consists of, references resolved, each with the keywords beside the alternatives."""
    if "$ref" in schema:
        beside = {name: item for name, item in schema.items() if name != "$ref"}
        yield from _branches({**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}, root)
        return
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    beside = {name: item for name, item in schema.items() if name not in ("anyOf", "oneOf")}
    if isinstance(schema.get("type"), list):
        alternatives, beside = [{"type": name} for name in schema["type"]], {**beside, "type": None}
    if not alternatives:
        yield schema
    for alternative in alternatives:
        yield from _branches(_both(beside, alternative), root)


def _both(beside: Schema, alternative: Schema) -> Schema:
    """What keeps to both, as far as our schemas go: an alternative's field is narrower than the one beside it."""
    merged = {**beside, **alternative}
    if "properties" in beside and "properties" in alternative:
        merged["properties"] = {**beside["properties"], **alternative["properties"]}
        merged["required"] = [*beside.get("required", ()), *alternative.get("required", ())]
    return merged
