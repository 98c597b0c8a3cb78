"""A frozen warehouse is told in seconds, and a slow query is waited for."""

import time

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from stores.warehouse import watched
from stores.warehouse.watched import WarehouseSilent, WatchedClient, within


class Server:
    """A warehouse whose queries take `query_s` seconds, and whose pings `ping_s`."""

    def __init__(self, query_s=0.0, ping_s=0.0, fault=None):
        self.query_s, self.ping_s, self.fault, self.closed = query_s, ping_s, fault, False

    def query(self, sql, parameters=None):
        time.sleep(self.query_s)
        if self.fault is not None:
            raise self.fault
        return sql, parameters

    def ping(self):
        time.sleep(self.ping_s)
        return True

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(watched, "_LOOK_S", 0.05)
    monkeypatch.setattr(watched, "_PING_S", 0.1)


def client(server):
    return WatchedClient(server, "http://somewhere:8123", answer_s=0.3)


def test_a_frozen_warehouse_is_told_by_its_address():
    """Neither the query nor the look whether it lives is answered: the command ends with one line."""
    begun = time.monotonic()
    with pytest.raises(WarehouseSilent, match="at http://somewhere:8123 does not answer: nothing was heard"):
        client(Server(query_s=5, ping_s=5)).query("SELECT 1")
    assert time.monotonic() - begun < 1.5


def test_a_slow_query_is_waited_for():
    """A server that lives may take its time."""
    assert client(Server(query_s=1)).query("SELECT 1", parameters={"a": 1}) == ("SELECT 1", {"a": 1})


def test_a_fault_comes_as_it_is():
    """What the server refuses is told in its own words, and the connection is given back as before."""
    server = Server(fault=DatabaseError("code: 164"))
    with pytest.raises(DatabaseError, match="164"):
        client(server).query("SELECT 1")
    client(server).close()
    assert server.closed


def test_a_warehouse_that_does_not_let_in_is_told():
    """A connection that is taken and never answered is no wait for ever, either."""
    with pytest.raises(WarehouseSilent):
        within(lambda: time.sleep(5), "http://somewhere:8123", answer_s=0.1)
