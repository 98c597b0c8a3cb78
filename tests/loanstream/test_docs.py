"""The documents are finished and lead on: no cell waits for its figure, no link into nothing."""

import ast
import builtins
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from processors.transport.meters import METERS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACEHOLDER = re.compile(r"^(?!LOANSTREAM_)[A-Z][A-Z_]{2,}$")
UNFINISHED = re.compile(r"\b(?:TODO|TBD|XXX|FIXME)\b")
ABBREVIATIONS = {"ACR", "DTI", "LIME", "LTI", "PDO"}
"""Terms that are written so, of the glossary and of methods."""
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"^[a-z]+:")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")


def unfinished(text: str) -> list[str]:
    """Words that stand for something still to be written: alone in a table's cell, or marks of an author."""
    rows = (line for line in text.splitlines() if line.startswith("|"))
    cells = [cell.strip(" `*") for row in rows for cell in row.split("|")]
    return [cell for cell in cells if PLACEHOLDER.match(cell) and cell not in ABBREVIATIONS] + UNFINISHED.findall(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_holds_no_placeholder(document):
    """A reader finds figures and sentences, and nothing that somebody meant to fill in."""
    assert unfinished(document.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("| figure | LATENCY | yes |", ["LATENCY"]),
        ("| figure | 34 | `REACHED_BY` |", ["REACHED_BY"]),
        ("the date is TBD", ["TBD"]),
        ("| `LOANSTREAM_STATE` is a variable | GET /readyz | DTI | A |", []),
        ("ROUNDS of words in a sentence", []),
    ],
)
def test_a_placeholder_is_seen_and_a_name_is_none(text, found):
    """In tables a word in capitals alone; everywhere an author's mark."""
    assert unfinished(text) == found


def test_the_page_on_scraping_asks_for_metrics_that_there_are():
    """Whoever copies a question gets an answer: each metric and each label is one of the table."""
    text = (ROOT / "docs" / "scrape.md").read_text("utf-8")
    suffixes = {"counter": ("_total",), "gauge": ("",), "seconds": ("_bucket", "_sum", "_count")}
    there = {f"loanstream_{row.name}{suffix}" for row in METERS for suffix in suffixes[row.kind]}
    asked = set(re.findall(r"\bloanstream_\w+", text))
    assert asked
    assert asked <= there
    labels = {"stage", "slot", "le"}.union(*(row.labels for row in METERS))
    assert {name.strip() for found in re.findall(r"by \(([^)]*)\)", text) for name in found.split(",")} <= labels


def anchors(text: str) -> set[str]:
    """What a page's headings are called in links, as GitHub calls them."""
    headings = HEADING.findall(FENCED.sub("", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(text: str, folder: Path) -> list[str]:
    """Of a page in `folder`: relative links to no file, to no heading, or by the name of code that its file lacks."""
    links = LINK.findall(FENCED.sub("", text))
    return [
        link for shown, link in links if not ELSEWHERE.match(link) and not leads_somewhere(shown, link, text, folder)
    ]


def leads_somewhere(shown: str, link: str, text: str, folder: Path) -> bool:
    """Whether a relative link of the page `text` in `folder` names what is there."""
    path, _, anchor = link.partition("#")
    if not (folder / path).exists():
        return False
    if anchor:
        return anchor in anchors((folder / path).read_text("utf-8") if path else text)
    name = NAME.fullmatch(shown)
    return name is None or not path.endswith(".py") or name[1] in (folder / path).read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document):
    """Who follows a link finds the file, the heading and the test that were promised."""
    assert broken_links(document.read_text("utf-8"), document.parent) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[gone](nowhere.md) and ![drawn](gone.svg)", ["nowhere.md", "gone.svg"]),
        ("[gone](glossary.md#no-such-word)", ["glossary.md#no-such-word"]),
        ("[gone](#below)", ["#below"]),
        ("# How it ends\n[here](#how-it-ends) [there](glossary.md#glossary) [web](https://example.org/a#b)", []),
        ("```\n# below\n[shown](nowhere.md)\n```\n[gone](#below)", ["#below"]),
        ("[`gone_from_it`](../tests/conftest.py)", ["../tests/conftest.py"]),
        ("[`sample_csv`](../tests/conftest.py) [`conftest.py`](../tests/conftest.py)", []),
    ],
)
def test_a_broken_link_is_seen(text, found):
    """A file, a heading or a name that is not there; what is outside of the repository is not asked for."""
    assert broken_links(text, ROOT / "docs") == found


