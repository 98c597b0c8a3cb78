"""What a Grafana has in place of what is wanted, told by panel, variable, mark and link.

Grafana adds fields of its own (ids, versions, defaults) and may leave out empty ones: neither is a difference. Whatever
we set and find otherwise is one, and so is a panel, a variable or a rule that we do not have.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

SHOWN = 60
"""A longer value is told by its lines, not shown in one."""

_LISTS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    # what a dashboard's lists hold: where they are, which field tells one from another, and which it is called by
    "panel": (("panels",), "id", "title"),
    "variable": (("templating", "list"), "name", "name"),
    "mark": (("annotations", "list"), "name", "name"),
    "link": (("links",), "title", "title"),
}
_RULES = (("rules",), "uid", "title")


def of_dashboards(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Lines that say what would change; none where all is as wanted."""
    found: list[str] = []
    for kind, (path, key, name) in _LISTS.items():
        found += _of_lists(kind, name, _by_key(wanted, path, key), _by_key(there, path, key))
    listed = {path[0] for path, *_ in _LISTS.values()}
    rest = {key: value for key, value in wanted.items() if key not in listed}
    return [*_of_values("dashboard", rest, there), *found]


def of_rules(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """The same of two groups of alert rules, as the HTTP API has them."""
    path, key, name = _RULES
    ours = {uid: {**rule, "orgID": None} for uid, rule in _by_key(wanted, path, key).items()}
    theirs = {uid: {**rule, "orgID": None} for uid, rule in _by_key(there, path, key).items()}
    rules = _of_lists("rule", name, ours, theirs)  # whose organisation it is, the token decides
    rest = {key: value for key, value in wanted.items() if key != "rules"}
    return [*_of_values("group", rest, there), *rules]


def of_parts(name: str, wanted: Any, there: Any) -> list[str]:
    """The same of any two JSON values."""
    return list(_of_values(name, wanted, there))


def _by_key(document: Mapping[str, Any], path: tuple[str, ...], key: str) -> dict[object, Any]:
    found: Any = document
    for part in path:
        found = (found or {}).get(part)
    # Grafana adds its own annotations to every dashboard
    return {each.get(key): each for each in found or () if each.get("builtIn") != 1}


def _of_lists(kind: str, name: str, wanted: Mapping[object, Any], there: Mapping[object, Any]) -> Iterator[str]:
    for key, value in wanted.items():
        called = f'{kind} "{value[name]}"'
        if key in there:
            yield from _of_values(called, value, there[key])
        else:
            yield f"{called}: is added"
    yield from (f'{kind} "{value.get(name) or ""}": is taken out' for key, value in there.items() if key not in wanted)
    if [key for key in wanted if key in there] != [key for key in there if key in wanted]:
        yield f"{kind}s: another order"


def _of_values(place: str, wanted: Any, there: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(there, Mapping):
        for key, value in wanted.items():
            yield from _of_values(f"{place}: {key}" if ": " not in place else f"{place}.{key}", value, there.get(key))
    elif isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        for index, (one, other) in enumerate(zip(wanted, there, strict=True)):
            yield from _of_values(f"{place}[{index}]", one, other)
    elif wanted != there and (wanted or there):
        yield f"{place}: {_told(wanted, there)}"


def _told(wanted: Any, there: Any) -> str:
    before, after = (json.dumps(value, ensure_ascii=False) for value in (there, wanted))
    if isinstance(wanted, str) and isinstance(there, str) and len(before) + len(after) > 2 * SHOWN:
        lines = unified_diff(there.splitlines(), wanted.splitlines(), n=0, lineterm="")
        return "\n".join(["", *(f"  {line}" for line in lines if line[:2] not in {"--", "++", "@@"})])
    return f"{_short(before)} -> {_short(after)}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
