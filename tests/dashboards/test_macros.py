"""Grafana's macros and variables, as its ClickHouse plugin expands them; a value never becomes a question."""

import pytest

from dashboards.all import DASHBOARDS
from dashboards.macros import FORMATS, MACROS, MacroProblem, Window, expand, quoted, variables_of
from dashboards.panels import MARKS, VARIABLES

DAY = Window(1_700_000_000_123, 1_700_086_400_456, 90_500)
SECONDS = "toDateTime(1700000000)", "toDateTime(1700086400)"
MILLISECONDS = "fromUnixTimestamp64Milli(1700000000123)", "fromUnixTimestamp64Milli(1700086400456)"
DATES = "toDate('2023-11-14')", "toDate('2023-11-15')"


def between(column, bounds):
    return f"{column} >= {bounds[0]} AND {column} <= {bounds[1]}"


EXPANDED = {
    "$__timeFilter(at)": between("at", SECONDS),
    "$__timeFilter_ms(at)": between("at", MILLISECONDS),
    "$__dateFilter(day)": between("day", DATES),
    "$__dateTimeFilter(day, at)": f"({between('day', DATES)}) AND ({between('at', SECONDS)})",
    "$__dt(day,at)": f"({between('day', DATES)}) AND ({between('at', SECONDS)})",
    "$__fromTime": SECONDS[0],
    "$__toTime": SECONDS[1],
    "$__fromTime_ms": MILLISECONDS[0],
    "$__toTime_ms": MILLISECONDS[1],
    "$__fromTime - INTERVAL 1 HOUR": f"{SECONDS[0]} - INTERVAL 1 HOUR",
    "$__timeFrom(at)": f"at >= {SECONDS[0]}",
    "$__timeTo(at)": f"at <= {SECONDS[1]}",
    "$__timeInterval(at)": "toStartOfInterval(toDateTime(at), INTERVAL 90 second)",
    "$__timeInterval_ms(at)": "toStartOfInterval(toDateTime64(at, 3), INTERVAL 90500 millisecond)",
    "$__interval_s": "90",
    "$__timeGroup(at, 5m)": "toStartOfInterval(toDateTime(at), INTERVAL 300 second)",
    "$__timeGroup(at, '1h30m')": "toStartOfInterval(toDateTime(at), INTERVAL 5400 second)",
    "$__timeFilter(toDateTime(at, 'UTC'))": between("toDateTime(at, 'UTC')", SECONDS),
    "$__timeFilter(if(a IN (1, 2), at, '(,)'))": between("if(a IN (1, 2), at, '(,)')", SECONDS),
    "SELECT 1 -- $__nothing, ${nobody}\n+ 1": "SELECT 1  \n+ 1",
    "SELECT /* $__nothing */ 1": "SELECT   1",
    "a = 'it''s -- $5' AND b": "a = 'it''s -- $5' AND b",
    "`a--b` = 1": "`a--b` = 1",
    "t IN (${tenant:singlequote})": "t IN ('a','b')",
    "t IN (${tenant:sqlstring})": "t IN ('a','b')",
    "t IN (${nothing:singlequote})": "t IN ('')",
}
CHOSEN = {"tenant": ("a", "b"), "nothing": ()}


@pytest.mark.parametrize("sql", EXPANDED)
def test_a_macro_becomes_what_the_plugin_makes_of_it(sql):
    """A panel asks the same question here and in Grafana."""
    assert expand(sql, DAY, CHOSEN) == EXPANDED[sql]


def test_an_interval_is_a_second_at_least():
    """A chart of some minutes has a point a second, never none."""
    assert expand("$__interval_s $__timeInterval(a)", Window(0, 10, 20), {}) == (
        "1 toStartOfInterval(toDateTime(a), INTERVAL 1 second)"
    )


