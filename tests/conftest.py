"""What every test run has: the address of the public data sets, and a closing line that says whether they were used."""

import os
from pathlib import Path

PUBLIC_DATA = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_terminal_summary(terminalreporter) -> None:
    """Say which data the tests of training, files and the spine ran on."""
    found = (PUBLIC_DATA / "loan_approval_dataset.csv").is_file()
    said = "the public loan data" if found else "seeded data of the public set's layout (LOANSTREAM_DATA names none)"
    terminalreporter.write_line(f"data: {said}")
