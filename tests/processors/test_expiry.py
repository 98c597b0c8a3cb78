"""Workers tell when their certificate ends."""

from datetime import timedelta

import pytest
from cryptography import x509

from loanstream.stack.pki import Pki
from processors.expiry import CERTIFICATE, EXPIRES, expiry


@pytest.fixture
def leaf(tmp_path):
    """A worker's key and certificate in one file, as the embedded stack has them."""
    made = Pki(tmp_path / "keys", tmp_path / "tls")
    made.make()
    return made.leaf("stage-score")


def ends(path):
    return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc


@pytest.mark.parametrize("where", ["ssl.certificate.location", "ssl.certificate.pem"])
@pytest.mark.parametrize("days", [1, -1])
def test_the_seconds_that_are_left_are_told(leaf, where, days):
    """A day before its end a certificate has a day, a day after it less than nothing."""
    setting = {where: str(leaf) if where.endswith("location") else leaf.read_text()}
    now = (ends(leaf) - timedelta(days=days)).timestamp()
    (figure,) = expiry(setting, lambda: now)()
    assert (figure.name, figure.labels) == (EXPIRES, {"what": CERTIFICATE})
    assert figure.value == pytest.approx(days * 86_400)


def test_a_renewed_file_counts_from_the_next_start(leaf):
    """The client has read the old one: a file that changes under it changes nothing."""
    end = ends(leaf).timestamp()
    told = expiry({"ssl.certificate.location": str(leaf)}, lambda: end - 60)
    leaf.write_text("renewed")
    assert told()[0].value == 60


@pytest.mark.parametrize("settings", [{}, {"ssl.certificate.location": "/missing.pem"}, {"ssl.certificate.pem": "x"}])
def test_a_client_without_a_certificate_tells_nothing(settings):
    """A password, a token, a file that cannot be read: there is no end to tell, and no worker stops for it."""
    assert expiry(settings)() == []
