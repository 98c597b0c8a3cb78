"""How long one bank waits while another floods the documents' readers with bombs."""

import json
from importlib import resources

from loanstream.lab.bench.latency import Latency, through_the_stages
from loanstream.stack.running import RunningStack
from producers.client import ApplicationProducer
from producers.synthetic.broken import bomb

BOMBS = 100
RATE = 50


def beside_bombs(running: RunningStack, seconds: float) -> Latency:
    """The first tenant's latency at 50 a second without documents, while a hundred bombs of the second are read."""
    attacker = running.tenants[1]
    example = resources.files("schemas") / "examples" / "loan.application.submitted.json"
    event = json.loads(example.read_text("utf-8")) | {"tenant": attacker}
    with ApplicationProducer(running.producer_settings(attacker), attacker) as producer:
        for number in range(BOMBS):
            data = bomb(number)
            sha256 = running.documents.put(attacker, data)
            ref = {"kind": "payslip", "sha256": sha256, "media_type": "application/pdf", "size": len(data)}
            event |= {"application_id": f"bomb-{number}", "documents": [ref]}
            producer.submit_raw(event["application_id"].encode(), json.dumps(event).encode())
    return through_the_stages(running, seconds, RATE)
