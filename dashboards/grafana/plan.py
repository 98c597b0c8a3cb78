"""What a Grafana lacks of what is wanted there: a step each, looked at first and taken when somebody agrees."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from dashboards.grafana import difference
from dashboards.grafana.door import Door
from dashboards.grafana.names import FOLDER_TITLE, FOLDER_UID
from schemas.problem import Problem

State = Literal["create", "change", "same"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing at Grafana: what is to be done about it, why, and how."""

    kind: Literal["folder", "data source", "dashboard", "alert rules"]
    name: str
    state: State
    changes: tuple[str, ...]
    take: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be there. `datasource` None: somebody else looks after it."""

    dashboards: Sequence[Mapping[str, Any]]
    groups: Sequence[Mapping[str, Any]]
    datasource: Mapping[str, Any] | None = None
    folder: str = FOLDER_UID


@dataclass(frozen=True, slots=True)
class Plan:
    """Every step in its order, and the names of what stands in the folder and is not ours: it is left alone."""

    steps: tuple[Step, ...]
    others: tuple[str, ...]

    @property
    def due(self) -> tuple[Step, ...]:
        """Those that change something."""
        return tuple(step for step in self.steps if step.state != "same")


def look(door: Door, wanted: Wanted) -> Plan:
    """Compare what is wanted with what is there; nothing is changed. Problem."""
    folder = door.folder(wanted.folder)
    steps = [_folder(door, wanted.folder, there=folder is not None)]
    if wanted.datasource is not None:
        steps.append(_datasource(door, wanted.datasource))
    steps += [_dashboard(door, each, wanted.folder) for each in wanted.dashboards]
    steps += [_group(door, each, wanted.folder) for each in wanted.groups]
    return Plan(tuple(steps), tuple(_others(door, wanted)) if folder else ())


def _folder(door: Door, uid: str, *, there: bool) -> Step:
    title = FOLDER_TITLE if uid == FOLDER_UID else uid
    return Step("folder", title, "same" if there else "create", (), partial(door.make_folder, uid, title))


def _datasource(door: Door, wanted: Mapping[str, Any]) -> Step:
    """Its password is not read back: one that is there counts as the right one."""
    there = door.datasource(wanted["uid"])
    open_part = {name: value for name, value in wanted.items() if name != "secureJsonData"}
    changes: list[str] = []
    if there is not None:
        changes = difference.of_parts("data source", open_part, there)
        kept = there.get("secureJsonFields") or {}
        changes += [f"data source: {name}: is set" for name in wanted["secureJsonData"] if not kept.get(name)]
    return Step(
        "data source",
        wanted["name"],
        _state(there, changes),
        tuple(changes),
        partial(door.save_datasource, wanted, there=there is not None),
    )


def _dashboard(door: Door, wanted: Mapping[str, Any], folder: str) -> Step:
    there = door.dashboard(wanted["uid"])
    changes: list[str] = []
    version = None
    if there is not None:
        if there["meta"].get("provisioned"):
            raise Problem(
                f"{wanted['title']}: this Grafana has it from a file of its provisioning; expected one way alone: take "
                "the file away, or leave its dashboards to it"
            )
        version = there["dashboard"]["version"]
        stands = there["meta"].get("folderUid") or "the top"
        changes = [] if stands == folder else [f"dashboard: moves from the folder {stands} to {folder}"]
        changes += difference.of_dashboards(wanted, there["dashboard"])
    take = partial(door.save, wanted, folder, version)
    return Step("dashboard", wanted["title"], _state(there, changes), tuple(changes), take)


def _group(door: Door, wanted: Mapping[str, Any], folder: str) -> Step:
    there = door.group(folder, wanted["title"])
    changes = [] if there is None else difference.of_rules(wanted, there)
    take = partial(door.save_group, folder, wanted)
    return Step("alert rules", wanted["title"], _state(there, changes), tuple(changes), take)


def _state(there: object, changes: Sequence[str]) -> State:
    if there is None:
        return "create"
    return "change" if changes else "same"


def _others(door: Door, wanted: Wanted) -> Iterator[str]:
    ours = {each["uid"] for each in wanted.dashboards}
    yield from (f"dashboard {title}" for uid, title in sorted(door.titles(wanted.folder).items()) if uid not in ours)
    if wanted.groups:
        groups = {each["title"] for each in wanted.groups}
        found = {rule["ruleGroup"] for rule in door.rules() if rule["folderUID"] == wanted.folder}
        yield from (f"alert rules {title}" for title in sorted(found - groups))
