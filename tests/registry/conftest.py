"""The tests of the registry share how control records are made (`control_records`)."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # test folders are no packages
