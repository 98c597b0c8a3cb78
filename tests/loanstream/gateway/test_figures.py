"""The gateway tells until when its certificates are good."""

import asyncio

import pytest

from loanstream.gateway.figures import told
from loanstream.stack.pki import Pki
from processors.expiry import CERTIFICATE, EXPIRES, SERVER_CERTIFICATE, expiry
from schemas.access import GATEWAY, Grant, access
from schemas.topics import TOPICS


def test_the_served_certificate_is_told_beside_its_own(tmp_path):
    """What clients see ends on its own day; who has no certificate for Kafka tells of the served one alone."""
    made = Pki(tmp_path / "keys", tmp_path / "tls")
    made.make()
    leaf = made.leaf("stage-score")
    both = expiry({"ssl.certificate.location": str(leaf)}, lambda: 0.0, served=leaf)()
    assert [(figure.name, figure.labels["what"]) for figure in both] == [
        (EXPIRES, CERTIFICATE),
        (EXPIRES, SERVER_CERTIFICATE),
    ]
    assert [figure.labels["what"] for figure in expiry({}, served=leaf)()] == [SERVER_CERTIFICATE]
    assert expiry({}, served=tmp_path / "missing.pem")() == []


@pytest.mark.parametrize("fails", [False, True])
def test_figures_are_told_again_and_again(fails):
    """One time that fails is not the last, and the gateway's end ends it."""
    asked = []

    def publish():
        asked.append(1)
        if fails:
            raise OSError("no broker")

    async def serve():
        async with told(publish, every_s=0.01):
            await asyncio.sleep(0.2)
        return len(asked)

    count = asyncio.run(serve())
    assert count > 2
    assert len(asked) == count


def test_a_gateway_may_write_its_figures():
    """And nobody's dead letters of them."""
    grants = access(["bank-a"])[GATEWAY]
    assert Grant("topic", TOPICS["metrics"].name(), "WRITE") in grants
