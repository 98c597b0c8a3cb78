"""Which bundle a policy is meant for, and whether a pair of both belongs together."""

from schemas.problem import Problem
from scoring.bundle import Bundle
from scoring.policy import Policy
from scoring.shipped import BUNDLES

DEFAULT_BUNDLE = "default"


def fault_of_pair(bundle: Bundle, policy: Policy) -> str | None:
    """Why the two should not decide together, in one line; None where nothing is against it."""
    if policy.bundle in {None, bundle.name}:
        return None
    return f"policy {policy.name} is meant for bundle {policy.bundle}, and not for bundle {bundle.name}"


def meant_bundle(policy: Policy) -> str:
    """The name of the shipped bundle that a policy is meant for. Problem where it is meant for a bank's own, which may
    lie anywhere.
    """
    named = policy.bundle or DEFAULT_BUNDLE
    if named not in BUNDLES:
        raise Problem(
            f"policy {policy.name} is meant for bundle {named}, which is not shipped: expected --bundle FOLDER"
        )
    return named
