"""Why a process ended, by its log."""

from pathlib import Path

import pytest

from loanstream.stack.log_tail import TAIL_BYTES, last_words, telling_last_line

JAVA = """[2026-01-01 10:00:00,000] ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)
java.lang.NoClassDefFoundError: org/apache/kafka/common/utils/Exit
\tat kafka.Kafka$.main(Kafka.scala:100)
\tat kafka.Kafka.main(Kafka.scala)
Caused by: java.lang.ClassNotFoundException: org.apache.kafka.common.utils.Exit
\tat java.base/jdk.internal.loader.BuiltinClassLoader.loadClass(Unknown Source)
\t... 2 more
"""
PYTHON = """Traceback (most recent call last):
  File "worker.py", line 1, in <module>
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "worker.py", line 2, in <module>
schemas.problem.Problem: no keys
"""
LOGS = {
    "a Java trace": (JAVA, "Caused by: java.lang.ClassNotFoundException: org.apache.kafka.common.utils.Exit"),
    "a Java trace and a farewell": (
        f"{JAVA}[2026-01-01 10:00:00,001] INFO App info kafka.server unregistered\n",
        "Caused by: java.lang.ClassNotFoundException: org.apache.kafka.common.utils.Exit",
    ),
    "an error without a trace": ("INFO up\nERROR no port (kafka.Kafka$)\nINFO down\n", "ERROR no port (kafka.Kafka$)"),
    "a Python trace": (PYTHON, "schemas.problem.Problem: no keys"),
    "plain words": ("one\nout of cheese\n\n", "out of cheese"),
    "remarks alone": ("INFO one\nWARN two\n", "WARN two"),
    "a worker's lines": (
        '{"level": "critical", "message": "out of cheese"}\n{"level": "warning", "message": "no wine"}\n',
        "out of cheese",
    ),
    "a worker's remarks alone": ('{"level": "info", "message": "bye"}\n', "bye"),
    "nothing": ("\n", "nothing"),
}


@pytest.mark.parametrize(("text", "said"), LOGS.values(), ids=LOGS)
def test_quotes_the_line_that_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """Of a log's end the line with the cause is told, not a frame of its trace and not what was remarked later."""
    log = tmp_path / "log"
    log.write_text(text)
    assert telling_last_line(log) == said


def test_reads_the_end_of_a_long_log(tmp_path: Path) -> None:
    """A long log is not read whole, and one that does not exist says nothing."""
    log = tmp_path / "log"
    log.write_text("out of wine\n" + "INFO\n" * TAIL_BYTES + JAVA)
    assert telling_last_line(log).startswith("Caused by: ")
    log.write_text("out of wine\n" + "INFO\n" * TAIL_BYTES)
    assert telling_last_line(log) == "INFO"
    assert telling_last_line(tmp_path / "none") == "nothing"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"level": "info", "message": "up"}\n{"level": "critical", "message": "no offsets"}\n', "no offsets"),
        ('{"level": "critical", "message": "no offsets"}\n{"level": "info", "message": "up"}\n', None),
        ("Killed\n", None),
        ("", None),
    ],
    ids=["an error", "an error of before", "no line of ours", "nothing"],
)
def test_a_worker_that_ended_because_of_an_error_said_so_last(tmp_path: Path, text: str, said: str | None) -> None:
    """Of one that was killed, or stopped in order, there is no last word."""
    log = tmp_path / "log"
    log.write_text(text)
    assert last_words(log) == said
