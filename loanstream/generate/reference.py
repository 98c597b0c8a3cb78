"""The reference pages under docs/reference/: each is a table of the code's own, as Markdown."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from pydantic import BaseModel

from loanstream.settings import IN_A_FILE, SETTINGS, Setting
from processors.stages.record.sink import REFUSALS
from processors.transport import CHECK_PARTITIONS, CHECK_TOPIC
from processors.transport.meters import METERS
from producers.columns import described
from producers.forms import APPLICATIONS, OUTCOMES
from schemas.access import Grant, access, principal_of
from schemas.beside import RULES
from schemas.causes import CAUSES
from schemas.events import EVENTS, EventType, Side, models
from schemas.expected import expected_at
from schemas.factors import FACTORS
from schemas.jsonschema import file_name
from schemas.kinds import KINDS
from schemas.meanings import meaning
from schemas.reasons import BASIS, OWN, REASONS
from schemas.stages import STAGES
from schemas.topics import DAY_MS, TOPICS, Topic
from scoring.checks import INCOME_CHECKS, REASON_OF, TEXT_CHECKS, MoneyCheck, TextCheck
from scoring.features import FEATURES
from scoring.holders import TIES
from scoring.identifiers import IDENTIFYING, LEAST
from scoring.readings import PAY, SURE

_SIDES = {"read": "others, for us", "written": "us, for others", "internal": "our own stages"}


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table.

    >>> print(table(("code", "says"), [("a", "one")]))
    | code | says |
    | --- | --- |
    | a | one |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _code(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values) or "none"


def topics_page() -> str:
    """Every topic."""
    header = ("topic", "event", "what", "written by", "read by", "partitions", "kept", "timestamp")
    said = "`<tenant>` is a bank's name. Outputs stand before inputs: a new tenant's topics are created in this order."
    beside = (
        f"Beside them stands `{CHECK_TOPIC}` ({CHECK_PARTITIONS} partitions), which never holds a record: workers "
        "commit tokens to it, to see that the group coordinator has read its whole log before they believe its offsets."
    )
    return f"# Topics\n\n{said}\n\n{table(header, map(_topic_row, TOPICS.values()))}\n\n{beside}\n"


def _topic_row(topic: Topic) -> tuple[object, ...]:
    days = topic.retention_ms // DAY_MS
    kept = "for ever" if days < 0 else f"{days} day{'' if days == 1 else 's'}"
    kept += "" if topic.cleanup == "delete" else ", compacted"
    return (
        f"`{topic_name(topic)}`",
        _code(topic.events),
        topic.does,
        _who([stage.name for stage in STAGES.values() if topic.key in stage.writes], topic, "read"),
        _who([stage.name for stage in STAGES.values() if topic.key in stage.reads], topic, "written"),
        topic.partitions,
        kept,
        topic.config["message.timestamp.type"],
    )


def _who(stages: Sequence[str], topic: Topic, side: Side) -> str:
    """The stages that write or read a topic, and the bank where its events are on that `side`."""
    bank = ["the bank"] if EVENTS[topic.event].side == side else []
    return ", ".join([*([_code(stages)] if stages or not bank else []), *bank])


def topic_name(topic: Topic) -> str:
    """The topic's name with a placeholder for the tenant.

    >>> topic_name(TOPICS["applications_dlq"])
    'loan.applications.v1.<tenant>.dlq'
    """
    return topic.name("tenant").replace(".tenant", ".<tenant>") if topic.per_tenant else topic.name()


def stages_page() -> str:
    """Every stage."""
    rows = (
        (f"`{stage.name}`", stage.does, _topic_names(stage.reads), _topic_names(stage.writes), f"`{stage.group}`")
        for stage in STAGES.values()
    )
    return f"# Stages\n\n{table(('stage', 'does', 'reads', 'writes', 'consumer group'), rows)}\n"


def _topic_names(keys: Sequence[str]) -> str:
    return "<br>".join(f"`{topic_name(TOPICS[key])}`" for key in keys)


def access_page() -> str:
    """Who may do what at the broker."""
    kinds = "\n\n".join(_rights(kind, grants) for kind, grants in access([_TENANT]).items())
    said = (
        "What is not here is refused: the broker denies by default. `<tenant>` is a bank's name; `…` stands for any "
        "end of a name. Reading and writing hold describing. `loanstream install` and `loanstream up` make it so."
    )
    return f"# Who may do what at the broker\n\n{said}\n\n{kinds}\n"


_TENANT = "tenant"


def _rights(kind: str, grants: Iterable[Grant]) -> str:
    operations: dict[tuple[str, str], list[str]] = {}
    for grant in grants:
        name = re.sub(rf"(^|\.|:){_TENANT}(\.|$)", r"\1<tenant>\2", grant.name)
        operations.setdefault((grant.resource, f"`{name}{'…' if grant.prefixed else ''}`"), []).append(
            grant.operation.lower().replace("_", " ")
        )
    rows = ((resource, name, ", ".join(found)) for (resource, name), found in operations.items())
    title = kind.replace(f":{_TENANT}", ":<tenant>")
    principal = f"User:{principal_of(kind)}".replace(f":{_TENANT}-", ":<tenant>-")
    return f"## `{title}`\n\nAs `{principal}`, where `LOANSTREAM_KAFKA_PRINCIPALS` names nobody else.\n\n" + table(
        ("resource", "name", "operations"), rows
    )


def events_page() -> str:
    """Every event and its fields."""
    overview = table(("event", "version", "sent by", "what", "schema"), map(_event_row, EVENTS.values()))
    fields = "\n\n".join(_fields(event) for event in EVENTS.values())
    said = "Whoever reads what we send ignores fields he does not know: some may be added. What others send is closed."
    return f"# Events\n\n{said}\n\n{overview}\n\n{fields}\n"


def _event_row(event: EventType) -> tuple[object, ...]:
    schema = f"[JSON Schema](../../schemas/generated/{file_name(event)})"
    return f"`{event.name}`", event.version, _SIDES[event.side], _first_sentence(event), schema


def _first_sentence(event: EventType) -> str:
    said = (event.model.__doc__ or "").strip().split("\n\n")[0]
    return said.removeprefix(f"`{event.name}`: ")


def _fields(event: EventType) -> str:
    rows = ((f"`{name}`", "yes" if field.is_required() else "no") for name, field in event.model.model_fields.items())
    return f"## {event.name}\n\n{table(('field', 'required'), rows)}"


def causes_page() -> str:
    """Why records become dead letters."""
    rows = ((f"`{code}`", row.says, "yes" if row.sender else "no") for code, row in CAUSES.items())
    said = (
        "The sender is told of a record of its own, on its topic of rejections, where the cause is of its own making."
    )
    return f"# Causes of dead letters\n\n{said}\n\n{table(('cause', 'meaning', 'the sender is told'), rows)}\n"


def field_errors_page() -> str:
    """What a field's error is called."""
    kinds = table(("error", "says"), ((f"`{kind}`", says) for kind, says in KINDS.items()))
    of_rows = ", ".join(f"`{kind}`" for kind in sorted(REFUSALS.values()))
    return (
        "# Kinds of field errors\n\nWhat stands as `error` in the `errors` of dead letters and rejections. `field`, "
        "`expected` and `found` say where, what is wanted, and what was there by type and size.\n\n"
        f"{kinds}\n\nWhere a fault is the whole record's, its [cause](dead-letter-causes.md) stands as `error`. Of a "
        f"row that the warehouse refuses (`refused_by_warehouse`) it is one of {of_rows}.\n\n"
        "Unknown fields of one object, and other faults that read alike, are one error with their number in `found`.\n"
    )


