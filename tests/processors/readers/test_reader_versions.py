"""A reader's version is another one whenever anything changed that decides what it reads."""

import ast
import re
import shutil
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import pytest

from processors.identity import ROOMS
from processors.readers import versions
from processors.readers.versions import TEXT_SOURCES, text_reader, version_of

ROOT = Path(str(resources.files("processors"))).parent
SANDBOX = "processors.readers.sandbox.zygote"
"""What runs in the child, and so all that sees the document."""


def copied(to: Path) -> dict[str, Path]:
    """The reader's sources, at another place."""
    for path in TEXT_SOURCES:
        target = to / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, target)
    return {path: to / path for path in TEXT_SOURCES}


def imported(module: str) -> set[str]:
    """The files of our own that a module imports, directly or not, and its own."""
    seen: dict[str, str] = {}
    asked = [module]
    while asked:
        name = asked.pop()
        spec = find_spec(name) if name.partition(".")[0] in ROOMS and name not in seen else None
        if spec is None or spec.origin is None:
            continue
        seen[name] = spec.origin
        for node in ast.walk(ast.parse(Path(spec.origin).read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                asked += [node.module]
                # A name may be a module itself, where the one it is imported from is a package.
                package = find_spec(node.module) if node.module.partition(".")[0] in ROOMS else None
                if package is not None and package.submodule_search_locations is not None:
                    asked += [
                        f"{node.module}.{one.name}"
                        for one in node.names
                        if find_spec(f"{node.module}.{one.name}") is not None
                    ]
            elif isinstance(node, ast.Import):
                asked += [one.name for one in node.names]
    return {str(Path(origin).relative_to(ROOT)) for origin in seen.values()}


def test_the_reader_of_text_layers_has_a_name_and_a_version():
    """Extractions say the name; the version tells what one make of the reader found from what another did."""
    assert text_reader().name == "text"
    assert re.fullmatch(r"[0-9a-f]{12}", text_reader().version)


@pytest.mark.parametrize(
    "path",
    sorted(
        str(path.relative_to(ROOT))
        for one in TEXT_SOURCES
        for path in (ROOT / one, *(ROOT / one).rglob("*.py"))
        if path.is_file()
    ),
)
def test_a_mended_reader_is_another_one(tmp_path, path):
    """Any byte of a parser, of a limit or of a code it may say: what the reader said before is not believed any more."""
    sources = copied(tmp_path)
    before = version_of(sources, ["pdfium 1"])
    with (tmp_path / path).open("ab") as file:
        file.write(b"\n")
    assert version_of(sources, ["pdfium 1"]) != before


def test_another_library_is_another_reader(tmp_path):
    """PDFium decides what text a page has, so its builds are told apart too."""
    sources = copied(tmp_path)
    seen = {version_of(sources, libraries) for libraries in (["5.15", "159"], ["5.16", "159"], ["5.15", "160"])}
    assert len(seen) == 3


def test_an_installed_reader_is_that_of_the_checkout(tmp_path, monkeypatch):
    """The same sources are the same reader, wherever they lie and with whatever is compiled beside them."""
    sources = copied(tmp_path)
    (tmp_path / "processors/readers/text/__pycache__").mkdir()
    (tmp_path / "processors/readers/text/__pycache__/payslip.cpython-311.pyc").write_bytes(b"compiled")
    monkeypatch.setattr(versions, "_source", sources.__getitem__)
    text_reader.cache_clear()
    elsewhere = text_reader()
    monkeypatch.undo()
    text_reader.cache_clear()
    assert elsewhere == text_reader()


def test_nothing_that_reads_is_left_out():
    """Every module of ours that a document meets is among the sources, so that none is mended unnoticed."""
    reading = {path for path in imported(SANDBOX) if not path.endswith("__init__.py")}
    assert "processors/readers/text/amounts.py" in reading
    assert {path for path in reading if not path.startswith(TEXT_SOURCES)} == set()
