"""Every page of the preview in a headless Chromium, as a risk officer and as a telephone see it."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import chromium
import made_up
import pytest
import uvicorn
from clickhouse_connect.driver.exceptions import OperationalError

from dashboards.all import DASHBOARDS
from dashboards.panels import Dashboard, Panel, Section
from dashboards.preview.app import create_app
from dashboards.preview.serve import listener

STATES = "[...document.querySelectorAll('.panel')].map(p => [p.id, p.dataset.state, p.querySelector('.body').innerText.trim()])"
DRAWN = {"stat": "figure", "table": "<td", "timeseries": "scatterlayer", "barchart": "barlayer"}
"""What a panel of each kind holds where figures came."""
LOOKS = [(1280, "light"), (390, "dark")]


@contextmanager
def served(connect, tenant=None, **options) -> Iterator[str]:
    """The preview on a free port of loopback; its address."""
    with listener(0) as listening:
        server = uvicorn.Server(
            uvicorn.Config(create_app(connect, tenant, **options), log_level="warning", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://localhost:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Chromium]:
    with chromium.Chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(filled) -> Iterator[str]:
    with served(lambda: filled.client("reader")) as found:
        yield found


@pytest.fixture(scope="module")
def application(filled) -> str:
    with closing(filled.client()) as client:
        return made_up.ids(client, "adria")[0]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("uid", DASHBOARDS)
def test_every_panel_shows_figures_or_says_why_not(browser, address, application, uid, width, scheme):
    """No page writes an error, is wider than its screen, or has a panel that stays silent."""
    browser.look(width, 900, scheme)
    browser.open(f"{address}/d/{uid}?var-application={application}&from=now-30d&to=now")
    assert browser.said == []
    assert browser.run("document.documentElement.dataset.theme") == scheme
    assert browser.run("document.documentElement.scrollWidth") <= width
    states = browser.run(STATES)
    assert [name for name, _, _ in states] == [panel.id for panel in DASHBOARDS[uid].panels()]
    for name, state, text in states:
        assert state in ("drawn", "empty"), (name, text)
        assert text, name
    for panel in DASHBOARDS[uid].panels():
        drawn = browser.run(f"document.querySelector('#{panel.id}[data-state=drawn] .body')?.innerHTML")
        assert drawn is None or DRAWN[panel.kind] in drawn, panel.id


def test_a_bank_is_chosen_and_the_address_holds_it(browser, address):
    """A choice is asked for at once, stands in the address, and goes with the reader to another dashboard."""
    browser.look()
    browser.open(f"{address}/d/loanstream-today?from=now-7d&to=now")
    everything = browser.run("document.querySelector('#today-decisions .figure strong').title")
    browser.run(
        "document.querySelector('#var-tenant summary').click(); document.querySelector('#var-tenant [value=cassia]').click()"
    )
    browser.wait(f"document.querySelector('#today-decisions .figure strong').title !== '{everything}'")
    assert "var-tenant=cassia" in browser.run("location.search")
    assert "from=now-7d" in browser.run("location.search")
    links = browser.run("[...document.querySelectorAll('a[data-dashboard]')].map(a => a.href)")
    assert all("var-tenant=cassia" in link for link in links)
    browser.wait("document.querySelectorAll('#today-by-bank tbody tr').length === 1")
    assert browser.run("document.querySelector('#today-by-bank td').innerText") == "cassia"


def test_a_row_leads_to_its_application(browser, address, application):
    """From the latest decisions to the whole story of one, in the same time."""
    browser.look()
    browser.open(f"{address}/d/loanstream-today?from=now-24h&to=now&var-tenant=adria")
    link = browser.run("document.querySelector('#today-latest tbody a').href")
    assert "/d/loanstream-application?" in link
    assert f"var-application={application}" in link
    assert "var-tenant=adria" in link
    browser.open(link)
    rows = browser.run("[...document.querySelectorAll('#application-story tbody tr')].map(r => r.innerText)")
    assert any("decided" in row for row in rows)


def test_a_table_is_sorted_by_the_heading_that_is_pressed(browser, address):
    """Once the greatest comes first, twice the smallest."""
    browser.look()
    browser.open(f"{address}/d/loanstream-today?from=now-30d&to=now")
    press = "[...document.querySelectorAll('#today-by-bank th')].find(h => h.innerText.startsWith('decisions')).querySelector('button').click()"
    banks = "[...document.querySelectorAll('#today-by-bank tbody tr')].map(r => r.cells[0].innerText)"
    browser.run(press)
    assert browser.run(banks) == ["adria", "borealis", "cassia"]
    browser.run(press)
    assert browser.run(banks) == ["cassia", "borealis", "adria"]
    assert browser.run("document.querySelector('#today-by-bank th[aria-sort=ascending]').innerText").startswith(
        "decisions"
    )


def test_the_theme_is_chosen_and_kept(browser, address):
    """Light or dark is the system's until somebody says otherwise; charts follow."""
    browser.look(scheme="light")
    browser.open(f"{address}/d/loanstream-today")
    browser.run("document.getElementById('theme').click()")
    assert browser.run("document.documentElement.dataset.theme") == "dark"
    browser.open(f"{address}/d/loanstream-flow")
    assert browser.run("document.documentElement.dataset.theme") == "dark"
    browser.run("localStorage.clear()")