def reasons_page() -> str:
    """Every reason code and every basis code."""
    header = ("reason", "kind", "sentence", "what a policy's condition must look at", "what else the sentence promises")
    rows = (
        (f"`{row.code}`", row.source, row.sentence, row.about or "", ", ".join(row.promises))
        for row in REASONS.values()
    )
    reasons = table(header, rows)
    factors = table(
        ("factor", "what it is", "reason codes"),
        ((f"`{row.code}`", row.says, ", ".join(map("`{}`".format, row.codes))) for row in FACTORS.values()),
    )
    basis = table(("basis", "meaning"), ((f"`{code}`", said) for code, said in BASIS.items()))
    return f"""# Reason codes

Open strings: codes are added without a new version of the event, and each comes with its sentence.

A code that begins with `{OWN}` stands in no table: a bank's policy brings it with a sentence of its own
([how](../write-a-policy.md#a-reason-of-your-own)). Two banks may use one such code for two things.

{reasons}

## Factors

What [principal reasons](../tell-an-applicant.md) are about. A code is about one factor. A bank's own code is about what
its condition looks at.

{factors}

## What a decision stood on

{basis}
"""


def checks_page() -> str:
    """What claims are held against in documents, how far apart the two may be, and whose documents have to be."""
    header = ("document", "field", "a year of it", "shows", "a claim may exceed it by", "100 of it stand for at most")
    return f"""# Document checks

What verify holds beside each other. [What is believed of a document](../documents.md) says why.

## Income

`annual_income` may be below what a document shows. Of one document the first row counts whose field was read.
Net credits stand for more where a payslip of the applicant's shows what was taken off: its net pay is on the
statement to the cent, and they stand for as much gross as that pay does.

{table(header, map(_income_row, INCOME_CHECKS))}

A figure whose reader gives it a confidence below {SURE} is `unreadable`: it bears nothing out and contradicts nothing.

## Words

{table(("claim", "field of the document", "when it differs"), map(_text_row, TEXT_CHECKS))}

Identifiers are held against the field of their `kind`, and have to be equal but for punctuation.

## Whose a document is

Each document that shows an income has to be tied to the applicant by one of these.

{table(("by", "where"), ((tie.by, tie.says) for tie in TIES))}

Kinds of identifiers that one person has: {_code(sorted(IDENTIFYING))}. One that is masked (`XXXX XXXX 1234`,
`****1234`) or has fewer than {LEAST} letters and digits ties nothing. The pay is {_pays()}.

## What a decision says

{table(("claim", "result", "reason"), ((f"`{c}`", f"`{r}`", f"`{code}`") for (c, r), code in REASON_OF.items()))}
"""


