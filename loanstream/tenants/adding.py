"""Adding a bank, as a table of steps.

The order is what running processes rely on. The key is there before any topic: a stage that meets a bank's record finds
it. Outputs come before inputs, and positions before rights: a stage sees a topic once it can read it from its first
record. Rights to write come before rights to read. Clients come when everything that they may reach is there, and the
gateway and the commands hear of the bank last.
"""

from loanstream.install.grants import Held
from loanstream.stack.auth.registration import lacking_clients, serve_tenant
from loanstream.tenants import rights
from loanstream.tenants.work import Step, Work
from schemas.problem import Problem
from schemas.topics import TOPICS


def _missing_mark(work: Work) -> list[str]:
    if work.book is None and work.standing is None:
        raise Problem(
            f"{work.tenant} is not in LOANSTREAM_TENANTS; expected it there, or in place of that variable "
            "LOANSTREAM_TENANTS_FILE: a list that this command keeps and running processes follow"
        )
    if work.standing == "deleted":
        raise Problem(
            f"{work.tenant} was removed with its topics: under that name offsets would begin anew, and the warehouse "
            "names records by their offsets; expected another name"
        )
    return [] if work.standing in {"adding", "served"} else [f"{work.tenant} as a bank that is being added"]


def _missing_keys(work: Work) -> list[str]:
    if work.installation.settings.tenant_keys is not None:
        work.installation.keys.tenant(work.tenant)
        return []
    absent = work.installation.key_files.missing([work.tenant], column=False)
    if not absent:
        work.installation.key_files.tenant(work.tenant)  # whatever is there must be keys
    elif work.recorded():
        raise Problem(
            f"{absent[0]} is lost: the warehouse holds records made under it; restore it, or take another name"
        )
    unparted = work.installation.key_files.without_parts([work.tenant])
    return [*(f"key file {name}" for name in absent), *(f"the parts of key file {name}" for name in unparted)]


def _missing_topics(work: Work) -> list[str]:
    return [line for line in work.broker.missing(work.tenant) if line.startswith("topic ")]


def _missing_positions(work: Work) -> list[str]:
    if _missing_topics(work):
        return ["a first position of each stage on them"]
    return work.broker.missing(work.tenant)


def _lacking(work: Work) -> list[Held]:
    found = None if work.leave_grants else work.broker.held()
    return [] if found is None else rights.lacking(found, work.installation, work.tenant)


def _missing_clients(work: Work) -> list[str]:
    return [] if work.auth is None else lacking_clients(work.auth, work.tenant)


def _serve_clients(work: Work) -> None:
    assert work.auth is not None
    serve_tenant(work.auth.state, work.tenant)


def _unread(work: Work) -> list[str]:
    if not work.waits:
        return []
    if TOPICS["applications"].name(work.tenant) not in work.broker.topics():
        return ["wait until every stage reads them"]
    unread = work.broker.unread(work.tenant)
    return unread or ([] if work.told() else ["stack.json does not name it yet"])


ADDING: tuple[Step, ...] = (
    Step("mark", _missing_mark, lambda work: work.note("adding")),
    Step("keys", _missing_keys, lambda work: work.installation.key_files.make_tenant(work.tenant)),
    Step("topics", _missing_topics, lambda work: work.broker.create(work.tenant)),
    Step("positions", _missing_positions, lambda work: work.broker.commit_first_positions(work.tenant)),
    Step(
        "rights",
        lambda work: [f"grant {held}" for held in _lacking(work)],
        lambda work: work.broker.grant(_lacking(work)),
    ),
    Step("clients", _missing_clients, _serve_clients),
    Step(
        "served",
        lambda work: [] if work.standing == "served" else ["the gateway and commands"],
        lambda work: work.note("served"),
    ),
    Step(
        "read", _unread, lambda work: work.wait_for(lambda: _unread(work), f"{work.tenant} is not read by every stage")
    ),
)
