"""`python -m loanstream` is the command `loanstream`."""

import sys

from loanstream.cli import main

sys.exit(main())
