"""Groups of alert rules as a file of Grafana's provisioning: other names than the HTTP API has for the same things."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from dashboards.grafana.names import FOLDER_TITLE
from dashboards.grafana.rules import DASHBOARD, PANEL, Group, as_json

_OF_THE_API = {"orgID", "folderUID", "ruleGroup", "provenance"}
"""Fields of a rule that stand at its group in a file, or nowhere."""


def as_text(groups: Iterable[Group]) -> str:
    """The file: the same rows give the same bytes."""
    document = {"apiVersion": 1, "groups": [_group(group) for group in groups]}
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return text


def _group(group: Group) -> dict[str, Any]:
    return {
        "orgId": 1,
        "name": group.title,
        "folder": FOLDER_TITLE,
        "interval": f"{group.every_s}s",
        "rules": [_rule(rule) for rule in as_json(group)["rules"]],
    }


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in rule.items() if name not in _OF_THE_API} | _place(
        rule.get("annotations", {})
    )
    return kept | {"labels": {name: _escaped(value) for name, value in kept.get("labels", {}).items()}}


def _place(annotations: Mapping[str, str]) -> dict[str, Any]:
    """The panel once more: by the API Grafana learns it from the annotations, from a file it does not.

    >>> _place({"__dashboardUid__": "loanstream-today", "__panelId__": "7"})
    {'dashboardUid': 'loanstream-today', 'panelId': 7}
    """
    if DASHBOARD not in annotations:
        return {}
    return {"dashboardUid": annotations[DASHBOARD], "panelId": int(annotations[PANEL])}


def _escaped(value: str) -> str:
    """Grafana replaces variables in a file's labels; in queries and annotations it does not.

    >>> _escaped("{{ $labels.tenant }}")
    '{{ $$labels.tenant }}'
    """
    return value.replace("$", "$$")


class _Plain(yaml.SafeDumper):
    """SQL is written line by line, and equal parts in full."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is yaml's
        return True


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _lines)
