"""Whether Kafka and the warehouse can be reached as settings say: a short look at each, and the fault in one sentence.

A client of either goes on trying for half a minute, and tells of it in its own words. Who looks here first knows within
seconds, and knows which setting to look at.
"""

import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.installation import Installation
from loanstream.settings import SETTINGS
from loanstream.stack.probe import answers
from schemas.problem import Problem

CONNECT_S = 2.0
ANSWER_S = 3.0
"""Enough for TLS, and for a token that has to be fetched first."""
ASK_S, HEAR_S = 0.5, 0.05
VARIABLES: Mapping[str, str] = {row.name: row.variable for row in SETTINGS}

AGAIN_S = 0.5
NO_CONNECTIONS = "takes no connections"
HELLO_S = 1.0
"""Of a handshake that only looks whether TLS is spoken at all."""

REFUSED = "_AUTHENTICATION"
"""Heard once it may be a rotation of keys, which refuses a good token for a moment: it is a fault when time is over."""
SPOKEN = "TLS is spoken here"
"""What a client without TLS would have to hear, and does not."""

HEARD: Mapping[str, str] = {
    SPOKEN: "speaks TLS, and security.protocol is neither SSL nor SASL_SSL",
    REFUSED: "refuses the credentials",
    # Named by whoever refuses it; a Java server calls none at all a bad one.
    r"alert (certificate required|bad certificate|unknown ca|certificate unknown|handshake failure)": (
        "asks for a certificate of the client, and gets none that it trusts"
    ),
    r"_SSL": "has a certificate that is not trusted, or does not speak TLS",
}
"""What a client of Kafka hears while it gets no answer (a pattern of the error's name and text) -> the fault, which is
rather the security settings'."""

_SILENT = logging.getLogger("loanstream.reach.silent")
_SILENT.disabled = True


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something cannot be reached, and the variables that say where it is and who asks."""

    said: str
    variables: tuple[str, ...]

    def __str__(self) -> str:
        """One line.

        >>> str(Fault("kafka-1:9092 takes no connections", ("LOANSTREAM_KAFKA_BOOTSTRAP",)))
        'LOANSTREAM_KAFKA_BOOTSTRAP: kafka-1:9092 takes no connections'
        """
        return f"{', '.join(self.variables)}: {self.said}"


class Asker(NamedTuple):
    """Who asks Kafka: librdkafka settings with the address, and the variable that holds them."""

    settings: Mapping[str, Any]
    variable: str


def operator(installation: Installation) -> Asker:
    """The operator, who is the workers' account where he has none of his own."""
    own, workers = installation.settings.kafka_admin_security, installation.settings.kafka_security
    is_workers = own is None and bool(workers)
    return Asker(installation.admin_settings, VARIABLES["kafka_security" if is_workers else "kafka_admin_security"])


def producer(installation: Installation, tenant: str) -> Asker:
    """Whoever publishes for a tenant."""
    if tenant in installation.settings.kafka_producer_security:
        return Asker(installation.producer_settings(tenant), VARIABLES["kafka_producer_security"])
    return Asker(installation.producer_settings(tenant), operator(installation).variable)


def worker(installation: Installation) -> Asker:
    """A worker."""
    settings = {"bootstrap.servers": installation.bootstrap, **installation.worker_security}
    return Asker(settings, VARIABLES["kafka_security"])


def need_kafka(asker: Asker, patience_s: float = 0.0) -> None:
    """Return where a broker answers. Problem within seconds, with the variables to look at, where none does.

    For `patience_s` one that takes no connections is waited for: it may be about to come back.
    """
    until = time.monotonic() + patience_s
    while (fault := kafka_fault(asker)) is not None:
        if time.monotonic() >= until or not fault.said.endswith(NO_CONNECTIONS):
            raise Problem(str(fault))
        time.sleep(AGAIN_S)


