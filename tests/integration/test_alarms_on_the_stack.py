"""`loanstream alarms` on the running stack: what workers and reconcile publish arrives where alarms look for it."""

import json
import time

MEASURED = {("reconcile_difference", "reconcile"), ("expiry", "score, certificate"), ("consumer_lag", "score")}


def test_reconcile_and_certificates_are_known_to_the_alarms(cli):
    """Once somebody has compared warehouse and topics, its alarm is quiet, and each worker's certificate is looked after."""
    cli("reconcile")
    until, seen = time.monotonic() + 60, set()
    while not seen >= MEASURED:
        assert time.monotonic() < until, seen
        time.sleep(1)
        seen = {(bell["alarm"], bell["of"]) for bell in asked_whatever_fires(cli)}
    states = {(bell["alarm"], bell["of"]): bell["state"] for bell in asked_whatever_fires(cli)}
    assert states["reconcile_difference", "reconcile"] == "quiet"
    for stage in ("verify", "verify-slow", "score", "record"):
        assert states["expiry", f"{stage}, certificate"] == "quiet"
        assert states["consumer_lag", stage] in {"quiet", "too few"}


def asked_whatever_fires(cli):
    """The answer, whether or not something fires: reconcile's figure may be on its way, and other tests do what they do."""
    try:
        return json.loads(cli("alarms", "--json").stdout)
    except AssertionError:
        return json.loads(cli("alarms", "--json", code=1).stdout)
