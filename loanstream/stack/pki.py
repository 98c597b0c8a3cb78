"""The embedded stack's certificates: a private CA made at the first start, and leaves for who proves himself by one.

A leaf's common name is its principal at the broker. Key and certificate stand in one file (0600) beside the other keys,
which Kafka, librdkafka and a web server all take; no key has a password, for that would stand on a command line.
What is missing, damaged, near its end or of another CA is made anew: nothing was ever written under these keys.
"""

import ipaddress
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from schemas.access import ADMIN_NAME, GATEWAY, stage_principal
from schemas.stages import STAGES
from stores.private_files import private_directory, write_private, write_public

CA_DAYS, LEAF_DAYS = 3650, 825
RENEWED_BEFORE_END_DAYS = 275
"""A certificate that ends sooner is made anew at a start: a stack may run so long without one."""
SKEW = timedelta(hours=1)
"""A certificate holds from a little before it was made: clocks differ."""

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
BROKER, AUTH = "broker", "auth"

LEAVES: Mapping[str, tuple[x509.ObjectIdentifier, ...]] = {
    # common name: what its certificate is for
    BROKER: (SERVER, CLIENT),  # it is its own controller's client
    AUTH: (SERVER,),
    GATEWAY: (SERVER, CLIENT),  # it serves banks, and is the broker's client
    ADMIN_NAME: (CLIENT,),
    **{stage_principal(stage): (CLIENT,) for stage in STAGES},
}

_AUTHORITY = "loanstream embedded CA"
HERE = ("localhost", "127.0.0.1")
"""What a server is called by whoever runs on the same machine."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pki:
    """The certificates of one state: private keys in `keys`, the CA's certificate in `tls`.

    A server's names, beside those of HERE, stand in `hosts`.
    """

    keys: Path
    tls: Path
    now: Callable[[], datetime] = _now
    leaves: Mapping[str, tuple[x509.ObjectIdentifier, ...]] = field(default_factory=lambda: LEAVES)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def ca(self) -> Path:
        """The CA's certificate, which clients are to trust (PEM)."""
        return self.tls / "ca.pem"

    def leaf(self, name: str) -> Path:
        """A leaf's private key (PKCS#8) and its certificate, in one file (PEM)."""
        return self.keys / f"tls-{name}.pem"

    def make(self) -> None:
        """Make what is missing or near its end. OSError where it cannot be written."""
        private_directory(self.keys)
        self.tls.mkdir(parents=True, exist_ok=True, mode=0o755)
        authority = self._authority()
        for name, uses in self.leaves.items():
            if not self._holds(self.leaf(name), authority[1], name, uses):
                self._make_leaf(name, uses, authority)

    @property
    def _ca_key(self) -> Path:
        return self.keys / "tls-ca.pem"

    def _authority(self) -> "Held":
        held = _read(self._ca_key)
        if held is None or not self._lasts(held[1]):
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = self._signed(_AUTHORITY, key, key, _AUTHORITY, CA_DAYS, _AUTHORITY_EXTENSIONS)
            held = key, certificate
            write_private(self._ca_key, _pem(*held))
        public = held[1].public_bytes(serialization.Encoding.PEM)
        if not self.ca.exists() or self.ca.read_bytes() != public or stat.S_IMODE(self.ca.stat().st_mode) != 0o644:
            write_public(self.ca, public)
        return held

    def _make_leaf(self, name: str, uses: tuple[x509.ObjectIdentifier, ...], authority: "Held") -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage(uses), False),
            *([(self._names(name), False)] if SERVER in uses else []),
        ]
        certificate = self._signed(name, key, authority[0], _AUTHORITY, LEAF_DAYS, extensions)
        write_private(self.leaf(name), _pem(key, certificate))

    def _signed(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        issuer: str,
        days: int,
        extensions: "Extensions",
    ) -> x509.Certificate:
        now = self.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - SKEW)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(signer, hashes.SHA256())

    def _holds(
        self, path: Path, authority: x509.Certificate, name: str, uses: tuple[x509.ObjectIdentifier, ...]
    ) -> bool:
        held = _read(path)
        if held is None or not self._lasts(held[1]) or held[1].subject != _name(name):
            return False
        try:
            held[1].verify_directly_issued_by(authority)
            found = held[1].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            names = (
                held[1].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
                if SERVER in uses
                else None
            )
        except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
            return False
        return tuple(found) == uses and names in (None, self._names(name))

    def _names(self, name: str) -> x509.SubjectAlternativeName:
        return x509.SubjectAlternativeName([_host(each) for each in dict.fromkeys((*HERE, *self.hosts.get(name, ())))])

    def _lasts(self, certificate: x509.Certificate) -> bool:
        left = certificate.not_valid_after_utc - self.now()
        return left > timedelta(days=RENEWED_BEFORE_END_DAYS)


Held = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]
Extensions = list[tuple[x509.ExtensionType, bool]]

_AUTHORITY_EXTENSIONS: Extensions = [
    (x509.BasicConstraints(ca=True, path_length=0), True),
    (
        x509.KeyUsage(
            key_cert_sign=True,
            crl_sign=True,
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        ),
        True,
    ),
]


def _host(name: str) -> x509.GeneralName:
    """A host's name, or its address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _read(path: Path) -> Held | None:
    """What stands in a file of ours; None where it is absent or damaged."""
    try:
        data = path.read_bytes()
        key, certificate = serialization.load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return key, certificate
