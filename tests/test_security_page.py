"""SECURITY.md says of each attack which test fails if it succeeds; and no key lies in the repository."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
NOT_IN_EVERY_RUN = "tests/oidc/"

ATTACKS = (
    "No token",
    "An expired token",
    "A token for another audience, or of another issuer",
    "A foreign signature",
    "Algorithm none",
    "HS256 with the public key as its secret",
    "An unknown kid, or a key in the token",
    "A token without client_id",
    "A token of another tenant",
    "Writing to another tenant's topic",
    "Writing to a decision topic",
    "Writing to the control topic",
    "Reading another tenant's decisions, by subscribe",
    "Reading another tenant's decisions, by assign",
    "Joining another tenant's group",
    "Using another's transactional id",
    "Creating topics or ACLs",
    "Listing topics beyond one's own",
    "Plaintext to a TLS port",
    "A client certificate of another stage",
    "The tenant forged in the body",
    "An Idempotency-Key replayed with another body",
    "Path traversal in document names and ids",
    "A body of 100 MB",
    "A slow body",
    "Header and log injection",
    "The JWKS endpoint down, slow, or serving garbage",
    "An old key after rotation",
)


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@cache
def collected_in(path: str) -> frozenset[str]:
    """The functions that pytest takes for tests in a file: those at its top, without a mark that leaves them out."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not any("skip" in ast.dump(mark) or "xfail" in ast.dump(mark) for mark in node.decorator_list)
    )


def test_every_attack_has_its_row():
    """What must fail is told: what happens, what the log says, and which test tries it."""
    found = {cells[0]: cells for cells in rows("Attacks that fail")}
    assert found.keys() >= set(ATTACKS)
    for cells in found.values():
        assert len(cells) == 4
        assert all(cells)
        assert TEST.search(cells[-1]), cells[0]


def test_every_protection_names_its_test():
    """A protection that no test holds is a hope."""
    for cells in rows("What protects, besides"):
        assert TEST.search(cells[-1]), cells[0]


@pytest.mark.parametrize("path", sorted({path for path, _ in TEST.findall(PAGE)}))
def test_every_test_that_is_named_is_there(path):
    """By its file and name, in a file of every run."""
    assert Path(path).name.startswith("test_")
    assert not path.startswith(NOT_IN_EVERY_RUN)
    named = {name for found, name in TEST.findall(PAGE) if found == path}
    assert named <= collected_in(path)


def test_its_links_lead_somewhere():
    """A page that one is sent to is there."""
    for target in LINK.findall(PAGE):
        assert (ROOT / target).exists(), target


KEY_MATERIAL = re.compile(
    rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"  # PEM
    rb'|"d"\s*:\s*"[A-Za-z0-9_-]{40,}"'  # a private JWK
    rb'|"(?:receipt|document|column)_key"\s*:\s*"[0-9a-f]{64}"'  # a key file of ours
    rb"|eyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{40,}"  # a token
    rb"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
)
PACKED = frozenset({".gz", ".xz", ".zip", ".tar", ".7z", ".zst"})
STATES = "tests/integration/states/"
"""Packed states of other versions, with the keys of made-up banks, which open nothing else: an upgrade goes on with them."""
SUFFIXES_OF_KEYS = frozenset({".pem", ".key", ".p12", ".pfx", ".jks", ".keystore"})


def test_no_key_is_in_the_repository():
    """Of no file under version control: tests and stacks make theirs when they run."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    assert len(files) > 500
    held = [path for path in files if path.suffix in SUFFIXES_OF_KEYS]
    held += [path for path in files if path.is_file() and KEY_MATERIAL.search(path.read_bytes())]
    names = [str(path.relative_to(ROOT)) for path in files if path.suffix in PACKED]  # which nobody can search
    assert [str(path.relative_to(ROOT)) for path in held] + [
        name for name in names if not name.startswith(STATES)
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49",
        "-----BEGIN EC " + "PRIVATE KEY-----\nMHcCAQEEIBadkeyBadkeyBadkey",
        '"d": "' + "a" * 43 + '"',
        '"receipt_key": "' + "0" * 64 + '"',
        ".".join(["eyJ" + "a" * 20, "eyJ" + "b" * 20, "c" * 86]),
    ],
)
def test_a_key_would_be_seen(text):
    """Each form that a key of ours has."""
    assert KEY_MATERIAL.search(text.encode())