def test_marks_stand_on_every_chart(browser, address):
    """Where a model or policy changed there is a line, with who and why."""
    browser.look()
    browser.open(f"{address}/d/loanstream-approvals?from=now-30d&to=now")
    told = browser.run(
        "document.querySelector('#approvals-outcomes .chart, .timeseries .chart').layout.annotations.map(a => a.hovertext).join('|')"
    )
    assert "Activation by mara" in told
    assert "trained on the third quarter" in told


def test_a_warehouse_that_is_away_is_told_in_every_panel(browser):
    """The page stands, each panel says so, and none breaks."""

    def away():
        raise OperationalError("connection refused")

    with served(away) as address:
        browser.look()
        browser.open(f"{address}/d/loanstream-today")
        states = browser.run(STATES)
    assert browser.said == []
    assert len(states) == len(list(DASHBOARDS["loanstream-today"].panels()))
    assert {(state, "does not answer" in text) for _, state, text in states} == {("error", True)}


def test_a_page_of_one_bank_offers_no_other(browser, filled):
    """Pinned, the list of banks is that bank."""
    with served(lambda: filled.client("reader"), "adria") as address:
        browser.look()
        browser.open(f"{address}/d/loanstream-today?var-tenant=borealis&from=now-30d&to=now")
        assert browser.run("document.querySelector('.pin').innerText") == "adria"
        assert "borealis" not in browser.run("document.body.innerText")
        assert browser.run("document.querySelectorAll('#today-by-bank tbody tr').length") == 1


def test_a_page_asks_again_by_itself(browser, address):
    """A risk officer leaves it open, and sees what comes."""
    browser.look()
    browser.open(f"{address}/d/loanstream-quality?refresh=1s")
    asked = "performance.getEntriesByType('resource').filter(e => e.name.includes('/panels/quality-waiting')).length"
    browser.wait(f"{asked} >= 3")
    assert browser.said == []


def test_a_part_of_a_chart_is_looked_at_closer(browser, address):
    """Drawn across with the mouse, that time is what every panel shows."""
    browser.look()
    browser.open(f"{address}/d/loanstream-approvals?from=now-30d&to=now&refresh=off")
    box = browser.run(
        "(b => [b.left, b.top, b.width, b.height])(document.querySelector('.timeseries .nsewdrag').getBoundingClientRect())"
    )
    y = box[1] + box[3] / 2
    for kind, share in (("mousePressed", 0.25), ("mouseMoved", 0.4), ("mouseMoved", 0.5), ("mouseReleased", 0.5)):
        x = box[0] + box[2] * share
        browser.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
    browser.wait("new URLSearchParams(location.search).get('from').length > 10")
    begins, ends = (int(browser.run(f"new URLSearchParams(location.search).get('{name}')")) for name in ("from", "to"))
    assert ends - begins == pytest.approx(7.5 * 86_400_000, rel=0.05)


