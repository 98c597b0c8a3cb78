"""The OpenAPI description: complete, true of what the gateway answers, and a page to try it out on."""

import json
import re
from contextlib import nullcontext, suppress
from importlib.resources import files

import jsonschema
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.openapi import media_type
from schemathesis.specs.openapi.checks import positive_data_acceptance

from loanstream.generate.files import GENERATED, ROOT
from producers.gateway.app import Door, description
from producers.gateway.callers import SCOPES
from producers.gateway.openapi import PROBLEM, described, refusals
from producers.gateway.problems import KINDS
from producers.gateway.rates import Rate
from producers.gateway.routes.documents import MEDIA_TYPES

BEGINS = {
    "application/pdf": b"%PDF-1.7",
    "image/png": b"\x89PNG\r\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/tiff": b"II*\x00",
}
for _type in MEDIA_TYPES:
    media_type(_type, st.binary(max_size=64).map(lambda rest, begins=BEGINS[_type]: begins + rest))

MANY = Rate(1e6, 1e6)

BESIDE_THE_SCHEMA = {
    # rules of `schemas.beside`, in the words of a refusal
    "a number or a decimal string with at most two decimals",
}
"""What JSON Schema cannot say, and an application is refused for."""
OF_WHO_ASKS = {401, 403, 404, 409, 429}
"""Refusals that say nothing of the form of what was sent."""


@pytest.fixture
def api(make_door):
    """The gateway as schemathesis sees it: by its description, without a socket."""
    door = make_door(door=Door(client_rate=MANY, address_rate=MANY))
    schema = schemathesis.openapi.from_asgi("/openapi.json", door.app)
    token = door.provider.token()

    @schema.auth()
    class Bearer:
        """Every request has a good token; the checks themselves try without one and with a wrong one."""

        def get(self, _case, _context):
            return token

        def set(self, case, data, _context):
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

    return schema


DESCRIBED = description("https://provider.example/oauth/token")
OPERATIONS = {(path, method): said for path, found in DESCRIBED["paths"].items() for method, said in found.items()}
ASKED = [
    (*names, mode)
    for names, said in OPERATIONS.items()
    for mode in GenerationMode
    # Where nothing is sent, nothing that is sent is wrong.
    if mode is GenerationMode.POSITIVE or "parameters" in said or "requestBody" in said
]


@pytest.mark.parametrize(("path", "method", "mode"), ASKED)
def test_schemathesis_finds_nothing(api, path, method, mode):
    """Whatever the description allows, and what it does not: every answer is one that it describes, and no failure.

    A part that is not here is away, which is no failure of the gateway.
    """
    seen = set()

    @given(case=api[path][method.upper()].as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        # What is refused although the schema takes it is told below.
        answer = case.call_and_validate(excluded_checks=[not_a_server_error, positive_data_acceptance])
        assert answer.status_code < 500 or answer.json()["type"] == "urn:loanstream:problem:unavailable"
        if (
            mode is GenerationMode.POSITIVE
            and 400 <= answer.status_code < 500
            and answer.status_code not in OF_WHO_ASKS
        ):
            assert {fault["expected"] for fault in answer.json()["errors"]} <= BESIDE_THE_SCHEMA, answer.text
        seen.add(answer.status_code)

    # Some operations take every text that there is: then nothing wrong can be sent.
    with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
        ask()
    if mode is GenerationMode.POSITIVE:
        assert seen & {200, 201, 202, 404, 503}


TAKE_A_BODY = [names for names, said in OPERATIONS.items() if "requestBody" in said]
NOT_DESCRIBED = (None, "text/html", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "a/b; \xff")


@pytest.mark.parametrize(("path", "method"), TAKE_A_BODY)
@pytest.mark.parametrize("announced", NOT_DESCRIBED)
def test_a_body_of_a_media_type_that_it_does_not_name_gets_an_answer_that_it_does(door, path, method, announced):
    """A generator sends what is described; a form, a page and a body of no type at all are sent here."""
    headers = {} if announced is None else {"Content-Type": announced.encode("latin-1")}
    where = path.replace("{review_id}", "b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50")
    params = {"kind": "payslip"} if path == "/v1/documents" else {}
    answer = door.ask(method.upper(), where, headers=headers, params=params, content=b"<html>")
    assert str(answer.status_code) in OPERATIONS[path, method]["responses"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_it_is_openapi_whose_references_lead_somewhere():
    """A tool needs no other file."""

    def references(node):
        if isinstance(node, dict):
            yield from (node["$ref"],) if isinstance(node.get("$ref"), str) else ()
            for item in node.values():
                yield from references(item)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    assert DESCRIBED["openapi"].startswith("3.1")
    found = set(references(DESCRIBED))
    assert found
    for reference in found:
        target = DESCRIBED
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]


def test_the_committed_one_is_what_the_code_says():
    """Whoever writes a client before he has a gateway reads the same."""
    assert json.loads((ROOT / GENERATED / "openapi.json").read_text("utf-8")) == DESCRIBED


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_route_says_what_it_is_and_how_it_refuses(path, method):
    """Summary, description, each answer in words, each refusal with an example of its schema."""
    said = OPERATIONS[path, method]
    assert said["summary"]
    assert said["description"]
    assert len(said["tags"]) == 1
    for parameter in said.get("parameters", ()):
        assert parameter["description"]
    assert {"431", "429", "500"} <= said["responses"].keys()
    assert ("400" in said["responses"]) >= ("parameters" in said)
    assert ("413" in said["responses"]) == ("requestBody" in said)
    assert ("401" in said["responses"]) == ("security" in said)
    assert "HTTPValidationError" not in json.dumps(said)
    for status, answer in said["responses"].items():
        assert answer["description"]
        for content in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).values():
            jsonschema.validate(content["value"], PROBLEM)
            assert str(content["value"]["status"]) == status


