"""What a request may cost before anybody looks at it."""

import asyncio
import json

import pytest
from starlette.requests import Request

from processors.readers.text.reading import DOCUMENT_BYTES_MAX
from producers.gateway import limits, rates
from producers.gateway.app import Door
from producers.gateway.limits import Limits
from producers.gateway.rates import Buckets, Rate
from schemas.topics import APPLICATION_MAX_BYTES

MANY = Rate(1e6, 1e6)


def test_a_body_is_bounded_by_what_its_route_takes():
    """An application by its record, a document by what the readers take, all else by little."""
    assert limits.BODY_MOST["/v1/applications"] == limits.BODY_MOST["/v1/score"] == APPLICATION_MAX_BYTES
    assert limits.BODY_MOST["/v1/documents"] == DOCUMENT_BYTES_MAX
    assert limits.OTHER_BODY_MOST == 64 * 1024


class Reader:
    """An application that reads the whole body, and what it saw; `swallows` what goes wrong, as a framework may."""

    def __init__(self, swallows=False):
        self.swallows, self.came, self.asked = swallows, 0, 0

    async def __call__(self, scope, receive, send):
        self.asked += 1
        try:
            async for chunk in Request(scope, receive).stream():
                self.came += len(chunk)
        except Exception:
            if not self.swallows:
                raise
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"read"})


