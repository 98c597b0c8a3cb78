"""`loanstream policy`: check a document, or show a policy as it is understood."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from loanstream.artefacts import policy_text
from loanstream.faults import describe_fault
from loanstream.policy_words import policy_rows
from loanstream.show import emit, table
from loanstream.stack.problem import StackProblem
from scoring.policy import Policy, PolicyError
from scoring.policy_document import parse_policy

UNBOUND = (math.inf, -math.inf)


def check(named: str, *, as_json: bool) -> int:
    """Exit code 1 with the line that is wrong; with --json also where there is no such file."""
    try:
        policy = parse_policy(policy_text(named))
    except PolicyError as error:
        emit({"ok": False, "error": str(error)}, f"{Path(named).name}: {error}", as_json=as_json)
        return 1
    except (StackProblem, OSError) as error:
        line = describe_fault(error)
        if line is None or not as_json:
            raise  # the command line tells it on stderr, as for every verb
        emit({"ok": False, "error": line}, line, as_json=True)
        return 1
    emit({"ok": True, "policy_id": policy.policy_id}, f"good: {policy.policy_id}", as_json=as_json)
    return 0


def show(named: str, *, as_json: bool) -> int:
    """The policy's content as the decision core uses it."""
    policy = parse_policy(policy_text(named))
    content = {"policy_id": policy.policy_id, **_plain(policy)}
    emit(content, table(named, "", "", rows=policy_rows(policy)), as_json=as_json)
    return 0


def _plain(policy: Policy) -> dict[str, Any]:
    content: dict[str, Any] = _bounded(dataclasses.asdict(policy))
    return content


def _bounded(value: Any) -> Any:
    """Without the bounds that bind nothing (infinity is no JSON) and without what is not set."""
    if isinstance(value, dict):
        return {name: _bounded(part) for name, part in value.items() if part is not None and part not in UNBOUND}
    return [_bounded(part) for part in value] if isinstance(value, list | tuple) else value
