"""The tests of questions share the topics of one bank (`bank_topics`)."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # test folders are no packages
