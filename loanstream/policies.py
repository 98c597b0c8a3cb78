"""`loanstream policy`: check a document, or show a policy as it is understood."""

import dataclasses
from pathlib import Path
from typing import Any

from loanstream.artefacts import policy_text
from loanstream.show import emit, table
from scoring.policy import Policy, PolicyError
from scoring.policy_document import parse_policy


def check(named: str, *, as_json: bool) -> int:
    """Exit code 1 with the line that is wrong."""
    try:
        policy = parse_policy(policy_text(named))
    except PolicyError as error:
        emit({"ok": False, "error": str(error)}, f"{Path(named).name}: {error}", as_json=as_json)
        return 1
    emit({"ok": True, "policy_id": policy.policy_id}, f"good: {policy.policy_id}", as_json=as_json)
    return 0


def show(named: str, *, as_json: bool) -> int:
    """The policy's content as the decision core uses it."""
    policy = parse_policy(policy_text(named))
    content = {"policy_id": policy.policy_id, **_plain(policy)}
    rows = [(name, _lines(value)) for name, value in content.items()]
    emit(content, table(named, "", "", rows=rows), as_json=as_json)
    return 0


def _plain(policy: Policy) -> dict[str, Any]:
    return dataclasses.asdict(policy)


def _lines(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