def asked(chunks, *, path="/v1/reviews", headers=(), app=None, client=("192.0.2.7", 1), addresses=None):
    """Status, headers and body of the answer to a request whose body comes as `chunks` (numbers are seconds)."""
    coming, sent = list(chunks), []

    async def receive():
        if coming and isinstance(coming[0], float):
            await asyncio.sleep(coming.pop(0))
        body = coming.pop(0) if coming else b""
        return {"type": "http.request", "body": body, "more_body": bool(coming)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": list(headers),
        "client": client,
        "scheme": "https",
    }
    app = app or Reader()
    asyncio.run(Limits(app, addresses or Buckets(MANY, "address"))(scope, receive, send))
    start, *bodies = sent
    body = b"".join(message.get("body", b"") for message in bodies)
    return start["status"], dict(start["headers"]), body


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize(
    ("path", "most"), [("/v1/reviews", 64 * 1024), ("/v1/applications", 1024 * 1024), ("/x", 65536)]
)
def test_a_body_is_counted_as_it_comes(path, most, swallows):
    """One byte more than a route takes is 413, whatever the framework makes of an end before the end."""
    app = Reader(swallows)
    assert asked([b"x" * 1000] * (most // 1000) + [b"x" * (most % 1000)], path=path, app=app)[0] == 200
    status, headers, body = asked([b"x" * (most // 2)] * 2 + [b"x" * (most % 2 + 1)], path=path, app=Reader(swallows))
    assert (status, headers[b"connection"]) == (413, b"close")
    assert json.loads(body)["errors"] == [{"field": "(body)", "expected": f"at most {most} bytes"}]
    endless = Reader(swallows)
    assert asked([b"x" * 65536] * 1000, path=path, app=endless)[0] == 413
    assert endless.came <= most


@pytest.mark.parametrize(
    "announced", [b"65537", b"104857600", b"9" * 18, b"9" * 5000, b"-1", b"1e3", b"0x10", b"", b" 5"]
)
def test_a_body_is_refused_by_what_it_announces(announced):
    """Before a byte of it is read, and before anybody is asked."""
    app = Reader()
    status, headers, _ = asked([b""], headers=[(b"content-length", announced)], app=app)
    assert (status, headers[b"content-type"], app.asked) == (413, b"application/problem+json", 0)


def test_a_body_that_announces_less_than_it_sends_is_counted_all_the_same():
    """What is announced is no permission."""
    assert asked([b"x" * 65536, b"x"], headers=[(b"content-length", b"5")])[0] == 413


@pytest.mark.parametrize("swallows", [False, True])
def test_a_slow_body_ends(monkeypatch, swallows):
    """A byte now and then holds no connection; a slow line with a large document has the time that it needs."""
    monkeypatch.setattr(limits, "BODY_WITHIN_S", 0.2)
    status, headers, body = asked([0.1, b"x"] * 20, app=Reader(swallows))
    assert (status, headers[b"connection"]) == (408, b"close")
    assert json.loads(body)["type"].endswith(":too-slow")
    assert asked([5.0, b"x"], app=Reader(swallows))[0] == 408
    paced = [0.1, b"x" * 16384] * 10
    assert asked(paced, path="/v1/documents", app=Reader(swallows))[0] == 200


def test_after_the_body_there_is_no_deadline(monkeypatch):
    """A request that waits for a decision may wait; a client that goes away meanwhile is noticed."""
    monkeypatch.setattr(limits, "BODY_WITHIN_S", 0.05)
    coming = [{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}]

    async def receive():
        if len(coming) == 1:
            await asyncio.sleep(0.2)
        return coming.pop(0)

    async def both():
        body = limits._Body(receive, 10)
        return await body.receive(), await body.receive()

    assert asyncio.run(both())[1] == {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-%d" % number, b"y") for number in range(65)],
        [(b"x", b"y" * 16 * 1024)],
        [(b"x", b"y" * 1000)] * 17,
    ],
)
def test_headers_are_bounded(headers):
    """In number and in size, with a status that says so."""
    status, _, body = asked([b""], headers=headers)
    assert status == 431
    assert json.loads(body)["errors"][0]["field"] == "(headers)"


def test_an_address_that_asks_too_often_waits_and_others_do_not():
    """429 with the seconds to wait, before any token is looked at; health is asked by whoever runs it."""
    buckets = Buckets(Rate(0.5, 3), "address")
    app = Reader()
    found = [asked([b""], addresses=buckets, app=app)[0] for _ in range(5)]
    assert found == [200, 200, 200, 429, 429]
    assert app.asked == 3
    status, headers, _ = asked([b""], addresses=buckets)
    assert (status, headers[b"retry-after"]) == (429, b"2")
    assert asked([b""], addresses=buckets, client=("192.0.2.8", 1))[0] == 200
    assert asked([b""], addresses=buckets, path="/healthz")[0] == 200


def test_a_network_of_ipv6_is_one_address():
    """Who has 2^64 addresses has one bucket."""
    buckets = Buckets(Rate(0.5, 3), "address")
    found = [asked([b""], addresses=buckets, client=(f"2001:db8::{number:x}", 1))[0] for number in range(5)]
    assert found == [200, 200, 200, 429, 429]
    assert asked([b""], addresses=buckets, client=("2001:db8:0:1::1", 1))[0] == 200


def test_a_bucket_fills_again():
    """At its pace, and to its size."""
    now = [0.0]
    buckets = Buckets(Rate(2, 4), "client", now=lambda: now[0])

    def taken():
        count = 0
        while True:
            try:
                buckets.take("one")
            except limits.ProblemError:
                return count
            count += 1

    assert taken() == 4
    now[0] += 1
    assert taken() == 2
    now[0] += 1000
    assert taken() == 4


def test_buckets_take_a_bounded_memory(monkeypatch):
    """However many addresses come."""
    monkeypatch.setattr(rates, "REMEMBERED", 100)
    buckets = Buckets(Rate(1, 2), "address")
    for number in range(10_000):
        buckets.take(str(number))
    assert len(buckets._left) == 100


def test_a_client_has_a_rate_of_its_own_over_all_its_tokens_and_addresses(make_door):
    """Counted after the token is verified: a forged one uses up nobody's."""
    door = make_door(door=Door(client_rate=Rate(0.5, 2)))

    def status(**claims):
        return door.ask("POST", "/v1/documents?kind=payslip", token=door.provider.token(**claims)).status_code

    forged = door.provider.token()[:-4] + "AAAA"
    assert {door.ask("POST", "/v1/documents?kind=payslip", token=forged).status_code for _ in range(5)} == {401}
    assert [status(jti=str(number)) for number in range(4)] == [415, 415, 429, 429]
    assert status(client_id="another", sub="another") == 415
    # the same name at another bank is another client
    assert status(tenant="bank-b") == 415
