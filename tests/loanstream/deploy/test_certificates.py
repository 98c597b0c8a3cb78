"""The certificates of docker-compose.yml's services."""

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from loanstream.deploy.certificates import AUTHORITY, CA, LEAF, SERVICES, TRUSTSTORE, main, make
from loanstream.stack.pki import SERVER

HOSTS = ("bank.example", "192.0.2.7")


@pytest.fixture
def owners() -> dict[Path, int]:
    return {}


@pytest.fixture
def root(tmp_path: Path, owners: dict[Path, int]) -> Path:
    make(tmp_path, HOSTS, owners.__setitem__)
    return tmp_path


def leaf(root: Path, place: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((root / place / LEAF).read_bytes())


def test_a_server_is_called_as_its_service_is_and_as_clients_call_it(root: Path) -> None:
    """Inside by the service's name, outside by the machine's, and by itself on loopback; a client serves nowhere."""
    for place, service in SERVICES.items():
        found = [each.value for each in leaf(root, place).extensions if each.oid == x509.SubjectAlternativeName.oid]
        if SERVER not in service.uses:
            assert found == []
            continue
        assert found[0].get_values_for_type(x509.DNSName) == ["localhost", place, "bank.example"]
        assert [str(each) for each in found[0].get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "192.0.2.7"]


def test_each_service_gets_its_own_leaf_and_nobody_the_authoritys_key(root: Path) -> None:
    """What a service mounts holds one private key, its own; it belongs to the user of the service's image."""
    authority = x509.load_pem_x509_certificate((root / AUTHORITY / "tls" / CA).read_bytes())
    keys = set()
    for place, service in SERVICES.items():
        names = {path.name for path in (root / place).iterdir()}
        assert names == {LEAF, CA, TRUSTSTORE} if service.java else {LEAF, CA}
        leaf(root, place).verify_directly_issued_by(authority)
        assert leaf(root, place).subject.rfc4514_string() == f"CN={service.name}"
        key = load_pem_private_key((root / place / LEAF).read_bytes(), None)
        assert key.public_key() == leaf(root, place).public_key()
        assert key.public_key() != authority.public_key()
        keys.add(key.public_key().public_numbers())
    assert len(keys) == len(SERVICES)


def test_a_private_key_is_its_users_alone(root: Path, owners: dict[Path, int]) -> None:
    """Each leaf is 0600 and given away; what is public can be read by all."""
    assert owners == {root / place / LEAF: service.owner for place, service in SERVICES.items()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in owners} == {0o600}
    public = [path for place in SERVICES for path in (root / place).iterdir() if path.name != LEAF]
    assert {stat.S_IMODE(path.stat().st_mode) for path in public} == {0o644}
    assert all(b"PRIVATE" not in path.read_bytes() for path in public)


def test_a_jvm_finds_the_authority_without_a_password(root: Path) -> None:
    """The truststore holds the CA's certificate alone, and no password has to stand anywhere."""
    found = load_pkcs12((root / "kafka-1" / TRUSTSTORE).read_bytes(), None)
    assert found.key is None
    assert [each.certificate for each in found.additional_certs] == [
        x509.load_pem_x509_certificate((root / "kafka-1" / CA).read_bytes())
    ]


def test_a_second_run_changes_no_certificate(root: Path) -> None:
    """Services that run are not cut off by a second `up`."""
    before = {place: (root / place / LEAF).read_bytes() for place in SERVICES}
    make(root, HOSTS, lambda path, owner: None)
    assert {place: (root / place / LEAF).read_bytes() for place in SERVICES} == before


def test_another_host_gives_other_certificates_of_the_same_authority(root: Path) -> None:
    """A machine that is called otherwise gets servers' certificates for its name; clients keep theirs."""
    before = {place: (root / place / LEAF).read_bytes() for place in SERVICES}
    make(root, ("other.example",), lambda path, owner: None)
    changed = {place for place in SERVICES if (root / place / LEAF).read_bytes() != before[place]}
    assert changed == {place for place, service in SERVICES.items() if SERVER in service.uses}


def test_a_directory_that_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job's end says where it could not write."""
    (tmp_path / "file").touch()
    assert main(["--into", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("loanstream: certificates cannot be written below ")
