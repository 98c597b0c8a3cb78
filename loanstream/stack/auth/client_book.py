"""The server's view of the clients: read again when their file was replaced; a removed one is refused at once."""

import logging

from loanstream.stack.auth.clients import Client, read_roll
from loanstream.stack.auth.paths import AuthFiles, identity
from schemas.problem import Problem

logger = logging.getLogger(__name__)


class ClientBook:
    """The clients by id. A file that cannot be read leaves those that were read last; one that is gone holds nobody."""

    def __init__(self, files: AuthFiles) -> None:
        """Problem for a file that does not hold clients."""
        self._files = files
        self.complaint: str | None = None
        self._seen = identity(files.clients)
        self._roll = read_roll(files)

    def get(self, client_id: str) -> Client | None:
        """The client of this id, as of now."""
        self.refresh()
        return self._roll.clients.get(client_id)

    def serves(self, client: Client) -> bool:
        """Whether its tenant is served, as of the last look."""
        return self._roll.serves(client)

    def refresh(self) -> None:
        """Take in a file that was replaced."""
        seen = identity(self._files.clients)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._roll = read_roll(self._files)
        except Problem as error:
            logger.error("the clients that were read last stay in force: %s", error)  # noqa: TRY400 - one line for the operator
            self.complaint = str(error)
        else:
            self.complaint = None
