"""The committed dashboards are what Grafana takes, and show what the table of panels says: checks in place of an eye."""

import copy
import itertools
import json
import re
from dataclasses import replace

import pytest
from grafana_foundation_sdk.models import units

from dashboards.all import DASHBOARDS
from dashboards.grafana.classic import as_json, as_text
from dashboards.grafana.layout import placed
from dashboards.grafana.names import CHOSEN, DATASOURCE_TYPE, DATASOURCE_UID, GENERATED
from dashboards.grafana.panel import description
from dashboards.panels import MARKS, SQL, VARIABLES, Dashboard, Panel, Section

UNITS = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
DOCUMENTS = {uid: json.loads((GENERATED / f"{uid}.json").read_text("utf-8")) for uid in DASHBOARDS}
VARIABLE = re.compile(r"\$\{?(?!__)([A-Za-z]\w*)(?::(\w+))?\}?")


def panels(document):
    return [each for each in document["panels"] if each["type"] != "row"]


def faults(document):
    """What would be wrong with a dashboard in Grafana, a line each."""
    yield from _ids(document)
    yield from _grid(document)
    yield from _sources(document)
    yield from _texts(document)
    yield from _queries(document)


def _ids(document):
    ids = [each["id"] for each in document["panels"]]
    if len(set(ids)) != len(ids) or not all(0 < number < 2**31 for number in ids):
        yield "panel ids are not unique"
    if document["schemaVersion"] != 42 or not re.fullmatch(r"[a-z0-9-]{1,40}", document["uid"]):
        yield "no Classic dashboard with a uid"
    if "id" in document or "version" in document:
        yield "a number that belongs to one Grafana"


def _grid(document):
    taken = {}
    for each in document["panels"]:
        place = each["gridPos"]
        if place["w"] < 1 or place["h"] < 1 or place["x"] < 0 or place["x"] + place["w"] > 24:
            yield f"{each['title']}: not within 24 columns"
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            if taken.setdefault(cell, each["id"]) != each["id"]:
                yield f"{each['title']}: stands on another panel"
                break


def _sources(document):
    (first, *others) = document["templating"]["list"]
    if (first["type"], first["name"], first["query"]) != ("datasource", "datasource", DATASOURCE_TYPE):
        yield "the warehouse cannot be chosen"
    if first["current"]["value"] != DATASOURCE_UID:
        yield "another warehouse is chosen first"
    asked = [each for each in others if each["type"] == "query"] + panels(document) + document["annotations"]["list"]
    asked += [target for panel in panels(document) for target in panel["targets"]]
    for each in asked:
        if each["datasource"] != {"type": DATASOURCE_TYPE, "uid": CHOSEN}:
            yield f"{each.get('title') or each.get('name')}: asks another source than the chosen one"
    rest = json.dumps(document | {"templating": {"list": others}})
    if DATASOURCE_UID in rest:
        yield "a data source's uid is written into it"


def _texts(document):
    for panel in panels(document):
        if not panel["title"] or not panel.get("description"):
            yield f"{panel['title'] or panel['id']}: no title, or says not what it means"
        used = [panel["fieldConfig"]["defaults"]["unit"]]
        for override in panel["fieldConfig"]["overrides"]:
            used += [each["value"] for each in override["properties"] if each["id"] == "unit"]
        yield from (f"{panel['title']}: {unit} is no unit of Grafana's" for unit in used if unit not in UNITS)


def _queries(document):
    names = {each["name"] for each in document["templating"]["list"]}
    texts = [(each["title"], target["rawSql"]) for each in panels(document) for target in each["targets"]]
    texts += [(each["name"], each["target"]["rawSql"]) for each in document["annotations"]["list"]]
    texts += [(each["name"], each["query"]) for each in document["templating"]["list"] if each["type"] == "query"]
    for title, sql in texts:
        for name, form in VARIABLE.findall(sql):
            if name not in names:
                yield f"{title}: {name} is no variable of this dashboard"
            if form != "singlequote":
                yield f"{title}: {name} is not quoted"
        if re.search(r"\$__(?:conditionalAll|adhocFilters|columns|rateColumns|perSecondColumns|lttb)", sql):
            yield f"{title}: a macro that alert rules and the preview do not have"


