"""The short version of the soak of tokens: over twelve lives of three seconds, on a stack of its own whose tokens live so long.

`make chaos` has the long one.
"""

from pathlib import Path

from loanstream.lab.chaos.short_lived import short_lived
from loanstream.lab.chaos.tokens import MUST_BE_ZERO, SENDERS, exit_code, soak_of

LIFE_S, LIVES = 3, 12


def test_over_many_lives_of_tokens_nothing_is_lost_doubled_or_told_to_the_caller(tmp_path: Path) -> None:
    """Keys and secrets are rotated, the token server is killed and frozen: every application is decided once, no error
    reaches a bank's code, nobody is refused but who comes with a secret of the past, and he once.
    """
    with short_lived(tmp_path / "state", LIFE_S, ",".join(SENDERS)) as running:
        end = soak_of(running, LIFE_S, LIVES)
    assert {name: end[name] for name in MUST_BE_ZERO if end[name]} == {}
    assert exit_code(end) == 0, (end["longest_wait_s"], end["old_secret"])
    assert set(end["deeds"]) >= {"a key that signs at once", "secrets renewed", "the token server killed"}, end
