"""Which code made an event."""

import re

from processors.identity import code_version, sources_hash


def test_the_code_version_is_the_release_and_the_sources():
    """A receipt's code version tells two commits of one release apart."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}", code_version())


def test_any_change_of_a_source_is_another_code(tmp_path):
    """A byte, a name, a new file: each gives another hash; files that are no source do not."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.py").write_bytes(b"x = 1\n")
    (tmp_path / "a.py").write_bytes(b"y = 2\n")
    seen = [sources_hash({"room": tmp_path})]
    (tmp_path / "notes.txt").write_bytes(b"")
    assert sources_hash({"room": tmp_path}) == seen[0]
    for change in (
        lambda: (tmp_path / "a.py").write_bytes(b"y = 3\n"),
        lambda: (tmp_path / "a.py").rename(tmp_path / "c.py"),
        lambda: (tmp_path / "inner" / "d.py").write_bytes(b""),
    ):
        change()
        seen.append(sources_hash({"room": tmp_path}))
    assert len(set(seen)) == 4