def test_a_figure_over_time_has_its_line_below(browser, fake, answer):
    """A stat whose query brings moments shows the last of them, over a small line; red says what to do."""
    rows = [(datetime(2026, 1, day, tzinfo=UTC), day * 10) for day in range(1, 9)]
    panel = Panel("p", "P", "?", "decisions_made", "stat", thresholds=((50, "red"),), when_red="Call the bank.")
    board = Dashboard("b", "B", "?", (Section("S", (panel,)),), variables=("tenant", "bundle", "policy"), marks=())
    empty = answer([], tenant="String")
    found = answer(rows, time="DateTime('UTC')", decisions="UInt64")
    with served(lambda: fake(lambda sql: empty if "DISTINCT" in sql else found), dashboards={"b": board}) as address:
        browser.open(f"{address}/d/b")
        assert browser.run("document.querySelector('.figure').innerText").split("\n") == ["80", "Call the bank."]
        assert (
            browser.run("document.querySelector('.sparkline polyline').getAttribute('points').split(' ').length") == 8
        )
        assert browser.said == []


@pytest.mark.parametrize("kind", ["timeseries", "barchart"])
def test_a_value_below_nought_is_seen(browser, fake, answer, kind):
    """A difference that falls is drawn below the line, not cut off at it."""
    rows = [(datetime(2026, 1, day, tzinfo=UTC), 0.1 - day / 50) for day in range(1, 9)]
    panel = Panel("p", "P", "?", "decisions_made", kind, unit="percentunit", width=24)
    board = Dashboard("b", "B", "?", (Section("S", (panel,)),), variables=("tenant", "bundle", "policy"), marks=())
    empty, found = answer([], tenant="String"), answer(rows, time="DateTime('UTC')", difference="Float64")
    with served(lambda: fake(lambda sql: empty if "DISTINCT" in sql else found), dashboards={"b": board}) as address:
        browser.look()
        browser.open(f"{address}/d/b?from=1767225600000&to=1767916800000")
        low, high = browser.run("document.querySelector('.chart')._fullLayout.yaxis.range")
        assert low <= -0.06
        assert high >= 0.08
        assert browser.said == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_longest_bar_has_its_value_beside_it(browser, fake, answer, width):
    """Beside names as long as a reason's, on a phone too, no figure is cut off at the panel's edge."""
    panel = Panel("p", "P", "?", "decisions_made", "barchart", width=8)
    board = Dashboard("b", "B", "?", (Section("S", (panel,)),), variables=("tenant", "bundle", "policy"), marks=())
    rows = [("documents_contradict_income", 1_791), ("short_history", 7_840)]
    empty, found = answer([], tenant="String"), answer(rows, reason="String", decisions="UInt64")
    with served(lambda: fake(lambda sql: empty if "DISTINCT" in sql else found), dashboards={"b": board}) as address:
        browser.look(width, 900)
        browser.open(f"{address}/d/b")
        browser.wait("document.querySelectorAll('.bartext').length == 2")
        ends = "[...document.querySelectorAll('.bartext')].map(t => t.getBoundingClientRect().right)"
        assert max(browser.run(ends)) <= browser.run("document.querySelector('.chart').getBoundingClientRect().right")


def test_an_application_s_whole_name_is_seen_on_a_phone(browser, address, application):
    """The field that an id is written into is as wide as the screen."""
    browser.look(390, 844)
    browser.open(f"{address}/d/loanstream-application?var-tenant=adria&var-application={application}")
    assert browser.run("(i => i.scrollWidth <= i.clientWidth)(document.querySelector('.typed input'))")
    assert browser.run("document.querySelector('.typed').getBoundingClientRect().width") > 340


WIDE = {"application": "String", **{f"column_{number}": "String" for number in range(14)}}


