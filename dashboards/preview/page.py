"""A dashboard's page: its frame with every title and explanation. The figures come by our scripts."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from string import Template
from typing import Any, Final

from dashboards.columns import COLUMNS
from dashboards.panels import MARKS, VARIABLES, Dashboard, Panel, Section
from dashboards.preview import times
from dashboards.preview.assets import PLOTLY, Assets
from dashboards.preview.grid import rows

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title · loanstream</title>
$absent<link rel="icon" href="$icon">
<link rel="stylesheet" href="$style">
<script src="$theme"></script>
<script type="module" src="$main"></script>
<script async id="plotly" src="$plotly"></script>
</head>
<body>
<header class="top">
<a class="brand" href="/"><img src="$icon" alt="" width="22" height="22">loanstream</a>
<nav aria-label="Dashboards">$links</nav>
$pin<button type="button" id="theme" class="quiet" aria-label="Light or dark"><span aria-hidden="true">◐</span></button>
</header>
<div class="bar">
<div class="question"><h1>$title</h1><p>$question</p></div>
<div class="controls" id="controls" aria-label="What is shown"></div>
<p class="printed" id="printed"></p>
</div>
<main>
<noscript><p class="loud">The figures need JavaScript, which is switched off here.</p></noscript>
$sections</main>
<footer><span id="zone"></span><span id="asked"></span></footer>
<script type="application/json" id="page">$data</script>
</body>
</html>
""")


def page(dashboard: Dashboard, all_of_them: Iterable[Dashboard], assets: Assets, tenant: str | None) -> str:
    """The whole document."""
    return _PAGE.substitute(
        title=escape(dashboard.title),
        question=escape(dashboard.question),
        links="".join(_link(each, dashboard) for each in all_of_them),
        pin="" if tenant is None else f'<span class="pin" title="Only this bank is shown">{escape(tenant)}</span>',
        sections="".join(_section(section) for section in dashboard.sections),
        data=_data(dashboard, tenant),
        absent="".join(f'<meta id="{name}" name="plotly-maps" content="none">\n' for name in assets.own_styles),
        icon=assets.address("icon.svg"),
        style=assets.address("preview.css"),
        theme=assets.address("theme.js"),
        main=assets.address("main.js"),
        plotly=assets.address(PLOTLY),
    )


def _link(dashboard: Dashboard, shown: Dashboard) -> str:
    current = ' aria-current="page"' if dashboard.uid == shown.uid else ""
    return f'<a href="/d/{escape(dashboard.uid)}" data-dashboard{current}>{escape(dashboard.title)}</a>'


def _section(section: Section) -> str:
    laid = "".join(f'<div class="row">{"".join(map(_panel, row))}</div>\n' for row in rows(section.panels))
    return f"<section><h2>{escape(section.title)}</h2>\n{laid}</section>\n"


def _panel(panel: Panel) -> str:
    told = [f"<p><strong>{escape(panel.question)}</strong></p>"]
    told += [f"<p>{escape(panel.meaning)}</p>"] if panel.meaning else []
    told += [f"<p><em>When it is red:</em> {escape(panel.when_red)}</p>"] if panel.when_red else []
    name = escape(panel.id)
    return (
        f'<article class="panel {panel.kind} w{panel.width} h{panel.height}" id="{name}" '
        f'aria-labelledby="{name}-title">'
        f'<header><h3 id="{name}-title">{escape(panel.title)}</h3>'
        f'<details class="info"><summary aria-label="What is {escape(panel.title)}?">i</summary>'
        f'<div class="told">{"".join(told)}</div></details></header>'
        '<div class="body"><p class="waits">…</p></div></article>'
    )


def _data(dashboard: Dashboard, tenant: str | None) -> str:
    """What our scripts know of the page; within a script element nothing may look like its end."""
    known: dict[str, Any] = {
        "uid": dashboard.uid,
        "since": dashboard.since,
        "refresh": dashboard.refresh,
        "pinned": tenant,
        "ranges": times.RANGES,
        "refreshes": times.REFRESHES,
        "marks": [MARKS[name].query for name in dashboard.marks],
        "variables": [
            {
                "name": name,
                "title": VARIABLES[name].title,
                "many": VARIABLES[name].many,
                "typed": not VARIABLES[name].query,
            }
            for name in dashboard.variables
        ],
        "timed": dashboard.is_timed,
        "columns": {name: asdict(column) for name, column in COLUMNS.items()},
        "panels": [asdict(panel) for panel in dashboard.panels()],
    }
    return json.dumps(known).replace("<", "\\u003c")
