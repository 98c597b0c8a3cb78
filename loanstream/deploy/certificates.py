"""Certificates for the services of docker-compose.yml: `python -m loanstream.deploy.certificates --host localhost`.

One private CA, whose key stays in AUTHORITY, and for each service a directory with its own leaf alone. A service that
is broken into shows nobody else's face. It may run again: what is good stays, what is near its end is made anew.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from loanstream.stack.pki import CLIENT, SERVER, Pki
from schemas.access import ADMIN_NAME, stage_principal
from schemas.stages import STAGES
from stores.private_files import write_private, write_public

LEAF, CA, TRUSTSTORE = "tls.pem", "ca.pem", "ca.p12"
AUTHORITY = "authority"
"""The directory with the CA's key. No service mounts it."""

OURS, KAFKA, KEYCLOAK, CLICKHOUSE, GRAFANA = 10001, 1000, 1000, 101, 472
"""The numbers of the users that the images run as: a private key is its service's alone."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service's leaf: its common name, what it is for, who owns it. With `java` it gets a truststore for a JVM."""

    name: str
    uses: tuple[x509.ObjectIdentifier, ...]
    owner: int
    java: bool = False


SERVICES: Mapping[str, Service] = {
    **{f"kafka-{n}": Service(f"kafka-{n}", (SERVER, CLIENT), KAFKA, java=True) for n in (1, 2, 3)},
    "keycloak": Service("keycloak", (SERVER,), KEYCLOAK),
    "clickhouse": Service("clickhouse", (SERVER,), CLICKHOUSE),
    "grafana": Service("grafana", (SERVER,), GRAFANA),
    "gateway": Service("gateway", (SERVER, CLIENT), OURS),
    "install": Service(ADMIN_NAME, (CLIENT,), OURS),
    **{stage: Service(stage_principal(stage), (CLIENT,), OURS) for stage in STAGES},
}
"""By their names in docker-compose.yml, which are the hosts' names, too."""


def make(root: Path, hosts: Sequence[str], own: Callable[[Path, int], None]) -> None:
    """Make what is missing below `root`; servers are called as their services are, and `hosts`. OSError.

    `own` gives a file to a user.
    """
    pki = Pki(
        root / AUTHORITY / "keys",
        root / AUTHORITY / "tls",
        leaves={service.name: service.uses for service in SERVICES.values()},
        hosts={service.name: (place, *hosts) for place, service in SERVICES.items()},
    )
    pki.make()
    ca = pki.ca.read_bytes()
    for place, service in SERVICES.items():
        directory = root / place
        directory.mkdir(mode=0o755, exist_ok=True)
        write_public(directory / CA, ca)
        write_private(directory / LEAF, pki.leaf(service.name).read_bytes())
        own(directory / LEAF, service.owner)
        if service.java:
            write_public(directory / TRUSTSTORE, truststore(ca))


def truststore(ca: bytes) -> bytes:
    """A PKCS #12 truststore that a JVM opens without a password: it holds nothing but the CA's certificate (PEM)."""
    return serialize_java_truststore(
        [PKCS12Certificate(x509.load_pem_x509_certificate(ca), b"loanstream")], NoEncryption()
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="loanstream.deploy.certificates", description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("/pki"), help="a directory for each service")
    parser.add_argument("--host", action="append", default=[], help="what clients call the servers; may be repeated")
    asked = parser.parse_args(arguments)
    try:
        make(asked.into, tuple(asked.host), lambda path, owner: os.chown(path, owner, owner))
    except OSError as error:
        sys.stderr.write(f"loanstream: certificates cannot be written below {asked.into}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
