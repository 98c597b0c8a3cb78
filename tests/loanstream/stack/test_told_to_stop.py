"""A process that is told to stop stops, at whichever moment it is told."""

import subprocess
import sys

IN_A_STORM = """
import signal, time
from loanstream.stack.told import ToldToStop

class Again(ToldToStop):
    # As if nobody had told yet: what is tried is the moment, not the second wait after it.
    def forget(self):
        import os
        os.read(self._read, 4096)

told = Again((signal.SIGALRM,))
assert not told.is_set()
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
heard = 0
while heard < 20_000:
    if told.wait(0.00002):
        heard += 1
        told.forget()
signal.setitimer(signal.ITIMER_REAL, 0)
print(heard)
"""


def test_no_moment_is_wrong_to_be_told():
    """Signals come in thousands between any two steps of the one that waits, and each is heard: none finds it holding a
    lock that the handler needs.
    """
    ran = subprocess.run([sys.executable, "-c", IN_A_STORM], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "20000\n"
