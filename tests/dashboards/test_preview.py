"""The preview over a warehouse that answers what a test says: whom it lets in, and what a panel says when it fails."""

import asyncio
import gzip
import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from starlette.testclient import TestClient

from dashboards.all import DASHBOARDS
from dashboards.panels import Dashboard, Panel, Section
from dashboards.preview.answers import ROWS_MOST
from dashboards.preview.app import create_app
from dashboards.preview.asking import AT_ONCE, Asking, Unanswered
from dashboards.preview.assets import Assets
from dashboards.preview.figures import AT_FAULT, FOR_THE_OPERATOR
from dashboards.preview.grid import rows
from dashboards.preview.page import page
from dashboards.preview.times import NoTime, window

TODAY = "loanstream-today"
TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
TENANTS = re.compile(r"\btenant IN \(([^)]*)\)")


def one(panel: str = "today-decisions", uid: str = TODAY, **parameters) -> str:
    asked = "&".join(f"{name.replace('_', '-')}={value}" for name, value in parameters.items())
    return f"/api/{uid}/panels/{panel}?{asked}"


@pytest.fixture
def opened(fake) -> Callable[..., TestClient]:
    """A browser's connection to a preview over a warehouse that answers so."""

    @contextmanager
    def start(answers, tenant=None, answer_s=10.0, **options):
        client = fake(answers)
        app = create_app(lambda: client, tenant, answer_s=answer_s, **options)
        with TestClient(app, base_url="http://localhost:8300") as browser:
            browser.warehouse = client
            yield browser

    return start


@pytest.fixture
def usual(answer) -> Callable[[str], object]:
    """Two banks, one model, one policy, and a figure."""

    def answers(sql):
        for column in ("tenant", "bundle_id", "policy_id"):
            if sql.startswith(f"SELECT DISTINCT {column}"):
                values = {"tenant": ["adria", "borealis"]}.get(column, ["sha256:one"])
                return answer([(value,) for value in values], **{column: "LowCardinality(String)"})
        return answer([(309,)], decisions="UInt64")

    return answers


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_page_has_every_panel_with_its_explanation(opened, usual, uid):
    """What a figure means and what to do when it is red stands beside it, before any figure has come."""
    with opened(usual) as browser:
        text = browser.get(f"/d/{uid}").text
        assert browser.warehouse.asked == []
    for panel in DASHBOARDS[uid].panels():
        for words in (panel.title, panel.question, panel.meaning, panel.when_red):
            assert words.replace("&", "&amp;").replace("'", "&#x27;").replace(">", "&gt;") in text


def test_the_first_page_is_the_first_dashboard(opened, usual):
    """Whoever opens the address sees Today."""
    with opened(usual) as browser:
        assert browser.get("/").url.path == f"/d/{TODAY}"
        assert browser.get("/d/nowhere").status_code == 404


