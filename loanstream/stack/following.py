"""What changes of a stack while it runs: who is served, and its own clients' secrets. `stack.json` follows them."""

import logging
from dataclasses import replace

from loanstream.stack.auth.paths import AuthFiles, identity
from loanstream.stack.auth.registration import own_clients
from loanstream.stack.layout import Layout
from loanstream.stack.table import Plan
from loanstream.tenants.book import TenantBook
from schemas.problem import Problem

logger = logging.getLogger(__name__)


class Followed:
    """The plan of a start as it is by now. A file that cannot be read leaves what was read last."""

    def __init__(self, layout: Layout, plan: Plan) -> None:
        self.plan = plan
        self._book, self._auth = TenantBook(layout.tenants), AuthFiles(layout.state)
        self._seen = self._identities()

    def changed(self) -> bool:
        """Whether `plan` is another than at the look before."""
        seen, before = self._identities(), self.plan
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            tenants = self._book.served
            clients = own_clients(self._auth, tenants) if before.auth is not None else {}
        except Problem as error:
            logger.error("what was read last stays in force: %s", error)  # noqa: TRY400 - one line for the operator
            return False
        self.plan = replace(before, tenants=tenants, clients=clients)
        return self.plan != before

    def _identities(self) -> list[object]:
        return [identity(self._book.path), identity(self._auth.secrets)]