def of_one_table(fake, answer, many):
    """A page with one table of fifteen columns and so many rows."""
    panel = Panel("p", "P", "?", "decisions_made", "table", width=12)
    board = Dashboard("b", "B", "?", (Section("S", (panel,)),), variables=("tenant", "bundle", "policy"), marks=())
    found = answer([(f"A-{row}", *["some words"] * 14) for row in range(many)], **WIDE)
    empty = answer([], tenant="String")
    return served(lambda: fake(lambda sql: empty if "DISTINCT" in sql else found), dashboards={"b": board})


def test_a_table_tells_what_is_out_of_sight(browser, fake, answer):
    """So many columns and rows are told below it, until they have been scrolled to."""
    with of_one_table(fake, answer, 40) as address:
        browser.look()
        browser.open(f"{address}/d/b")
        told = browser.run("document.querySelector('.cue').innerText")
        assert re.search(r"↓ \d\d more rows", told)
        assert re.search(r"→ \d+ more columns", told)
        assert browser.run("getComputedStyle(document.querySelector('.scroll')).maskImage").startswith(
            "linear-gradient"
        )
        browser.run("(s => s.scrollTo(s.scrollWidth, s.scrollHeight))(document.querySelector('.scroll'))")
        browser.wait("document.querySelector('.cue').innerText.includes('to the end')")
        assert browser.run("document.querySelector('td').getBoundingClientRect().left") >= 0
        assert browser.said == []


def test_a_row_is_a_card_where_it_does_not_fit(browser, fake, answer):
    """At a phone's width nothing lies to the right: each value stands below its heading, and cards can be sorted."""
    with of_one_table(fake, answer, 5) as address:
        browser.look(390, 844)
        browser.open(f"{address}/d/b")
        assert browser.run("(s => s.scrollWidth <= s.clientWidth)(document.querySelector('.scroll.cards'))")
        assert (
            browser.run("getComputedStyle(document.querySelector('td:nth-child(2)'), '::before').content")
            == '"column 0"'
        )
        assert browser.run("document.querySelector('td:nth-child(15)').getBoundingClientRect().right") <= 390
        browser.run(
            "(s => { s.value = '1'; s.dispatchEvent(new Event('change')) })(document.querySelector('.sorts select'))"
        )
        assert browser.run("document.querySelector('td').innerText") == "A-4"


def test_what_to_do_when_red_is_told_to_its_end(browser, fake, answer):
    """The narrowest panel grows with its advice: nothing of it is cut off."""
    panel = Panel("p", "P", "?", "decisions_made", "stat", thresholds=((1, "red"),), width=4, height=4,
        when_red="Open the page of dead letters, tell the bank whose they are, and send them back. " * 2)  # fmt: skip
    board = Dashboard("b", "B", "?", (Section("S", (panel,)),), variables=("tenant", "bundle", "policy"), marks=())
    empty, found = answer([], tenant="String"), answer([(5,)], decisions="UInt64")
    with served(lambda: fake(lambda sql: empty if "DISTINCT" in sql else found), dashboards={"b": board}) as address:
        for width in (1280, 390):
            browser.look(width, 900)
            browser.open(f"{address}/d/b")
            inside = "(a => a[1].bottom <= a[0].bottom && a[1].right <= a[0].right)(['.panel', '.figure small'].map(n => document.querySelector(n).getBoundingClientRect()))"
            assert browser.run(inside)
            assert browser.run("(s => s.scrollHeight <= s.clientHeight)(document.querySelector('.figure small'))")


def test_an_application_has_no_time_to_choose(browser, address, application):
    """Its story is whole: no control that changes nothing, and bank and revision stand once."""
    browser.look()
    browser.open(f"{address}/d/loanstream-application?var-tenant=adria&var-application={application}")
    assert browser.run("document.querySelector('#range')") is None
    heads = "[...document.querySelectorAll('#%s th .name')].map(h => h.innerText)"
    assert {"bank", "revision"} <= set(browser.run(heads % "application-decisions"))
    for name in ("reasons", "claims", "checks", "documents"):
        assert not {"bank", "revision"} & set(browser.run(heads % f"application-{name}")), name
