"""What can go wrong between an application and Kafka, one class for each thing the sender can do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.problem import Problem

SHOWN = 5
"""Failures that an error's text spells out; all of them stand in its `failures`."""


class ProducerError(Problem):
    """Base of the errors of `ApplicationProducer`."""


class CredentialsRefusedError(ProducerError):
    """The broker or the token server does not accept who we say we are. Check client id, secret and token address."""


class PermissionRefusedError(ProducerError):
    """We are known, and may not write this topic (or it does not exist, which looks the same). Never retry."""


class TooLargeError(ProducerError):
    """The record is above what the applications topic accepts; it was not sent."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that was not confirmed: its key and why. It may have arrived all the same."""

    key: str
    reason: str


class NotDeliveredError(ProducerError):
    """Records were not confirmed in time. Sending them again is safe: repeats are recognised."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        self.failures = tuple(failures)
        shown = "; ".join(f"{failure.key}: {failure.reason}" for failure in self.failures[:SHOWN])
        more = f"; and {len(self.failures) - SHOWN} more" if len(self.failures) > SHOWN else ""
        super().__init__(f"{len(self.failures)} not confirmed: {shown}{more}")