@pytest.mark.parametrize("uid", DOCUMENTS)
def test_a_dashboard_is_fit_for_grafana(uid):
    """Every committed dashboard loads, lies within the grid, asks the chosen warehouse, and explains itself."""
    assert list(faults(DOCUMENTS[uid])) == []


SPOILED = {
    "two panels with one id": (lambda d: panels(d)[0].update(id=panels(d)[1]["id"]), "panel ids are not unique"),
    "an older schema": (lambda d: d.update(schemaVersion=36), "no Classic dashboard"),
    "a Grafana's own number": (lambda d: d.update(id=7), "belongs to one Grafana"),
    "too far right": (lambda d: panels(d)[0]["gridPos"].update(x=20, w=8), "not within 24 columns"),
    "on another": (lambda d: panels(d)[1].update(gridPos=panels(d)[0]["gridPos"]), "stands on another panel"),
    "a source of its own": (lambda d: panels(d)[0]["datasource"].update(uid="other"), "asks another source"),
    "a uid in a query": (lambda d: panels(d)[0]["targets"][0]["datasource"].update(uid=DATASOURCE_UID), "is written"),
    "no explanation": (lambda d: panels(d)[0].update(description=""), "says not what it means"),
    "a unit of one's own": (lambda d: panels(d)[0]["fieldConfig"]["defaults"].update(unit="loans"), "no unit"),
    "an unquoted variable": (lambda d: panels(d)[0]["targets"][0].update(rawSql="SELECT '$tenant'"), "is not quoted"),
    "an unknown variable": (
        lambda d: panels(d)[0]["targets"][0].update(rawSql="${lane:singlequote}"),
        "lane is no variable",
    ),
    "a macro of the front end": (
        lambda d: panels(d)[0]["targets"][0].update(rawSql="$__conditionalAll(1, 1)"),
        "a macro that alert rules",
    ),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_fault_in_a_dashboard_is_seen(fault):
    """A dashboard with this fault is told from the committed one."""
    spoil, told = SPOILED[fault]
    document = copy.deepcopy(DOCUMENTS["loanstream-today"])
    spoil(document)
    assert any(told in each for each in faults(document))


def test_the_same_tables_make_the_same_bytes():
    """A generated file changes only where its dashboard does."""
    for uid, dashboard in DASHBOARDS.items():
        assert as_text(dashboard, DASHBOARDS) == (GENERATED / f"{uid}.json").read_text("utf-8")
    assert {path.stem for path in GENERATED.iterdir()} == DASHBOARDS.keys()


def test_uids_and_names_are_ones_own():
    """Two dashboards never share an address, and two panels never a name: links and alerts hold them."""
    names = [panel.id for dashboard in DASHBOARDS.values() for panel in dashboard.panels()]
    assert len(set(names)) == len(names)
    assert len({dashboard.title for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)


def test_every_query_is_asked_and_every_one_asked_is_there():
    """No file of SQL is left over, and no panel asks one that is missing."""
    asked = {panel.query for dashboard in DASHBOARDS.values() for panel in dashboard.panels()}
    asked |= {row.query for row in (*VARIABLES.values(), *MARKS.values()) if row.query}
    assert asked == {path.stem for path in SQL.glob("*.sql")}
    used = {name for dashboard in DASHBOARDS.values() for name in dashboard.variables}
    assert used <= VARIABLES.keys()


def test_every_panel_says_what_it_asks_and_what_to_do():
    """The explanation at a panel's corner holds its question, its meaning, and what to do when it is red."""
    panel = Panel("a", "A", "How many?", "today", "stat", meaning="All of them.", when_red="Call somebody.")
    assert description(panel) == "How many?\n\nAll of them.\n\nWhen red: Call somebody."
    for dashboard in DASHBOARDS.values():
        for each in dashboard.panels():
            assert each.question.endswith("?"), each.id
            assert each.when_red or not each.thresholds, each.id


EXAMPLE = Panel(
    "example-table",
    "Which",
    "Which?",
    min(path.stem for path in SQL.glob("*.sql")),
    "table",
    units=(("share", "percentunit"),),
    thresholds=((0.5, "red"),),
    links=(("application", "other"),),
    carries=("tenant",),
    coloured=("share",),
)
HERE = Dashboard("here", "Here", "What?", (Section("One", (EXAMPLE,)),), variables=("tenant", "bundle"))
OTHER = Dashboard("other", "Other", "And?", (), variables=("tenant", "bundle", "application"))


def example():
    return as_json(HERE, {"here": HERE, "other": OTHER})


def override(panel, column, key):
    return next(
        each["value"]
        for rule in panel["fieldConfig"]["overrides"]
        if rule["matcher"]["options"] == column
        for each in rule["properties"]
        if each["id"] == key
    )


def test_a_row_leads_to_its_own_story():
    """From a table's cell the other dashboard opens with the row's application and bank, the same time and model."""
    (link,) = override(panels(example())[0], "application", "links")
    assert link["url"] == (
        "/d/other?var-application=${__value.raw:percentencode}&var-tenant=${__data.fields.tenant:percentencode}"
        "&${bundle:queryparam}&${datasource:queryparam}&${__url_time_range}"
    )


def test_every_other_dashboard_is_one_click_away():
    """At the top of each dashboard stand the others, and keep the chosen time and variables; in no menu."""
    (link,) = example()["links"]
    assert (link["title"], link["url"], link["keepTime"], link["includeVars"]) == ("Other", "/d/other", True, True)
    assert "placement" not in link


def test_a_link_to_nowhere_is_no_dashboard():
    """A table that leads to a dashboard that is not there is a fault of the table, seen before Grafana sees it."""
    with pytest.raises(KeyError):
        as_json(HERE, {"here": HERE})


def strays(dashboards):
    """Links whose values the other dashboard does not know as variables."""
    for dashboard in dashboards.values():
        for panel in dashboard.panels():
            for column, target in panel.links:
                unknown = {column, *panel.carries} - set(dashboards[target].variables)
                yield from (f"{panel.id}: {name} is no variable of {target}" for name in sorted(unknown))


def test_what_a_link_brings_is_a_variable_there():
    """A value that the other dashboard does not know as a variable would open it on everything."""
    assert list(strays(DASHBOARDS)) == []
    assert list(strays({"here": HERE, "other": replace(OTHER, variables=("application",))})) == [
        "example-table: tenant is no variable of other"
    ]


def test_thresholds_colour_what_they_are_for():
    """Below the first threshold all is green; a table's colours are those of the named columns alone."""
    panel = panels(example())[0]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "green"), (0.5, "red")]
    assert override(panel, "share", "custom.cellOptions") == {"type": "color-text"}
    assert override(panel, "share", "unit") == "percentunit"


