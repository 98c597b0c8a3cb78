"""What the doctor looks at in the work itself: whether topics are read, whether they get on, what was refused."""

from contextlib import closing

from loanstream import served
from loanstream.doctor import look_at
from loanstream.doctor.check import Found
from loanstream.doctor.look_at import some
from loanstream.doctor.standing import WAITED_S, standing_still
from loanstream.install import topics as installed
from loanstream.installation import Installation

REFUSED_LATELY = (
    "SELECT tenant, cause, count() AS letters FROM loanstream.dead_letters WHERE at > now() - INTERVAL 1 DAY "
    "GROUP BY tenant, cause ORDER BY tenant, letters DESC, cause"
)


def readers(installation: Installation) -> Found:
    """Whether every topic of the tenants is read: by a member of each stage's group, from a committed offset."""
    client, tenants = installation.admin_settings, installation.tenants
    absent = installed.not_installed(client, tenants)
    wrong = [
        *(f"nothing of {tenant} is read: its topics are absent" for tenant in absent),
        *installed.without_offset(client, tenants),
        *served.unread(installation),
    ]
    return (False, some(wrong)) if wrong else (True, f"every topic of {', '.join(tenants)} is read")


def progress(installation: Installation) -> Found:
    """Whether the groups get on: where a record has waited for a minute, their committed offset moves."""
    stuck = list(standing_still(installation))
    return (
        (False, some(stuck)) if stuck else (True, f"nothing stands still with a record that waits for {WAITED_S:.0f} s")
    )


def refusals(installation: Installation) -> Found:
    """What was refused within a day, by tenant and cause: well, for it is no fault of the installation's."""
    with closing(look_at.read_client(installation)) as client:
        rows = client.query(REFUSED_LATELY).result_rows
    by_tenant: dict[str, list[str]] = {}
    for tenant, cause, count in rows:
        by_tenant.setdefault(tenant or "topics of all", []).append(f"{cause} {count}")
    told = "; ".join(f"{tenant}: {', '.join(causes)}" for tenant, causes in by_tenant.items())
    return True, f"within a day: {told} (see loanstream dlq list)" if told else "none within a day"