PAGE = (ROOT / "docs" / "write-a-policy.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
WILD = "…"


def examples(page: str) -> list[tuple[str, str]]:
    """Every command that a page shows in a block called console, with what it shows below it."""
    shown = "".join(text for kind, text in BLOCK.findall(page) if kind == "console")
    parts = re.split(r"^\$ ", shown, flags=re.MULTILINE)[1:]
    return [(command, said) for command, _, said in (part.partition("\n") for part in parts)]


def is_what_is_shown(said: str, shown: str) -> bool:
    """Whether an answer is the one that a page shows; the page leaves out what it writes as an ellipsis."""
    pattern = r"\S+".join(re.escape(part) for part in shown.strip().split(WILD))
    return re.fullmatch(pattern, said.strip()) is not None


@pytest.fixture
def as_shown(tmp_path, monkeypatch):
    """Runs a page's commands in one directory, with the files that the page shows."""
    from loanstream.cli.main import main

    monkeypatch.chdir(tmp_path)
    (csv,) = [text for kind, text in BLOCK.findall(PAGE) if kind == "csv"]
    Path("loans.csv").write_text(csv)

    def run(command, capfd):
        words = shlex.split(command)
        if words[0] == "loanstream":
            main(words[1:])
        else:
            subprocess.run(command, shell=True, check=True)
        written = capfd.readouterr()
        return written.out + written.err

    return run


def test_the_page_for_policy_authors_shows_what_its_commands_say(as_shown, capfd):
    """Whoever types what stands there sees what stands there."""
    shown = examples(PAGE)
    assert len(shown) > 5
    for command, said in shown:
        answer = as_shown(command, capfd)
        assert is_what_is_shown(answer, said), (command, answer)


def test_the_own_reasons_that_are_shown_can_be_put_under_a_policys_rules():
    """The rows are sound as they stand there, the one about a missing score in the place of the template's."""
    from loanstream.cli.policy_template import template_text
    from scoring.policy_document import parse_policy

    dear, no_score, _ = [text for kind, text in BLOCK.findall(PAGE) if kind == "yaml"]
    assert parse_policy(template_text() + dear).rules[-1].code == "own_dear_for_income"
    without = "".join(line for line in template_text().splitlines(keepends=True) if "thin_file" not in line)
    assert parse_policy(without + no_score).rules[-1].code == "own_no_score"


def test_what_is_shown_of_affordability_is_what_the_default_does():
    """The page's rows are those of `standard`, number for number."""
    from scoring.policy_document import parse_policy
    from scoring.shipped import shipped_policy_text

    *_, affordable = [text for kind, text in BLOCK.findall(PAGE) if kind == "yaml"]
    head = "name: shown\npoints: {score: 600, pdo: 20}\nbands: {approve: 0.7, decline: 0.3}\npenalties: []\nrules:\n"
    shown = parse_policy(head + affordable).rules
    assert len(shown) == 3
    assert set(shown) <= set(parse_policy(shipped_policy_text("standard")).rules)


@pytest.mark.parametrize(
    ("said", "shown", "same"),
    [
        ("good: sha256:ab\n", "good: sha256:…\n", True),
        ("good", "good: …", False),
        ("a\nb", "a\n", False),
        ("", "", True),
    ],
)
def test_an_answer_that_is_another_is_seen(said, shown, same):
    """An ellipsis stands for one word, and for no line."""
    assert is_what_is_shown(said, shown) is same


def commands_of(page: str) -> set[str]:
    """Every command `loanstream VERB ...` that a page shows, in a block or within a sentence."""
    said = [line.strip().removeprefix("$ ") for block in FENCED.findall(page) for line in block.splitlines()]
    said += [" ".join(text.split()) for text in re.findall(r"`([^`]+)`", FENCED.sub("", page))]
    return {line for line in said if re.match(r"loanstream [a-z]+( [^ ]|$)", line)}


def unknown_of(command: str) -> list[str]:
    """The verb, or the options, that a command has and the command line does not."""
    from loanstream.cli.main import VERBS, application

    words = command.partition("#")[0].split()[1:]
    if words[0] not in VERBS:
        return [words[0]]
    found = application().get_command(None, words[0])
    if len(words) > 1 and words[1] in getattr(found, "commands", {}):
        found = found.commands[words[1]]
    known = {name for option in found.params for name in option.opts} | {"--help"}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda page: page.name,
)
def test_every_command_that_a_page_shows_can_be_typed(page):
    """Its verb is there, and each of its options."""
    unknown = {command: unknown_of(command) for command in sorted(commands_of(page.read_text("utf-8")))}
    assert {command: words for command, words in unknown.items() if words} == {}


def test_a_command_that_cannot_be_typed_is_seen():
    """In a block and within a sentence, by its verb or by an option."""
    page = "```\nloanstream dance\nloanstream dlq list --waiting # all\n```\nand `loanstream train --in there`"
    assert {command: unknown_of(command) for command in commands_of(page)} == {
        "loanstream dance": ["dance"],
        "loanstream dlq list --waiting # all": [],
        "loanstream train --in there": ["--in"],
    }


PROGRAM = re.compile(
    r"^```python\n(.*?)^```|^python3? -[^\n]*<<'END'[^\n]*\n(.*?)^END$",
    re.DOTALL | re.MULTILINE,
)


def programs_of(page: str) -> list[str]:
    """Every Python program that a page shows: in a block of its own, or handed to `python -` in a shell's."""
    return [of_its_own or handed for of_its_own, handed in PROGRAM.findall(page)]


def unbound_in(program: str) -> set[str]:
    """The names that a program uses and nothing in it makes. Raises SyntaxError."""
    tree = ast.parse(program)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | set(dir(builtins)) | {"__file__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(each.asname or each.name).partition(".")[0] for each in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
    return {node.id for node in names} - made


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_program_that_a_page_shows_can_be_pasted(document):
    """It is Python, and names nothing that the reader would have to guess."""
    assert [names for program in programs_of(document.read_text("utf-8")) if (names := unbound_in(program))] == []


def test_a_program_that_cannot_be_pasted_is_seen():
    """In a block of Python and in a shell's."""
    page = (
        "```python\nimport json\nprint(json.dumps(state))\n```\n```\npython - <<'END' | curl\nprint(secret)\nEND\n```\n"
    )
    assert [unbound_in(program) for program in programs_of(page)] == [{"state"}, {"secret"}]