REFUSED = {
    "$__unknown(at)": "$__unknown is no macro",
    "$__conditionalAll(a, $tenant)": "$__conditionalAll is no macro",
    "$__timeFilter": "takes 1 arguments, and was given 0",
    "$__timeFilter()": "takes 1 arguments, and was given 0",
    "$__timeFilter(a, b)": "takes 1 arguments, and was given 2",
    "$__timeFilter(a": "is not closed",
    "$__timeGroup(a, 0s)": "no duration",
    "$__timeGroup(a, 5 parsecs)": "no duration",
    "${bank:singlequote}": "no variable bank",
    "${tenant}": "in format plain",
    "${tenant:raw}": "in format raw",
    "${tenant:csv}": "in format csv",
    "${tenant:doublequote}": "in format doublequote",
    "$tenant": "begins neither a macro nor",
    "[[tenant]]": "begins neither a macro nor",
    "${tenant": "begins neither a macro nor",
    "'${tenant:singlequote}'": "inside quotes",
    "'$__fromTime'": "inside quotes",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_known_is_no_question(sql):
    """A query with a mistake in it fails by the mistake's name, before anything is asked."""
    with pytest.raises(MacroProblem, match=r".*" + REFUSED[sql].replace("$", r"\$").replace("[", r"\[")):
        expand(sql, DAY, CHOSEN)


HOSTILE = {
    "quote": "' OR 1=1 --",
    "doubled": "'' OR ''='",
    "backslash": "\\' OR 1=1 --",
    "backslash at the end": "adria\\",
    "two backslashes": "\\\\' UNION SELECT 1 --",
    "newline": "adria'\n--\n' OR 1",
    "NUL": "adria\0' OR 1=1",
    "control characters": "".join(map(chr, range(32))),
    "unicode": "b\u00e4nk \u2019 \uff07 \u02bc \u2028 \U0001f4b8",
    "half a pair": "adria\ud800'",
    "a macro": "$__timeFilter(a)",
    "a variable": "${policy:singlequote}",
    "a parameter": "{tenant:String}",
    "a comment": "/* ' */ -- '",
    "format": "%s %(a)s {} {0}",
    "ten kilobytes": "' OR '" * 1700,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", FORMATS)
def test_a_hostile_value_is_a_value_to_the_engine(filled, value, form):
    """Whatever is typed as a bank's or an application's name, the engine compares it, and reads nothing out of it."""
    client = filled.client("reader")
    text = value.encode("utf-8", "replace").decode()
    sql = expand(
        f"SELECT length(${{a:{form}}}), hex(${{a:{form}}}), tuple(${{b:{form}}}).2",
        DAY,
        {"a": [value], "b": ["x", value]},
    )
    assert client.query(sql).first_row == (len(text.encode()), text.encode().hex().upper(), text)
    client.close()


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_what_a_value_brings_is_not_expanded(value):
    """A macro or variable inside a value stays as it was typed."""
    assert expand("${a:singlequote}", DAY, {"a": [value], "policy": ["p"]}) == quoted(value)


def test_variables_of_a_query_are_those_outside_comments_and_quotes():
    """What a query asks for is read as the expansion reads it: a comment narrows nothing to a bank."""
    assert variables_of("SELECT 1 -- ${tenant:singlequote}") == frozenset()
    assert variables_of("a IN (${tenant:singlequote}) AND b = ${x:sqlstring} /* ${y:raw} */") == {"tenant", "x"}


def queries():
    for dashboard in DASHBOARDS.values():
        for panel in dashboard.panels():
            yield f"{dashboard.uid}/{panel.id}", panel.sql, dashboard.variables
        for mark in dashboard.marks:
            yield f"{dashboard.uid}/{mark}", MARKS[mark].sql, dashboard.variables
        for place, name in enumerate(dashboard.variables):
            yield f"{dashboard.uid}/${name}", VARIABLES[name].sql, dashboard.variables[:place]


@pytest.mark.parametrize(("sql", "variables"), [row[1:] for row in queries()], ids=[row[0] for row in queries()])
def test_every_query_knows_its_macros_and_the_variables_before_it(sql, variables):
    """No dashboard asks for a choice that it does not offer, nor a list for one that comes after it."""
    expand(sql, DAY, dict.fromkeys(variables, ("a",)))


def test_the_macros_that_panels_use_are_in_the_table():
    """The table holds the plugin's names."""
    assert set(MACROS) >= {"timeFilter", "timeInterval", "fromTime", "toTime", "interval_s"}
