"""Which loanstream this is, in one line."""

import json
from importlib.metadata import distribution

from processors.identity import code_version


def version_line() -> str:
    """The release, the code's version as receipts name it, and the commit where the package was installed from one."""
    package = distribution("loanstream")
    commit = commit_of(package.read_text("direct_url.json"))
    return f"loanstream {package.version}, code version {code_version()}" + (f", commit {commit}" if commit else "")


def commit_of(direct_url: str | None) -> str | None:
    """The commit in a package's `direct_url.json` (PEP 610); None where it came from no repository.

    >>> commit_of('{"url": "https://example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "5f3a"}}')
    '5f3a'
    >>> commit_of('{"url": "file:///a", "dir_info": {"editable": true}}')
    """
    found = json.loads(direct_url or "{}").get("vcs_info", {}).get("commit_id")
    return None if found is None else str(found)
