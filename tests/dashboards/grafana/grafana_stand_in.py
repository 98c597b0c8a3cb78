"""A stand-in of Grafana's HTTP API, after its documentation and sources (13.2): what `apply` asks, with its refusals.

Faithful where it matters to a client: who may do what, what is stored and given back with fields added, versions that
must match, rules that are held against folder and data source, a data source whose secrets are never given back.
"""

import copy
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKENS = {"viewer-token": "Viewer", "editor-token": "Editor", "admin-token": "Admin"}
ROLES = ("Viewer", "Editor", "Admin")
DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class Refused(Exception):
    def __init__(self, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer = JSONResponse({"message": message, **more}, code)


@dataclass
class Grafana:
    """What it holds, and what it was asked: (method, path), the writes alone."""

    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasources: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    before_save: Any = None
    numbers: int = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    # folders

    def get_folder(self, request: Request, _: Any) -> Any:
        return self._one(self.folders, request.path_params["uid"], "folder not found")

    def make_folder(self, _: Request, body: Any) -> Any:
        if not body.get("title"):
            raise Refused(400, "folder title cannot be empty")
        if body.get("uid") in self.folders:
            raise Refused(412, "the folder has been changed by someone else")
        folder = {"id": self.number(), "uid": body["uid"], "orgId": 1, "title": body["title"], "version": 1}
        self.folders[body["uid"]] = folder
        return folder

    # dashboards

    def get_dashboard(self, request: Request, _: Any) -> Any:
        stored = self._one(self.dashboards, request.path_params["uid"], "Dashboard not found")
        meta = {
            "type": "db",
            "canSave": True,
            "folderUid": stored["folder"],
            "version": stored["dashboard"]["version"],
            "provisioned": stored.get("provisioned", False),
        }
        return {"dashboard": stored["dashboard"], "meta": meta}

    def save_dashboard(self, _: Request, body: Any) -> Any:
        sent = body["dashboard"]
        if self.before_save:
            self.before_save(self)
        if not sent.get("title"):
            raise Refused(400, "Dashboard title cannot be empty", status="empty-name")
        if body.get("folderUid") and body["folderUid"] not in self.folders:
            raise Refused(404, "folder not found")
        uid = sent.get("uid") or f"made-{self.number()}"
        stored = self.dashboards.get(uid)
        if stored and stored.get("provisioned"):
            raise Refused(400, "Cannot save provisioned dashboard")
        if stored and not body.get("overwrite") and sent.get("version") != stored["dashboard"]["version"]:
            raise Refused(412, "The dashboard has been changed by someone else", status="version-mismatch")
        version = stored["dashboard"]["version"] + 1 if stored else 1
        number = stored["dashboard"]["id"] if stored else self.number()
        kept = copy.deepcopy(sent) | {"uid": uid, "id": number, "version": version}
        self.dashboards[uid] = {"dashboard": kept, "folder": body.get("folderUid", "")}
        return {"id": number, "uid": uid, "status": "success", "version": version, "url": f"/d/{uid}", "slug": uid}

    def search(self, request: Request, _: Any) -> Any:
        folders = request.query_params.getlist("folderUIDs")
        assert request.query_params["type"] == "dash-db"
        return [
            {"uid": uid, "title": stored["dashboard"]["title"], "type": "dash-db", "folderUid": stored["folder"]}
            for uid, stored in self.dashboards.items()
            if stored["folder"] in folders
        ]

    # data sources

    def get_datasource(self, request: Request, _: Any) -> Any:
        stored = self._one(self.datasources, request.path_params["uid"], "Data source not found")
        shown = {name: value for name, value in stored.items() if name != "secureJsonData"}
        return shown | {"secureJsonFields": dict.fromkeys(stored["secureJsonData"], True)}

    def make_datasource(self, _: Request, body: Any) -> Any:
        if any(each["name"] == body["name"] or uid == body["uid"] for uid, each in self.datasources.items()):
            raise Refused(409, "data source with the same name already exists")
        return self._keep_datasource(body, {}, 1)

    def put_datasource(self, request: Request, body: Any) -> Any:
        stored = self._one(self.datasources, request.path_params["uid"], "Data source not found")
        return self._keep_datasource(body, stored["secureJsonData"], stored["version"] + 1)

    def _keep_datasource(self, body: Any, secrets: dict[str, str], version: int) -> Any:
        kept = {"id": self.number(), "orgId": 1, "readOnly": False, "isDefault": False, **body, "version": version}
        self.datasources[body["uid"]] = kept | {"secureJsonData": secrets | body.get("secureJsonData", {})}
        return {"message": "Datasource added", "name": body["name"]}

    # alert rules

    def all_rules(self, _: Request, __: Any) -> Any:
        return [rule for group in self.groups.values() for rule in group["rules"]]

    def get_group(self, request: Request, _: Any) -> Any:
        place = (request.path_params["folder"], request.path_params["group"])
        return self._one(self.groups, place, "")

    def put_group(self, request: Request, body: Any) -> Any:
        folder, title = request.path_params["folder"], request.path_params["group"]
        if folder not in self.folders:
            raise Refused(404, "folder not found")
        if body["interval"] % 10 or not body["rules"]:
            raise Refused(400, "invalid alert rule: interval should be a multiple of 10 seconds")
        rules = [self._rule(rule, folder, title) for rule in body["rules"]]
        if len({rule["title"] for rule in rules}) != len(rules):
            raise Refused(400, "a conflicting alert rule is found: rule title under the same folder should be unique")
        self.groups[folder, title] = {"title": title, "folderUid": folder, "interval": body["interval"], "rules": rules}
        return self.groups[folder, title]

    def _rule(self, sent: Any, folder: str, group: str) -> Any:
        asked = {query["refId"] for query in sent["data"]}
        if sent["condition"] not in asked:
            raise Refused(400, f"invalid alert rule: condition {sent['condition']} does not exist")
        for query in sent["data"]:
            if query["datasourceUid"] not in {*self.datasources, "__expr__"}:
                raise Refused(400, "invalid alert rule: data source not found")
        kept = copy.deepcopy(sent)
        for query in kept["data"]:
            query["model"] |= {"intervalMs": 1000, "maxDataPoints": 43200}
            query.setdefault("queryType", "")
        return kept | {
            "id": self.number(),
            "orgID": 3,  # the token's, whatever was sent
            "folderUID": folder,
            "ruleGroup": group,
            "for": as_prometheus_writes(sent["for"]),
            "updated": "2026-11-29T20:00:00Z",
            "provenance": "api",
            "notification_settings": None,
            "record": None,
        }

    def _one(self, held: Any, name: Any, message: str) -> Any:
        if name not in held:
            raise Refused(404, message)
        return held[name]

    def routes(self) -> list[Route]:
        rows = (
            ("GET", "/api/folders/{uid}", self.get_folder, "Viewer"),
            ("POST", "/api/folders", self.make_folder, "Editor"),
            ("GET", "/api/dashboards/uid/{uid}", self.get_dashboard, "Viewer"),
            ("POST", "/api/dashboards/db", self.save_dashboard, "Editor"),
            ("GET", "/api/search", self.search, "Viewer"),
            ("GET", "/api/datasources/uid/{uid}", self.get_datasource, "Admin"),
            ("PUT", "/api/datasources/uid/{uid}", self.put_datasource, "Admin"),
            ("POST", "/api/datasources", self.make_datasource, "Admin"),
            ("GET", "/api/v1/provisioning/alert-rules", self.all_rules, "Editor"),
            ("GET", "/api/v1/provisioning/folder/{folder}/rule-groups/{group}", self.get_group, "Editor"),
            ("PUT", "/api/v1/provisioning/folder/{folder}/rule-groups/{group}", self.put_group, "Editor"),
        )
        return [Route(path, self._door(method, what, role), methods=[method]) for method, path, what, role in rows]

    def _door(self, method: str, what: Any, role: str) -> Any:
        async def answer(request: Request) -> Response:
            found = TOKENS.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
            if found is None:
                return JSONResponse({"message": "Invalid API key", "statusCode": 401, "traceID": ""}, 401)
            if ROLES.index(found) < ROLES.index(role):
                message = "You'll need additional permissions to perform this action."
                return JSONResponse({"accessErrorId": "ACE1", "message": message, "title": "Access denied"}, 403)
            body = await request.json() if method != "GET" else None
            try:
                said = what(request, body)
            except Refused as refused:
                return refused.answer
            if method != "GET":
                self.writes.append((method, request.url.path))
            return JSONResponse(said)

        return answer


def as_prometheus_writes(text: str) -> str:
    """A duration as Grafana stores and shows it: 300s is 5m."""
    sizes = (604800, 86400, 3600, 60, 1)
    left = sum(int(n or 0) * size for n, size in zip(DURATION.fullmatch(text).groups(), sizes, strict=True))
    if left and left % 604800 == 0:
        return f"{left // 604800}w"
    parts = []
    for unit, size in zip("dhms", sizes[1:], strict=True):
        whole, left = divmod(left, size)
        parts += [f"{whole}{unit}"] * bool(whole)
    return "".join(parts) or "0s"


@contextmanager
def served(app: Any, **options: Any) -> Iterator[int]:
    """The port at which `app` answers on loopback, until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


def app_of(grafana: Grafana, path: str = "") -> Starlette:
    """It as a web application, below `path`."""
    routes = grafana.routes()
    if not path:
        return Starlette(routes=routes)
    from starlette.routing import Mount

    return Starlette(routes=[Mount(path, routes=routes)])
