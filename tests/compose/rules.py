"""What must hold of docker-compose.yml and the Dockerfile, one small function each: it yields a line for each fault."""

import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema

from loanstream.cli.main import VERBS
from loanstream.deploy.certificates import AUTHORITY, SERVICES
from loanstream.settings import PREFIX, SETTINGS
from tests.compose.files import OURS, ROOT, Files, mounts_of, secrets_of

Rule = Callable[[Files], Iterator[str]]

SCHEMA = json.loads((Path(__file__).with_name("compose-spec.json")).read_text("utf-8"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SECRETS = "./deploy/compose/secrets/"
VERSION = re.compile(r"\d+\.\d+[\w.-]*")
SOUNDS_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|KEY(?!STORE)")
PLACE = re.compile(r"/\S+|https?://[^@\s]+")
"""A path, or an address without a password in it: what may stand where a name sounds like a secret."""
RANDOM = re.compile(r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/_-]{24,}={0,2}")
HIDDEN_IN_JSON = re.compile(r"password|secret|\.pem$|jaas")


def of_the_specification(files: Files) -> Iterator[str]:
    """The file is one that the Compose specification describes."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    yield from (f"{error.json_path}: {error.message}" for error in validator.iter_errors(files.compose))


def pinned(files: Files) -> Iterator[str]:
    """Every image is named with its version: the same file brings the same programs up tomorrow."""
    images = [service["image"] for service in files.services.values()]
    images += [words[1] for words in _instructions(files, "FROM")]
    for image in images:
        _, _, tag = image.rpartition("/")[2].partition(":")
        if VERSION.match(tag) is None:
            yield f"{image}: no version"


def own_image_is_this_release(files: Files) -> Iterator[str]:
    """Our image is called by the version that is built into it."""
    wanted = OURS + PYPROJECT["project"]["version"]
    for name, service in files.ours.items():
        if service["image"] != wanted or service.get("build") != ".":
            yield f"{name}: {service['image']}, expected {wanted}, built from here"


def dependencies_are_awaited(files: Files) -> Iterator[str]:
    """Whoever needs another waits until it is well, or has done its work; to have been started says nothing."""
    for name, service in files.services.items():
        needs = service.get("depends_on", {})
        if not isinstance(needs, dict):
            yield f"{name}: depends on {needs}, and awaits none of them"
            continue
        for other, how in needs.items():
            found = files.services.get(other)
            if found is None:
                yield f"{name}: {other} is no service"
            elif how["condition"] == "service_healthy" and not _is_checked(found):
                yield f"{name}: {other} has no health check"
            elif how["condition"] == "service_completed_successfully" and found.get("restart") != "no":
                yield f"{name}: {other} never ends"
            elif how["condition"] == "service_started":
                yield f"{name}: does not wait for {other}"


def what_runs_is_checked(files: Files) -> Iterator[str]:
    """Whatever is to run on comes back by itself, and says whether it is well."""
    for name, service in files.services.items():
        if service.get("restart") == "no":
            continue
        if service.get("restart") != "unless-stopped":
            yield f"{name}: does not come back"
        if not _is_checked(service):
            yield f"{name}: no health check"


def _is_checked(service: Mapping[str, Any]) -> bool:
    check = service.get("healthcheck", {})
    return bool(check.get("test")) and check["test"] != ["NONE"] and not check.get("disable")


def no_literal_secret(files: Files) -> Iterator[str]:
    """No secret stands in the file: each is a file that git does not know."""
    direct = {row.variable for row in SETTINGS if row.secret}
    for name, service in files.services.items():
        for variable, value in service.get("environment", {}).items():
            text = str(value)
            if variable in direct:
                yield from (f"{name}: {variable} holds {key}" for key in _hidden_in(text))
            elif SOUNDS_SECRET.search(variable) and PLACE.fullmatch(text) is None and variable not in NO_SECRETS:
                yield f"{name}: {variable} is no path"
            if RANDOM.search(text) or re.search(r"://[^/\s]*:[^/\s]*@", text):
                yield f"{name}: {variable} looks like a secret"
        words = [*_words(service.get("command")), *_words(service.get("entrypoint"))]
        yield from (f"{name}: its command looks like a secret" for word in words if RANDOM.search(word))
    for name, secret in files.compose["secrets"].items():
        if secret != {"file": SECRETS + name}:
            yield f"secret {name}: is no file of its name in {SECRETS}"


NO_SECRETS = {"KAFKA_SASL_OAUTHBEARER_SUB_CLAIM_NAME"}
"""Names that sound like a secret's and are none."""


def _hidden_in(text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        yield "a secret"
        return
    yield from (key for key in found if HIDDEN_IN_JSON.search(key))


def secrets_are_there(files: Files) -> Iterator[str]:
    """A path in /run/secrets is a secret that this service was given, and none is given for nothing."""
    given: set[str] = set()
    for name, service in files.services.items():
        there = secrets_of(service)
        given |= set(there.values())
        for missing in set(there.values()) - set(files.compose["secrets"]):
            yield f"{name}: secret {missing} is not declared"
        texts = [str(value) for value in service.get("environment", {}).values()]
        texts += [(ROOT / source).read_text("utf-8") for source in _files_of(service) if (ROOT / source).is_file()]
        asked = {found for text in texts for found in re.findall(r"/run/secrets/([\w-]+)", text)}
        yield from (f"{name}: /run/secrets/{path} is not given" for path in sorted(asked - set(there)))
        if not any("with-secrets" in word for word in _words(service.get("entrypoint"))):
            yield from (f"{name}: secret {path} is given, and nobody reads it" for path in sorted(set(there) - asked))
    yield from (f"secret {name}: nobody has it" for name in sorted(set(files.compose["secrets"]) - given))


def settings_exist(files: Files) -> Iterator[str]:
    """Every variable that our own processes get is a setting that they read."""
    known = {name for row in SETTINGS for name in (row.variable, row.file_variable) if name}
    for name, service in files.services.items():
        mine = {variable for variable in service.get("environment", {}) if variable.startswith(PREFIX)}
        wrong = mine - known if name in files.ours else mine
        wrong |= set(service.get("environment", {})) - mine if name in files.ours else set()
        yield from (f"{name}: {variable} is no setting" for variable in sorted(wrong))


def mounted_files_exist(files: Files) -> Iterator[str]:
    """What is mounted from the repository is there: an engine would make an empty directory in its place."""
    for name, service in files.services.items():
        yield from (f"{name}: {source} is not there" for source in _files_of(service) if not _is_there(ROOT / source))


def _is_there(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def volumes_are_declared(files: Files) -> Iterator[str]:
    """Every named volume is declared, and every one that is declared is mounted."""
    mounted = {
        source
        for service in files.services.values()
        for source, _ in mounts_of(service).values()
        if not source.startswith((".", "/"))
    }
    yield from (f"volume {name}: not declared" for name in sorted(mounted - set(files.compose["volumes"])))
    yield from (f"volume {name}: nobody mounts it" for name in sorted(set(files.compose["volumes"]) - mounted))


def faces_are_ones_own(files: Files) -> Iterator[str]:
    """Each service sees its own key and certificate and nobody else's; nobody but `pki` sees the authority's key."""
    expected = {f"tls-{place}": {place: "/tls"} for place in SERVICES} | {AUTHORITY: {}}
    found: dict[str, dict[str, str]] = {volume: {} for volume in expected}
    makes: dict[str, str] = {}
    for name, service in files.services.items():
        for target, (source, writable) in mounts_of(service).items():
            if source not in expected:
                continue
            if name == "pki":
                makes[source] = target
            else:
                found[source][name] = target
                if writable:
                    yield f"{name}: can write {source}"
    for volume in expected:
        if found[volume] != expected[volume]:
            yield f"{volume}: mounted by {found[volume]}, expected {expected[volume]}"
        if makes.get(volume) != f"/pki/{volume.removeprefix('tls-')}":
            yield f"{volume}: pki makes it at {makes.get(volume)}"


def copies_exist(files: Files) -> Iterator[str]:
    """What the Dockerfile copies is in the repository and goes to the builder."""
    for words in _instructions(files, "COPY"):
        sources = [word for word in words[1:-1] if not word.startswith("--")]
        if any(word.startswith("--from=") for word in words):
            continue
        for source in sources:
            if not (ROOT / source).exists():
                yield f"COPY {source}: is not there"
            elif _is_ignored(source, files.dockerignore):
                yield f"COPY {source}: .dockerignore leaves it out"


def secrets_stay_here(files: Files) -> Iterator[str]:
    """Neither a secret nor the history goes to the builder."""
    for private in (SECRETS.removeprefix("./") + "warehouse-writer", ".git/config", ".venv/bin/python", ".env"):
        if not _is_ignored(private, files.dockerignore):
            yield f"{private}: goes to the builder"


def nobody_is_root(files: Files) -> Iterator[str]:
    """Our processes run as a user of their own; `pki` alone is root, to give keys away, and has no network."""
    users = _instructions(files, "USER")
    if not users or users[-1][1] in {"root", "0", "0:0"}:
        yield "the image runs as root"
    for name, service in files.ours.items():
        if name != "pki" and ("user" in service or "cap_add" in service or service.get("privileged")):
            yield f"{name}: more rights than the image's user has"
        if service.get("cap_drop") != ["ALL"]:
            yield f"{name}: keeps capabilities"
    pki = files.services["pki"]
    if pki.get("network_mode") != "none" or pki.get("cap_add") != ["CHOWN"]:
        yield "pki: root, with more than it needs"


def entry_points_exist(files: Files) -> Iterator[str]:
    """Each command of our image begins with something that it has: a verb, a module, a shell, Python that compiles."""
    for name, service in files.ours.items():
        yield from (f"{name}: {fault}" for fault in _unrunnable(_words(service.get("command"))))
        test = service.get("healthcheck", {}).get("test")
        if test:
            yield from (f"{name}: health check: {fault}" for fault in _unrunnable(test[1:]))
    commands = [words[1:] for words in _instructions(files, "CMD")]
    yield from (f"CMD: {fault}" for words in commands for fault in _unrunnable(json.loads(" ".join(words))))


def _unrunnable(words: list[str]) -> Iterator[str]:
    match words:
        case ["loanstream", verb, *_]:
            if PYPROJECT["project"]["scripts"].get("loanstream") is None:
                yield "no script loanstream"
            if verb not in {*VERBS, "--help"}:
                yield f"no verb {verb}"
        case ["python", "-m", module, *_]:
            if importlib.util.find_spec(module) is None:
                yield f"no module {module}"
        case ["python", "-c", program]:
            try:
                compile(program, "-c", "exec")
            except SyntaxError:
                yield "its program does not compile"
        case ["sh", "-euc", _]:
            pass
        case _:
            yield f"nobody knows whether {words[:1]} is there"


def installs_what_is_locked(files: Files) -> Iterator[str]:
    """Every package is held against its hash, and the Dockerfile names no place to fetch it from."""
    for words in _instructions(files, "RUN"):
        for part in " ".join(words[1:]).split("&&"):
            command = shlex.split(part)
            if "install" not in command or "pip" not in command[0]:
                continue
            if "--no-index" in command:
                continue
            if "--require-hashes" not in command or "--only-binary" not in command:
                yield f"{part.strip()}: not held against hashes, or built by what is not"
    if re.search(r"index-url|https?://(?!example)", files.dockerfile):
        yield "the Dockerfile names a host"


def _instructions(files: Files, kind: str) -> list[list[str]]:
    """The words of each instruction of a kind, its continued lines joined."""
    lines = "\n".join(line for line in files.dockerfile.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines).splitlines()
    return [line.split() for line in joined if line.startswith(f"{kind} ")]


def _is_ignored(path: str, dockerignore: str) -> bool:
    """Whether .dockerignore leaves it out: the last line that matches it, or a folder above it, decides."""
    above = [str(part) for part in (PurePosixPath(path), *PurePosixPath(path).parents) if str(part) != "."]
    ignored = False
    for line in dockerignore.splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#") and any(fnmatch(each, pattern.removeprefix("!")) for each in above):
            ignored = not pattern.startswith("!")
    return ignored


def _files_of(service: Mapping[str, Any]) -> list[str]:
    return [source for source, _ in mounts_of(service).values() if source.startswith(".")]


def _words(command: str | list[str] | None) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else list(command or [])


RULES: tuple[Rule, ...] = (
    of_the_specification,
    pinned,
    own_image_is_this_release,
    dependencies_are_awaited,
    what_runs_is_checked,
    no_literal_secret,
    secrets_are_there,
    settings_exist,
    mounted_files_exist,
    volumes_are_declared,
    faces_are_ones_own,
    copies_exist,
    secrets_stay_here,
    nobody_is_root,
    entry_points_exist,
    installs_what_is_locked,
)
