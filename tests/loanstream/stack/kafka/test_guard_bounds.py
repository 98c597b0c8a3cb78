"""What a client without any proof may make the broker hold."""

import re

from loanstream.stack.kafka.archive import JAVA_FLAGS
from loanstream.stack.kafka.guard import PROPERTIES
from loanstream.stack.table import WORKERS


def test_logins_that_prove_nothing_do_not_fill_the_heap() -> None:
    """As many clients as may connect, each with the longest login it may announce, fill less than a tenth of it."""
    heap_mb = next(int(found[1]) for flag in JAVA_FLAGS if (found := re.fullmatch(r"-Xmx(\d+)m", flag)))
    each = int(PROPERTIES["sasl.server.max.receive.size"])
    assert each * int(PROPERTIES["listener.name.oauth.max.connections"]) < heap_mb * 1024 * 1024 / 10


def test_a_login_with_the_longest_token_is_taken() -> None:
    """A token server's tokens are below 16 KB."""
    assert int(PROPERTIES["sasl.server.max.receive.size"]) > 2 * 16 * 1024


def test_the_stages_listener_is_not_bounded_by_who_shows_tokens() -> None:
    """No bound is for all listeners together: whoever fills one leaves the workers theirs."""
    assert not {"max.connections", "max.connections.per.ip"} & set(PROPERTIES)


def test_each_listener_has_a_bound_and_the_stages_have_room() -> None:
    """As many workers as `up` starts at most, each with its dozen connections, fit; the process may have that many files."""
    bounds = {
        name: int(PROPERTIES[f"listener.name.{name}.max.connections"]) for name in ("oauth", "internal", "controller")
    }
    assert bounds["internal"] >= 32 * len(WORKERS) * 12
    assert sum(bounds.values()) < 4096
