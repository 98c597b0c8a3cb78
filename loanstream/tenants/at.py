"""The work of one installation's banks: of the embedded stack that runs, or of what settings describe."""

from contextlib import closing

from clickhouse_connect.driver.exceptions import ClickHouseError

from loanstream.installation import Installation
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.layout import read_stack
from loanstream.stack.running import RunningStack
from loanstream.tenants.book import TenantBook
from loanstream.tenants.broker import KafkaBroker
from loanstream.tenants.work import Work
from schemas.problem import Problem
from stores.warehouse.watched import WarehouseSilent


def book_of(installation: Installation) -> TenantBook | None:
    """The list of banks that this installation's processes follow; None where settings hold the names."""
    if isinstance(installation, RunningStack):
        return TenantBook(installation.layout.tenants)
    return installation.book


def auth_of(installation: Installation) -> AuthFiles | None:
    """The files of the embedded token server; None where there is none."""
    if isinstance(installation, RunningStack) and "auth" in installation.stack:
        return AuthFiles(installation.layout.state)
    return None


def work_on(
    installation: Installation,
    tenant: str,
    *,
    copies: int | None = None,
    delete: frozenset[str] = frozenset(),
    leave_grants: bool = False,
    waits: bool = True,
) -> Work:
    """What the verbs work on. SettingProblem for a setting that is needed and not set."""
    return Work(
        tenant,
        installation,
        KafkaBroker(installation, copies),
        book_of(installation),
        auth_of(installation),
        recorded=lambda: recorded(installation, tenant),
        told=lambda: _told(installation, tenant),
        delete=delete,
        leave_grants=leave_grants,
        waits=waits,
    )


def recorded(installation: Installation, tenant: str) -> int:
    """How many applications of a bank the warehouse holds. Problem where that cannot be seen."""
    try:
        with closing(installation.warehouse()) as client:
            found = client.query(
                "SELECT count() FROM loanstream.applications_log WHERE tenant = {tenant:String}",
                parameters={"tenant": tenant},
            )
            return int(found.first_row[0])
    except WarehouseSilent:
        raise
    except ClickHouseError:
        raise Problem("the warehouse is not installed, or not readable: run loanstream install first") from None


def _told(installation: Installation, tenant: str) -> bool:
    """Whether `stack.json` tells of a bank what the book does: its supervisor has seen it."""
    if not isinstance(installation, RunningStack):
        return True
    stack = read_stack(installation.layout.state)
    return tenant in stack["tenants"] and ("auth" not in stack or f"producer:{tenant}" in stack["auth"]["clients"])
