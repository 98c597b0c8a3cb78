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
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.installation import Installation
from loanstream.settings import SETTINGS
from loanstream.stack.probe import answers

CONNECT_S = 2.0
ANSWER_S = 3.0
"""Enough for TLS, and for a token that has to be fetched first."""
ASK_S, HEAR_S = 0.5, 0.05
VARIABLES: Mapping[str, str] = {row.name: row.variable for row in SETTINGS}

HEARD: Mapping[str, str] = {
    "_AUTHENTICATION": "refuses the credentials",
    "_SSL": "has a certificate that is not trusted, or does not speak TLS",
}
"""What a client of Kafka hears while it gets no answer -> the fault, which is rather the security settings'."""

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


def kafka_fault(installation: Installation) -> Fault | None:
    """Why no broker answers the operator within a few seconds; None where one does."""
    places = [place.strip() for place in installation.bootstrap.split(",")]
    address = (VARIABLES["kafka_bootstrap"],)
    if not _any_takes_connections(places):
        # A client would try again and again until its time is over.
        return Fault(f"{installation.bootstrap} takes no connections", address)
    heard: list[str] = []
    try:
        settings = {**installation.admin_settings, "log_level": 0, "error_cb": lambda error: heard.append(error.name())}
        with AdminClient(settings, logger=_SILENT) as client:
            if _brokers(client, heard):
                return None
    except KafkaException as error:  # settings that librdkafka does not take
        return Fault(_not_taken(error), (_operators_security(installation),))
    for name, said in HEARD.items():
        if name in heard:
            return Fault(f"{installation.bootstrap} {said}", (_operators_security(installation), *address))
    return Fault(f"{installation.bootstrap} takes connections, but does not answer within {ANSWER_S:.0f} s", address)


def _brokers(client: AdminClient, heard: list[str]) -> bool:
    """Whether brokers are told within the time; asked again and again, to hear of refusals meanwhile."""
    until = time.monotonic() + ANSWER_S
    while (left := until - time.monotonic()) > 0:
        try:
            return bool(client.list_topics(timeout=min(left, ASK_S)).brokers)
        except KafkaException as error:
            heard.append(error.args[0].name())
        client.poll(HEAR_S)
        if HEARD.keys() & set(heard):
            return False
    return False


def _not_taken(error: KafkaException) -> str:
    """Librdkafka's complaint without the value, which may be a secret."""
    named = re.search(r'property:? "([\w.]+)"', str(error))
    return f"librdkafka does not take {named.group(1) if named else 'these settings'} as it is set"


def _operators_security(installation: Installation) -> str:
    own = installation.settings.kafka_admin_security
    return VARIABLES["kafka_security" if own is None else "kafka_admin_security"]


def _any_takes_connections(places: list[str]) -> bool:
    with ThreadPoolExecutor(len(places)) as pool:
        return any(pool.map(_takes_connections, places))


def _takes_connections(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, ValueError):
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
