"""The image's own program, which makes `server.properties` of variables, run on those of docker-compose.yml.

It stands in the jars that the embedded broker runs on. It starts no broker: it writes the file and formats a directory.
"""

import subprocess
from pathlib import Path

import pytest

from loanstream.deploy.certificates import make
from loanstream.stack.kafka import jars
from loanstream.stack.kafka.archive import java_command
from tests.compose.files import Files
from tests.compose.test_brokers import properties

BROKER = "kafka-1"
WRAPPER = "kafka.docker.KafkaDockerWrapper"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pki")
    make(root, ("localhost",), lambda path, owner: None)
    return root


@pytest.fixture(scope="module")
def home() -> Path:
    home = jars.broker_home()
    if jars.missing(home):
        jars.fetch(home, lambda line: None)
    return home


def test_the_image_makes_these_properties_of_the_variables(home: Path, pki: Path, tmp_path: Path) -> None:
    """The names that the other tests read are the image's own, and Kafka takes every value: it formats a directory."""
    places = {"/tls/": f"{pki / BROKER}/", "/var/lib/kafka/data": str(tmp_path / "data")}

    def here(text: str) -> str:
        for place, mine in places.items():
            text = text.replace(place, mine)
        return text

    for name in ("default", "mounted", "final"):
        (tmp_path / name).mkdir()
    (tmp_path / "final" / "server.properties").touch()
    environment = {name: here(str(value)) for name, value in Files.shipped().services[BROKER]["environment"].items()}
    folders = [f"--{name}-configs-dir={tmp_path / name}" for name in ("default", "mounted", "final")]
    done = subprocess.run(
        java_command(home, WRAPPER, "setup", *folders, archive=False),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = (tmp_path / "final" / "server.properties").read_text("utf-8").splitlines()
    assert dict(line.split("=", 1) for line in written if line) == {
        name: here(value) for name, value in properties(BROKER).items()
    }
    assert f"cluster.id={environment['CLUSTER_ID']}" in (tmp_path / "data" / "meta.properties").read_text("utf-8")