def test_the_framework_s_own_words_for_a_wrong_parameter_are_ours():
    """A route that says nothing of it is described as it answers: 400, a problem."""
    app = FastAPI()

    @app.get("/v1/things")
    async def things(limit: int) -> int:
        return limit

    said = described(app, "")
    answers = said["paths"]["/v1/things"]["get"]["responses"]
    assert "422" not in answers
    assert "parameter-wrong" in answers["400"]["content"]["application/problem+json"]["examples"]
    assert "ValidationError" not in json.dumps(said)


def test_a_route_s_own_words_for_a_refusal_stay():
    """Beside its schema and its example, which every refusal has."""
    app = FastAPI()

    @app.get("/v1/things", responses={429: {"description": "Of things there are few."}})
    async def things() -> int:
        return 1

    answer = described(app, "")["paths"]["/v1/things"]["get"]["responses"]["429"]
    assert answer["description"] == "Of things there are few."
    assert "too-many" in answer["content"]["application/problem+json"]["examples"]


def test_every_kind_of_problem_has_an_example_of_its_own():
    """Nobody has to guess what a refusal looks like."""
    for kind in KINDS:
        (answer,) = refusals(kind).values()
        example = answer["content"]["application/problem+json"]["examples"][kind]["value"]
        jsonschema.validate(example, PROBLEM)
        assert example["detail"] != "what to do about it", kind


def test_tokens_are_got_as_it_says():
    """Client credentials, at the provider's address, for the scopes that routes ask for."""
    (scheme,) = DESCRIBED["components"]["securitySchemes"].values()
    flow = scheme["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "https://provider.example/oauth/token"
    assert flow["scopes"] == SCOPES
    asked = {scope for said in OPERATIONS.values() for each in said.get("security", ()) for scope in each["oauth2"]}
    assert asked <= SCOPES.keys()
    assert asked


def test_the_page_needs_no_other_host(door):
    """A bank's developer has no way to the internet: what the page loads, the gateway serves."""
    page = door.ask("GET", "/docs", token="")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for path in loaded:
        assert path.startswith("/")
        found = door.ask("GET", path, token="")
        assert found.status_code == 200
        assert found.text
    for name in ("page.html", "page.css", "page.js"):
        text = files("producers.gateway").joinpath("page", name).read_text("utf-8")
        assert not re.search(r"https?://|//cdn|@import|url\(", text)


def test_the_page_may_run_its_own_script_and_reach_the_token_endpoint(make_door):
    """And nothing else: no script in the page, no other host, no frame."""
    policy = (
        make_door(door=Door("https://provider.example/oauth/token"))
        .ask("GET", "/docs")
        .headers["content-security-policy"]
    )
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self' https://provider.example" in policy
    assert "unsafe" not in policy
    html = files("producers.gateway").joinpath("page", "page.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*src=)|<style| on[a-z]+=| style=", html)
    script = files("producers.gateway").joinpath("page", "page.js").read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Storage", script)


def test_the_page_s_script_finds_what_it_looks_for():
    """Each element that the script names is in the page."""
    html, script = (
        files("producers.gateway").joinpath("page", name).read_text("utf-8") for name in ("page.html", "page.js")
    )
    asked = set(re.findall(r'by\("([a-z_]+)"\)', script))
    assert len(asked) > 5
    assert asked <= set(re.findall(r'id="([a-z_]+)"', html))


def test_the_page_shows_inline_code_as_code():
    """Nobody reads backticks: each text of the description is taken apart by them before it is shown."""
    script = files("producers.gateway").joinpath("page", "page.js").read_text("utf-8")
    shown = re.findall(r"(\w*\(?)\b\w+(?:\.info)?\.(?:summary|description)\b", script)
    assert len(shown) > 5
    assert set(shown) == {"said("}
