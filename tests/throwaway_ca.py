"""A certificate of localhost for the servers that tests start, signed by a CA that is thrown away with it."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAMES = {name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("ca", "localhost")}


@dataclass(frozen=True)
class Tls:
    """The files of a server's certificate, and of the CA that vouches for it."""

    ca: Path
    cert: Path
    key: Path


def make_tls(folder: Path) -> Tls:
    """A CA, and a certificate for localhost that it signed, in a folder."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in NAMES}
    now = dt.datetime.now(dt.UTC)

    def signed(name: str, extension: x509.ExtensionType, *, critical: bool) -> bytes:
        builder = x509.CertificateBuilder(issuer_name=NAMES["ca"], subject_name=NAMES[name])
        builder = builder.public_key(keys[name].public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(extension, critical=critical)
        return builder.sign(keys["ca"], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    host = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    tls = Tls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    tls.ca.write_bytes(signed("ca", x509.BasicConstraints(ca=True, path_length=0), critical=True))
    tls.cert.write_bytes(signed("localhost", host, critical=False))
    tls.key.write_bytes(
        keys["localhost"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tls