HOSTS = {
    "localhost:8300": 200,
    "LOCALHOST": 200,
    "127.0.0.1:8300": 200,
    "[::1]:9000": 200,
    "rebound.example": 421,
    "rebound.example:8300": 421,
    "localhost.rebound.example": 421,
    "127.0.0.1.rebound.example": 421,
    "127.0.0.2": 421,
    "localhost:8300@rebound.example": 421,
    "": 421,
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/d/loanstream-today", one(), "/favicon.ico"])
def test_a_page_elsewhere_whose_name_leads_here_is_refused(opened, usual, host, path):
    """A name in the internet that is made to mean this machine (DNS rebinding) reads nothing."""
    with opened(usual) as browser:
        answered = browser.get(path, headers={"host": host})
        assert answered.status_code == HOSTS[host]
        assert (browser.warehouse.asked == []) or HOSTS[host] == 200


@pytest.mark.parametrize(
    "path", ["/", "/d/loanstream-today", "/d/nowhere", one(), "/api/nowhere/marks", "/assets/0/a.js"]
)
@pytest.mark.parametrize("host", ["localhost", "rebound.example"])
def test_every_answer_is_fenced_in(opened, usual, path, host):
    """No script or style of a stranger's runs in the page, no other page frames it, nothing of it is stored."""
    with opened(usual) as browser:
        headers = browser.get(path, headers={"host": host}, follow_redirects=False).headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert "unsafe" not in policy["style-src-elem"]
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_a_page_loads_nothing_from_elsewhere_and_has_no_script_of_its_own():
    """It opens on a machine without a net."""
    text = page(DASHBOARDS[TODAY], DASHBOARDS.values(), Assets(), None)
    assert "//" not in text.replace("<!doctype", "")
    assert text.count("<script") == text.count("<script src=") + text.count("<script async") + text.count(
        "<script type="
    )
    assert "style=" not in text
    assert "onclick=" not in text


def test_what_a_dashboard_says_is_never_markup():
    """A title may hold any characters."""
    evil = "</script><script>alert(1)</script>\"'&"
    board = Dashboard(
        evil, evil, evil, (Section(evil, (Panel("id", evil, evil, "decisions_made", "stat", meaning=evil),)),)
    )
    text = page(board, [board], Assets(), evil)
    assert "<script>alert" not in text
    known = text.split('id="page">')[1].split("</script>")[0]
    assert json.loads(known)["panels"][0]["title"] == evil


def test_files_are_kept_and_compressed(opened, usual):
    """Four megabytes of plotly come once, as one."""
    assets = Assets()
    with opened(usual) as browser:
        for name in ("plotly.min.js", "main.js", "preview.css", "icon.svg"):
            got = browser.get(assets.address(name), headers={"accept-encoding": "gzip"})
            assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert got.headers["content-encoding"] == "gzip"
            plain = browser.get(assets.address(name), headers={"accept-encoding": "identity"})
            assert plain.content == got.content
        for path in ("/assets/0/main.js", "/assets/x/..%2f..%2fapp.py", assets.address("main.js") + "x"):
            assert browser.get(path).status_code == 404
    plotly = assets.find(assets.version, "plotly.min.js")
    assert len(plotly.compressed) < len(plotly.content) / 3
    assert gzip.decompress(plotly.compressed) == plotly.content


def test_a_panel_gets_its_figure(opened, usual):
    """The figure of the warehouse is the figure of the page."""
    with opened(usual) as browser:
        got = browser.get(one()).json()
    assert got["columns"] == [{"name": "decisions", "type": "number"}]
    assert (got["rows"], got["notes"], got["why"]) == ([[309]], [], None)


def test_all_is_every_bank_and_a_choice_is_that_bank(opened, usual):
    """What is chosen stands in the question, quoted; without a choice every bank of the warehouse does."""
    with opened(usual) as browser:
        for chosen, said in {
            "": "'adria','borealis'",
            "&var-tenant=$__all": "'adria','borealis'",
            "&var-tenant=adria": "'adria'",
        }.items():
            browser.get(one() + chosen)
            assert f"tenant IN ({said})" in browser.warehouse.asked[-1]
        browser.get(one() + "&var-tenant=borealis&var-tenant=o%27b%5C&var-tenant=borealis")
        assert "tenant IN ('borealis','o\\'b\\\\')" in browser.warehouse.asked[-1]


def test_values_are_asked_for_once_by_the_panels_of_a_page(opened, usual):
    """Ten panels at once ask ten questions and each list of values once."""
    with opened(usual) as browser:
        for panel in DASHBOARDS[TODAY].panels():
            browser.get(one(panel.id))
        asked = browser.warehouse.asked
    assert sum(sql.startswith("SELECT DISTINCT tenant") for sql in asked) == 1
    assert len(asked) == len(list(DASHBOARDS[TODAY].panels())) + 3


SECRET = "DB::Exception: In scope SELECT 'secret-bank' FROM loanstream.decisions"
FAILURES = {
    "a column is gone": (
        DatabaseError(f"Code: 47. {SECRET}. (UNKNOWN_IDENTIFIER) (for url http://w:1)"),
        "lacks a column",
    ),
    "a table is gone": (DatabaseError(f"Code: 60. {SECRET}. (UNKNOWN_TABLE)"), "lacks a table"),
    "another": (
        DatabaseError(f"Code: 184. {SECRET}. (ILLEGAL_AGGREGATION) (version 26.9)"),
        "ILLEGAL_AGGREGATION (its error 184)",
    ),
    "nameless": (DatabaseError(f"Code: 999. {SECRET}."), "unnamed (its error 999)"),
    "slow": (DatabaseError(f"Code: 159. {SECRET}. (TIMEOUT_EXCEEDED)"), "longer than 10 seconds"),
    "too much": (DatabaseError(f"Code: 241. {SECRET}. (MEMORY_LIMIT_EXCEEDED)"), "more memory"),
    "a wrong password": (DatabaseError("Code: 516. (AUTHENTICATION_FAILED)"), "name or password is wrong"),
    "unreachable": (OperationalError(f"Error ConnectionRefused executing {SECRET}"), "does not answer"),
    "a broken pipe": (BrokenPipeError(32, SECRET), "does not answer"),
    "a bug of ours": (KeyError(SECRET), "failed here, not in the warehouse"),
}


@pytest.mark.parametrize("fault", FAILURES)
def test_a_fault_is_a_sentence_in_its_panel_alone(opened, usual, caplog, fault):
    """One panel says what is wrong in words; the next shows its figure; no question or value is told or logged."""
    error, said = FAILURES[fault]

    def answers(sql):
        if "decisions_by_latency" in sql:
            raise error
        return usual(sql)

    with opened(answers) as browser:
        got = browser.get(one("today-latency"))
        browser.warehouse.alive = True
        if "does not answer" not in said:
            assert browser.get(one()).json()["rows"] == [[309]]
    assert got.status_code == 200
    assert said in got.json()["error"]
    for text in (got.text, caplog.text):
        assert "secret" not in text
        assert "SELECT" not in text
        assert "Traceback" not in text


def test_a_silent_warehouse_is_not_asked_again_at_once(fake):
    """Thirty panels of a page do not wait one after the other for a warehouse that is away."""
    asked = []

    def refused():
        asked.append(1)
        raise OperationalError("no route")

    async def ask():
        asking = Asking(refused, 10)
        for _ in range(30):
            with pytest.raises(Unanswered, match="does not answer"):
                await asking.ask("SELECT 1")
        asking.close()

    asyncio.run(ask())
    assert len(asked) == 1


@pytest.mark.parametrize(("alive", "said"), [(True, "longer than 10 seconds"), (False, "does not answer")])
def test_a_slow_question_and_a_silent_warehouse_are_told_apart(fake, alive, said):
    """A question that takes too long is its panel's fault; a warehouse that is heard of no more is everybody's."""

    def slow(_):
        time.sleep(0.3)
        raise OperationalError("timed out")

    async def ask():
        client = fake(slow)
        client.alive = alive
        asking = Asking(lambda: client, 0.3)
        with pytest.raises(Unanswered, match=said):
            await asking.ask("SELECT 1")
        asking.close()
        assert client.closed == 1

    asyncio.run(ask())


def test_no_more_than_four_questions_are_asked_at_once(fake, answer):
    """A page of thirty panels leaves the warehouse to others."""
    under_way, most, lock = [], [], threading.Lock()

    def counted(_):
        with lock:
            under_way.append(1)
            most.append(len(under_way))
        time.sleep(0.02)
        with lock:
            under_way.pop()
        return answer([(1,)], a="UInt8")

    async def ask():
        made = []
        asking = Asking(lambda: made.append(1) or fake(counted), 10)
        await asyncio.gather(*(asking.ask("SELECT 1") for _ in range(20)))
        asking.close()
        assert len(made) <= AT_ONCE

    asyncio.run(ask())
    assert max(most) == AT_ONCE


def test_nothing_found_is_told_with_its_reason(opened, usual, answer):
    """A panel without figures says why: the query's own note, a bank that is not known, or that there was nothing."""
    found = {"answer": answer([], decisions="UInt64")}

    def answers(sql):
        return usual(sql) if sql.startswith("SELECT DISTINCT") else found["answer"]

    with opened(answers) as browser:
        assert browser.get(one()).json()["why"].startswith("Nothing in this range")
        assert browser.get(one() + "&var-tenant=nobody").json()["why"] == "Bank “nobody” is not in the warehouse."
        assert "…”" in browser.get(one() + "&var-tenant=" + "n" * 300).json()["why"]
        found["answer"] = answer([(float("nan"), "the bundle has no reference")], psi="Float64", note="String")
        assert browser.get(one()).json()["why"] == "the bundle has no reference"
        found["answer"] = answer([(0.5, "approved only")], psi="Float64", note="String")
        got = browser.get(one()).json()
        assert (got["why"], got["notes"], got["rows"]) == (None, ["approved only"], [[0.5]])
        application = one("application-story", "loanstream-application")
        found["answer"] = answer([], at="DateTime64(3)", what="String")
        assert browser.get(application).json()["why"] == "Choose first: Application, above."
        assert browser.get(application + "&var-application=A-1").json()["why"] == "Nothing here about “A-1”."


def test_a_count_of_nought_is_a_figure(opened, usual, answer):
    """No decision in an hour is what a risk officer must see, not an empty panel."""
    with opened(lambda sql: usual(sql) if "DISTINCT" in sql else answer([(0,)], decisions="UInt64")) as browser:
        assert browser.get(one()).json()["rows"] == [[0]]


def test_values_come_as_json_has_them(opened, usual, answer):
    """Times are UTC, what is no number is null, an amount is a number, a list is a text."""
    values = (
        datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - as drivers give the time of a column without a zone
        date(2026, 1, 2),
        float("inf"),
        Decimal("1.50"),
        ["a", "b"],
        b"x",
        None,
        7,
        "a" * 3000,
    )
    types = (
        "DateTime('UTC')",
        "Date",
        "Float64",
        "Decimal(18, 2)",
        "Array(String)",
        "FixedString(1)",
        "Nullable(String)",
        "UInt8",
        "String",
    )
    columns = {f"c{place}": name for place, name in enumerate(types)}
    with opened(lambda sql: usual(sql) if "DISTINCT" in sql else answer([values], **columns)) as browser:
        got = browser.get(one()).json()
    assert got["rows"] == [[1767323045000, 1767312000000, None, 1.5, "a, b", "x", None, 7, "a" * 2000 + "…"]]
    assert [column["type"] for column in got["columns"]] == [
        "time",
        "time",
        "number",
        "number",
        "text",
        "text",
        "text",
        "number",
        "text",
    ]


def test_a_large_answer_is_cut_and_says_so(opened, usual, answer):
    """A page stays usable where a query finds a hundred thousand rows."""
    with opened(
        lambda sql: usual(sql) if "DISTINCT" in sql else answer([(n,) for n in range(9000)], a="UInt64")
    ) as browser:
        got = browser.get(one()).json()
    assert len(got["rows"]) == ROWS_MOST
    assert got["notes"] == [f"Only the first {ROWS_MOST} rows are shown."]


WRONG = {
    "from=now-1h&to=now-2h": "ends before it begins",
    "from=5&to=5": "ends before it begins",
    "from=yesterday": "is not understood",
    "from=now-1y": "is not understood",
    "from=-5": "is not understood",
    "from=1e9": "is not understood",
    "from=%00": "is not understood",
    "to=": "is not understood",
    "&".join(f"var-tenant={n}" for n in range(501)): "more than 500 values of Bank",
}


@pytest.mark.parametrize("asked", WRONG)
def test_a_choice_that_makes_no_sense_is_told(opened, usual, asked):
    """A mistyped address says what is expected."""
    with opened(usual) as browser:
        assert WRONG[asked] in browser.get(one() + asked).json()["error"]


def test_a_query_with_a_mistake_is_told_in_its_panel(opened, usual):
    """A macro that is unknown is a fault of ours, and of one panel."""
    bad = Panel("bad", "Bad", "?", "variable_tenant", "stat", unit="short")
    board = Dashboard("b", "B", "?", (Section("S", (bad,)),), variables=("application",), marks=())
    unknown = Dashboard(
        "u", "U", "?", (Section("S", (Panel("p", "P", "?", "decisions_made", "stat"),)),), variables=(), marks=()
    )
    with opened(usual, dashboards={"b": board, "u": unknown}) as browser:
        assert browser.get("/api/b/panels/bad").json()["rows"] == [["adria"], ["borealis"]]
        assert browser.get("/api/u/panels/p").json()["error"] == AT_FAULT
        assert "no such panel" in browser.get("/api/b/panels/none").json()["error"]
        assert browser.get("/api/none/panels/none").status_code == 404


def test_times_are_grafanas():
    """Its words, and its round intervals."""
    hour = 3_600_000
    assert window("now-1h", "now", 100, now_ms=10 * hour).interval_ms == 30_000
    assert window("0", str(24 * hour), 100).interval_ms == 900_000
    assert window("0", "now", 400, now_ms=1 << 60).to_ms == ((1 << 32) - 1) * 1000
    assert window("0", "99999999999999", 1).interval_ms == 31_536_000_000
    assert window("now-90d", "now", 10**9).interval_ms == window("now-90d", "now", 2000).interval_ms
    with pytest.raises(NoTime):
        window("now", "now")


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_dashboards_own_time_and_layout_can_be_shown(uid):
    """Every dashboard opens: its time is understood, its rows fill no more than 24 columns, its kinds and units are drawn."""
    board = DASHBOARDS[uid]
    window(board.since, "now")
    units = Assets().find(Assets().version, "units.js").content.decode()
    sheet = Assets().find(Assets().version, "preview.css").content.decode()
    for section in board.sections:
        for row in rows(section.panels):
            assert sum(panel.width for panel in row) <= 24
    for panel in board.panels():
        assert f".w{panel.width} " in sheet
        assert f".h{panel.height} " in sheet
        for unit in (panel.unit, *(unit for _, unit in panel.units)):
            assert f"\n  {unit}:" in units or f"\n  {unit}," in units
        for _, leads in panel.links:
            assert leads in DASHBOARDS


def test_a_pinned_preview_shows_no_question_that_cannot_be_narrowed(opened, usual):
    """What is of all banks together is the operator's: a bank's own preview says so, and asks nothing."""
    with opened(usual, tenant="adria") as browser:
        got = browser.get(one("flow-workers", "loanstream-flow")).json()
        assert got["why"] == FOR_THE_OPERATOR
        assert not any("service_metrics" in sql for sql in browser.warehouse.asked)


def test_a_pinned_preview_leaves_out_rows_of_others(opened, usual, answer):
    """Should a query bring another bank's row, it is not shown."""
    rows = [("adria", 1), ("borealis", 2), ("", 3)]
    with opened(
        lambda sql: usual(sql) if "DISTINCT" in sql else answer(rows, tenant="String", n="UInt8"), tenant="adria"
    ) as browser:
        assert browser.get(one("today-by-bank")).json()["rows"] == [["adria", 1]]


PRYING = [
    "var-tenant=borealis", "var-tenant=$__all", "var-tenant=adria&var-tenant=borealis", "var-tenant=%27%29%20OR%20%28%271%27%3D%271",
    "tenant=borealis", "VAR-TENANT=borealis", "var-tenant[]=borealis", "var-bundle=%27%29%20OR%20tenant%20IN%20%28%27borealis",
    "var-application=%5C%27%20OR%20tenant%3D%27borealis", "from=0&to=now%27%20OR%201", "points=borealis",
]  # fmt: skip


@pytest.mark.parametrize("asked", PRYING)
def test_a_pinned_preview_asks_of_its_bank_alone(opened, usual, asked):
    """Whatever stands in the address, the bank in every question is the one that the preview was started for."""
    with opened(usual, tenant="adria") as browser:
        for panel in DASHBOARDS[TODAY].panels():
            browser.get(f"/api/{TODAY}/panels/{panel.id}?{asked}")
        assert browser.get(f"/api/{TODAY}/variables?{asked}").json().get("options", {"tenant": [["adria", "adria"]]})[
            "tenant"
        ] == [["adria", "adria"]]
        browser.get(f"/api/{TODAY}/marks?{asked}")
        questions = browser.warehouse.asked
    assert not any("DISTINCT tenant" in sql for sql in questions)
    for sql in questions:
        asked_of = TENANTS.findall(TEXT.sub(lambda text: text[0] if text[0] == "'adria'" else "''", sql))
        assert asked_of
        assert set(asked_of) == {"'adria'"}
