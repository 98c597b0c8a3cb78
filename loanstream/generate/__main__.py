"""`python -m loanstream.generate` writes every generated file; `--check` names stale ones.

`--release` takes a new event version's schema into schemas/released/, the contract that later changes are held against.
"""

import sys

from loanstream.generate.files import release, stale, write


def main(arguments: list[str]) -> int:
    """The exit code: 0; 1 where a file is stale; 2 for unknown arguments."""
    match arguments:
        case []:
            write()
        case ["--release"]:
            for path in release():
                sys.stdout.write(f"released {path}\n")
        case ["--check"]:
            for path in (found := stale()):
                sys.stderr.write(f"stale: {path}; run python -m loanstream.generate\n")
            return 1 if found else 0
        case _:
            sys.stderr.write("usage: python -m loanstream.generate [--check | --release]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