def _income_row(row: MoneyCheck) -> tuple[object, ...]:
    shows = "gross" if row.gross else "net, what was left of it"
    least = 1 - row.excess
    stands = (100 / least).quantize(Decimal("0.01"), ROUND_DOWN)
    share = f"{(100 * row.excess).normalize():f} % of the claim"
    return f"`{row.kind}`", f"`{row.field}`", f"times {row.periods}", shows, share, stands


def _text_row(row: TextCheck) -> tuple[object, ...]:
    return f"`{row.claim}`", f"`{row.field}`", f"`{row.reason}`"


def _pays() -> str:
    return " and ".join(f"`{field}` of a `{kind}`" for kind, field in PAY.items())


def features_page() -> str:
    """Every feature."""
    ways = {1: "never lower", 0: "free", -1: "never higher"}
    header = (
        "feature",
        "unit",
        "values that there can be",
        "reason code",
        "score when it grows, for a model held to it",
    )
    rows = (
        (f"`{row.name}`", row.unit, str(row.values), f"`{row.reason}`", ways[row.direction])
        for row in FEATURES.values()
    )
    return f"# Features\n\nA missing value is missing, never zero.\n\n{table(header, rows)}\n"


def settings_page() -> str:
    """Every setting."""
    abouts = dict.fromkeys(row.about for row in SETTINGS)
    sections = "\n\n".join(f"## {about}\n\n{_settings_of(about)}" for about in abouts)
    said = (
        "Environment variables. A wrong one stops the start with one line. `loanstream up` sets them for its own "
        "processes; for Kafka, ClickHouse and stores of your own see "
        "[own-kafka-and-clickhouse](../own-kafka-and-clickhouse.md)."
    )
    files = (
        f"A secret may also stand in a file: `<VARIABLE>{IN_A_FILE}` names it. It is never shown, in no error either. "
        "An empty variable is not set."
    )
    return f"# Settings\n\n{said}\n\n{files}\n\n{sections}\n"


def _settings_of(about: str) -> str:
    header = ("variable", "expected", "default", "meaning")
    return table(header, map(_setting_row, (row for row in SETTINGS if row.about == about)))


def _setting_row(row: Setting) -> tuple[str, ...]:
    expected = f"{row.expected} (secret)" if row.secret else row.expected
    return f"`{row.variable}`", expected, _default(row), row.meaning


def _default(row: Setting) -> str:
    if row.default is None:
        return "none"
    if Path(row.default).is_absolute():
        return "a directory of the user's"  # where it lies differs from machine to machine
    return f"`{row.default}`" if row.default else "empty"


def metrics_page() -> str:
    """Every metric of a worker's `/metrics`."""
    kinds = {"counter": ("_total", "counter"), "gauge": ("", "gauge"), "seconds": ("", "histogram, seconds")}
    rows = (
        (f"`loanstream_{row.name}{kinds[row.kind][0]}`", kinds[row.kind][1], _code(row.labels), row.tells)
        for row in METERS
    )
    said = (
        "Each has the labels `stage` and `slot`, some have more. How to scrape and what to ask: [scrape](../scrape.md)."
    )
    return f"# Metrics\n\n{said}\n\n{table(('metric', 'kind', 'more labels', 'tells'), rows)}\n"


