"""A Grafana's HTTP API, as far as dashboards are brought there; every refusal says which option is to be mended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaTimeoutError
from niquests.exceptions import ConnectionError as Unreachable
from niquests.exceptions import JSONDecodeError, RequestException, SSLError, TooManyRedirects

from dashboards.grafana.names import DATASOURCE_UID
from schemas.problem import Problem, WrongOption

TIMEOUT_S = 15.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MOST = 5000
"""So many dashboards a search answers at most."""
_SAID = 200
"""What is told of Grafana's own words."""


@dataclass(frozen=True, slots=True)
class Door:
    """Grafana behind grafana-client. Every call raises Problem for what a person can mend."""

    api: Any

    @classmethod
    def to(cls, url: str, token: str, ca: Path | None = None) -> Self:
        """The Grafana at `url`, which may end with a path. WrongOption for an address that is none."""
        parts = _address(url)
        path = parts.path.strip("/")
        api = GrafanaApi(
            token,
            protocol=parts.scheme,
            host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
            port=parts.port,
            url_path_prefix=f"{path}/" if path else "",
            verify=str(ca) if ca else True,
            timeout=TIMEOUT_S,
        )
        api.client.s.max_redirects = 0  # a POST that is sent elsewhere arrives as a GET, and without the token
        return cls(api)

    def folder(self, uid: str) -> dict[str, Any] | None:
        """A folder; None where there is none."""
        return _found("read folders", lambda: self.api.folder.get_folder(uid))

    def make_folder(self, uid: str, title: str) -> None:
        """Make it."""
        _asked("make a folder", lambda: self.api.folder.create_folder(title, uid=uid))

    def titles(self, folder: str) -> dict[str, str]:
        """The dashboards in a folder: uid -> title."""
        found: list[dict[str, Any]] = _asked(
            "search",
            lambda: self.api.search.search_dashboards(type_="dash-db", folder_uids=[folder], limit=MOST),
            list,
        )
        return {each["uid"]: each["title"] for each in found}

    def dashboard(self, uid: str) -> dict[str, Any] | None:
        """`dashboard` and `meta`; None where there is none."""
        return _found("read dashboards", lambda: self.api.dashboard.get_dashboard(uid))

    def save(self, dashboard: Mapping[str, Any], folder: str, version: int | None) -> None:
        """Write a dashboard: a new one, or the one that was read at `version`. Problem where it was changed since."""
        body = {
            "dashboard": dict(dashboard) | ({} if version is None else {"version": version}),
            "folderUid": folder,
            "message": "loanstream dashboards apply",
            "overwrite": False,
        }
        _asked(f"write the dashboard {dashboard['title']}", lambda: self.api.dashboard.update_dashboard(body))

    def datasource(self, uid: str) -> dict[str, Any] | None:
        """A data source; None where there is none."""
        return _found("read data sources", lambda: self.api.datasource.get_datasource_by_uid(uid))

    def save_datasource(self, body: Mapping[str, Any], *, there: bool) -> None:
        """Make a data source, or write it anew."""
        uid, sent = body["uid"], dict(body)
        if there:
            _asked("write a data source", lambda: self.api.datasource.update_datasource_by_uid(uid, sent))
        else:
            _asked("make a data source", lambda: self.api.datasource.create_datasource(sent))

    def rules(self) -> list[dict[str, Any]]:
        """Every alert rule."""
        found: list[dict[str, Any]] = _asked("read alert rules", self.api.alertingprovisioning.get_alertrules_all, list)
        return found

    def group(self, folder: str, title: str) -> dict[str, Any] | None:
        """A group of alert rules; None where there is none."""
        return _found("read alert rules", lambda: self.api.alertingprovisioning.get_rule_group(folder, quote(title)))

    def save_group(self, folder: str, body: Mapping[str, Any]) -> None:
        """Put a group in the place of what stands there. People cannot change its rules in Grafana's pages."""
        title, sent = body["title"], dict(body)
        _asked(
            f"write the alert rules {title}, which need the data source {DATASOURCE_UID}",
            lambda: self.api.alertingprovisioning.update_rule_group(folder, quote(title), sent),
        )


def _address(url: str) -> Any:
    expected = "expected Grafana's address, as in https://grafana.bank.example:3000"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise WrongOption(f"--url: {expected}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise WrongOption(f"--url: {expected}")
    if parts.username or parts.password:
        raise WrongOption("--url: expected no name and no password in it; the token stands in --token-file")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise WrongOption("--url: expected https: the token would go over the network for everybody to read")
    return parts


def _found(what: str, call: Callable[[], Any]) -> dict[str, Any] | None:
    def answered() -> Any:
        try:
            return call()
        except GrafanaClientError as error:
            if error.status_code == 404:
                return {}
            raise

    found: dict[str, Any] = _asked(what, answered, dict)
    return found or None


def _asked(what: str, call: Callable[[], Any], kind: type = dict) -> Any:
    try:
        answer = call()
    except GrafanaTimeoutError:
        raise Problem(f"--url: Grafana did not answer within {TIMEOUT_S:.0f} s when asked to {what}") from None
    except GrafanaException as error:
        raise Problem(_refused(what, error)) from None
    except SSLError:
        raise Problem(
            "--url: nobody that is trusted signed its certificate, or it is another host's; expected --ca with the "
            "certificate of who signed it"
        ) from None
    except TooManyRedirects:
        raise Problem("--url: it sends its visitors elsewhere; expected the address where Grafana itself is") from None
    except JSONDecodeError:
        raise Problem(_NO_GRAFANA) from None
    except (Unreachable, RequestException):
        raise Problem("--url: nobody answers there; expected the address of a Grafana that is running") from None
    if not isinstance(answer, kind):
        raise Problem(_NO_GRAFANA)
    return answer


_NO_GRAFANA = "--url: what answers there is no Grafana; expected its address, with the path that it is served under"


def _refused(what: str, error: GrafanaException) -> str:
    match error.status_code:
        case 401:
            return (
                "--token-file: Grafana does not know the token, or it has expired; expected a token of a service "
                "account, see docs/grafana.md"
            )
        case 403:
            return (
                f"--token-file: the token's account may not {what}; expected a service account that is Editor, or "
                "Admin where a data source is made"
            )
        case 412:
            return f"could not {what}: somebody changed it meanwhile; run this again to see what would change now"
        case status if status >= 500:
            return f"Grafana could not {what}: its own fault, status {status}; see its log"
    said = error.response.get("message", "") if isinstance(error.response, dict) else ""
    words = "".join(letter for letter in str(said)[:_SAID] if letter.isprintable())
    return f"Grafana refused to {what}, status {error.status_code}: {words or 'it says not why'}"
