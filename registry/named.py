"""Bundles and policies by their names: shipped ones, folders and files."""

import codecs
from pathlib import Path

from registry.pairs import fault_of_pair, meant_bundle
from schemas.problem import Problem
from scoring.bundle import Bundle, load_bundle
from scoring.policy import Policy, PolicyError
from scoring.policy_document import parse_policy
from scoring.shipped import BUNDLES, POLICIES, shipped_bundle_files, shipped_policy_text


def bundle_files(named: str) -> dict[str, bytes]:
    """The files of a shipped bundle (by name) or of a folder. Problem where there is neither."""
    if named in BUNDLES:
        return shipped_bundle_files(named)
    folder = Path(named)
    if not (folder / "manifest.json").is_file():
        raise Problem(f"no bundle {named}: expected {', '.join(BUNDLES)}, or a folder that train wrote")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def policy_text(named: str) -> str:
    """The text of a shipped policy (by name) or of a file.

    Problem where there is neither, PolicyError where the file holds no text.
    """
    if named in POLICIES:
        return shipped_policy_text(named)
    if not Path(named).is_file():
        raise Problem(f"no policy {named}: expected {', '.join(POLICIES)}, or a YAML file")
    data = Path(named).read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PolicyError(1, "text in UTF-16: expected UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PolicyError(data.count(b"\n", 0, error.start) + 1, "not UTF-8 text") from error


def named_policy(named: str) -> Policy:
    """A shipped policy (by name), or that of a file. Problem where there is neither, or with the line that is wrong."""
    try:
        return parse_policy(policy_text(named))
    except PolicyError as error:
        raise Problem(f"{Path(named).name}: {error}") from error


def load(bundle: str | None, policy: str) -> tuple[Bundle, Policy]:
    """Both, checked as a worker would check them; None: the bundle that the policy is meant for. Problem, too, where it
    is meant for another one.
    """
    read = named_policy(policy)
    loaded = load_bundle(bundle_files(bundle or meant_bundle(read)))
    if fault := fault_of_pair(loaded, read):
        raise Problem(f"{fault}: expected --bundle {read.bundle}, or another policy")
    return loaded, read
