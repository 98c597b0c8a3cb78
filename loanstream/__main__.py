"""`python -m loanstream` is the command `loanstream`."""

import sys

from loanstream.cli.main import main

sys.exit(main())