def flow_page() -> str:
    """The flow as a picture (Mermaid) and in words, from the tables of stages and topics."""
    told = "\n".join(
        f"- **{stage.name}** {stage.does}. Reads {_code(_shown(stage.reads))}; writes {_code(_shown(stage.writes))}."
        for stage in STAGES.values()
    )
    beside = "Every topic that a stage reads has its dead letters beside it, in a topic of its name and `.dlq`."
    return f"# The flow\n\n```mermaid\n{mermaid()}\n```\n\n{told}\n\n{beside}\n"


def mermaid() -> str:
    """Stages (boxes) and topics (cylinders); dead letters are left out, as every topic has them."""
    stages = [f'    {_node(stage.name)}["{stage.name}"]' for stage in STAGES.values()]
    topics = [f'    {topic.key}[("{topic.stem}")]' for topic in TOPICS.values() if not topic.is_dlq]
    arrows = [f"    {key} --> {_node(stage.name)}" for stage in STAGES.values() for key in _business(stage.reads)]
    arrows += [f"    {_node(stage.name)} --> {key}" for stage in STAGES.values() for key in _business(stage.writes)]
    return "\n".join(["flowchart LR", *stages, *topics, *arrows])


def _business(keys: Sequence[str]) -> list[str]:
    return [key for key in keys if not TOPICS[key].is_dlq]


def _shown(keys: Sequence[str]) -> list[str]:
    return [topic_name(TOPICS[key]) for key in _business(keys)]


def _node(stage: str) -> str:
    return f"stage_{stage.replace('-', '_')}"


def columns_page() -> str:
    """The columns of a CSV of applications, and of one of outcomes."""
    heads = ("column", "need", "what its values are")
    of_outcomes = (
        "What `loanstream outcomes import` reads in a .csv, written in the same way; "
        "`loanstream outcomes import --columns` prints the same."
    )
    said = (
        "What `loanstream submit` and `loanstream score` read in a .csv: UTF-8, commas, a first line with these names "
        "in any order, decimal points. `loanstream submit --columns` prints the same. Where the file does "
        "not say them, `--tenant`, `--currency` and the moment of sending do."
    )
    return (
        f"# Columns of a CSV\n\n{said}\n\n{table(heads, described(APPLICATIONS))}\n\n"
        f"## Of outcomes\n\n{of_outcomes}\n\n{table(heads, described(OUTCOMES))}\n"
    )


def fields_page() -> str:
    """Every field of every event, with what it means and takes, and what a bank's record must keep to beside."""
    rules = table(("rule", "cause of the letter", "for example"), [(r.says, f"`{r.cause}`", r.example) for r in RULES])
    parts = "\n\n".join(_part(name, model) for name, model in models().items())
    return (
        "# Fields\n\nEvery field of every event, as the JSON Schemas in `schemas/generated/` have them. Money is a "
        "JSON number or a decimal string with at most two decimals; we write a string with two.\n\n"
        "## Beside the schema\n\nWhat a record from a bank must keep to because JSON Schema cannot say it:\n\n"
        f"{rules}\n\n{parts}\n"
    )


def _part(name: str, model: type[BaseModel]) -> str:
    rows = [
        (
            f"`{field}`",
            "yes" if info.is_required() else "no",
            expected_at(model, field),
            said.text if (said := meaning(name, field)) else "",
            f"`{json.dumps(said.example)}`" if said and said.example is not None else "",
        )
        for field, info in model.model_fields.items()
    ]
    events = ", ".join(f"`{event.name}`" for event in EVENTS.values() if event.model is model)
    title = f"## {name}" + (f" ({events})" if events else "")
    return f"{title}\n\n{table(('field', 'required', 'takes', 'means', 'for example'), rows)}"


REFERENCE: dict[str, Callable[[], str]] = {
    "flow.md": flow_page,
    "topics.md": topics_page,
    "stages.md": stages_page,
    "access.md": access_page,
    "events.md": events_page,
    "columns.md": columns_page,
    "fields.md": fields_page,
    "dead-letter-causes.md": causes_page,
    "field-errors.md": field_errors_page,
    "reason-codes.md": reasons_page,
    "document-checks.md": checks_page,
    "features.md": features_page,
    "settings.md": settings_page,
    "metrics.md": metrics_page,
}
"""File name under docs/reference/ -> the function that makes the page."""