def test_a_text_stays_a_text():
    """An application's id that is all digits is shown as it is, and not as thousands; columns of a unit keep theirs."""
    rules = panels(example())[0]["fieldConfig"]["overrides"]
    units_of = [
        (rule["matcher"]["id"], each["value"]) for rule in rules for each in rule["properties"] if each["id"] == "unit"
    ]
    assert units_of == [("byType", "string"), ("byName", "percentunit")]  # the last that fits holds


def test_a_variable_is_read_anew_at_every_refresh():
    """A model that decides since a minute ago is part of All now: else its decisions would be missing, unseen."""
    for document in DOCUMENTS.values():
        for each in document["templating"]["list"]:
            if each["type"] == "query":
                assert each["refresh"] == 2
                if each["multi"]:
                    assert each["current"]["value"] == ["$__all"]


def test_panels_never_overlap_whatever_their_sizes():
    """Panels of any size are laid out within the grid, in their order from the top, none upon another."""
    sizes = [(w, h) for w, h in itertools.product((1, 5, 7, 12, 24), (1, 3, 8))]
    for turn in range(len(sizes)):
        turned = sizes[turn:] + sizes[:turn]
        (first, second) = placed([turned, turned[:3]])
        cells = [
            (x, y) for left, top, w, h in (*first, *second) for x in range(left, left + w) for y in range(top, top + h)
        ]
        assert len(set(cells)) == len(cells)
        assert max(x for x, _ in cells) == 23


@pytest.mark.parametrize("size", [(0, 4), (25, 4), (12, 0)])
def test_a_panel_that_fits_nowhere_is_refused(size):
    """A width or height that no grid has is a fault of the table."""
    with pytest.raises(ValueError, match="1 to 24 columns"):
        placed([[size]])