def kafka_fault(asker: Asker) -> Fault | None:
    """Why no broker answers whoever asks, within a few seconds; None where one does."""
    servers = str(asker.settings["bootstrap.servers"])
    address = VARIABLES["kafka_bootstrap"]
    open_at = _taking_connections([place.strip() for place in servers.split(",")])
    if not open_at:
        # A client would try again and again until its time is over.
        return Fault(f"{servers} {NO_CONNECTIONS}", (address,))
    heard: list[str] = []

    def hear(error: Any) -> None:
        heard.append(f"{error.name()} {error.str()}")

    try:
        plain = "SSL" not in str(asker.settings.get("security.protocol", "")).upper()
        settings = {**asker.settings, "log_level": 0, "error_cb": hear}
        with AdminClient(settings, logger=_SILENT) as client:
            if _brokers(client, heard, open_at if plain else []):
                return None
    except KafkaException as error:  # settings that librdkafka does not take
        return Fault(_not_taken(error), (asker.variable,))
    silent = f"takes connections, but does not answer within {ANSWER_S:.0f} s: it hangs, or expects other security"
    said = _said(heard) or silent
    return Fault(f"{servers} {said}", (asker.variable, address))


def _said(heard: list[str]) -> str | None:
    """The fault, by the table's first row that was heard of."""
    return next((said for pattern, said in HEARD.items() if any(re.search(pattern, line) for line in heard)), None)


def _brokers(client: AdminClient, heard: list[str], plain: list[str]) -> bool:
    """Whether brokers are told within the time; asked again and again, to hear of refusals meanwhile.

    Of the places in `plain`, where the client does not speak TLS, one is asked whether it does.
    """
    until = time.monotonic() + ANSWER_S
    while (left := until - time.monotonic()) > 0:
        try:
            return bool(client.list_topics(timeout=min(left, ASK_S)).brokers)
        except KafkaException as error:
            heard.append(error.args[0].name())
        client.poll(HEAR_S)
        if plain and _is_tls(plain):
            heard.append(SPOKEN)
        plain = []
        if _said([line for line in heard if REFUSED not in line]) is not None:
            return False
    return False


def _not_taken(error: KafkaException) -> str:
    """Librdkafka's complaint without the value, which may be a secret."""
    named = re.search(r'property:? "([\w.]+)"', str(error))
    return f"librdkafka does not take {named.group(1) if named else 'these settings'} as it is set"


def _taking_connections(places: list[str]) -> list[str]:
    with ThreadPoolExecutor(len(places)) as pool:
        return [place for place, takes in zip(places, pool.map(_takes_connections, places), strict=True) if takes]


def _connected(place: str) -> socket.socket:
    """OSError, ValueError."""
    host, _, port = place.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), CONNECT_S)


def _takes_connections(place: str) -> bool:
    try:
        _connected(place).close()
    except (OSError, ValueError):
        return False
    return True


def _is_tls(places: list[str]) -> bool:
    """Whether the first of them shakes hands; whose certificate it is does not matter, for nothing is said there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _connected(places[0]) as connection:
            connection.settimeout(HELLO_S)
            context.wrap_socket(connection).close()
    except OSError:  # ssl's own errors are some
        return False
    return True


def warehouse_fault(installation: Installation) -> Fault | None:
    """Why the warehouse does not answer within two seconds; None where it does. Nobody logs in."""
    url, ca = installation.warehouse_url, installation.settings.warehouse_ca
    try:
        trusted = None if ca is None else ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        return Fault(f"no certificates (PEM) can be read from {ca}", (VARIABLES["warehouse_ca"],))
    if answers(f"{url}/ping", CONNECT_S, trusted):
        return None
    names = ("warehouse_url", *(("warehouse_ca",) if ca is not None else ()))
    return Fault(f"{url} does not answer", tuple(VARIABLES[name] for name in names))


def writer_fault(installation: Installation) -> Fault | None:
    """Why the writer gets no client of the warehouse; None where it does."""
    account = installation.settings.warehouse_writer
    names = (VARIABLES["warehouse_writer"], VARIABLES["warehouse_writer_password"])
    return warehouse_fault(installation) or _log_in(
        # `default` is what every ClickHouse has: the first migration makes ours.
        lambda: installation.warehouse_writer(database="default"),
        account,
        names,
    )


def _log_in(connect: Callable[[], Any], account: str, names: tuple[str, ...]) -> Fault | None:
    try:
        connect().close()
    except ClickHouseError as error:
        return Fault(f"{account} does not get in: {own_words(error)}", names)
    return None


def own_words(error: Exception) -> str:
    """A ClickHouse server's words, without the client's around them."""
    found = re.search(r"DB::Exception: (.*?)\s*(?:\(version|\(for url|$)", str(error))
    return found.group(1) if found else type(error).__name__
