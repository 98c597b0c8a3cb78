"""What came of comparing the warehouse with its topics: differences, and why counts are not the same everywhere."""

from collections import Counter
from dataclasses import dataclass, field

from loanstream.ask.difference import Difference
from loanstream.ask.tally import DecisionRecords
from stores.warehouse.repeats import Wrong


@dataclass(slots=True)
class Reconciliation:
    """The warehouse is right where `differences` is empty. `compared` counts the rows of each table that were expected,
    `records` the records of each topic family that were read.

    The rest says why other counts differ from these. `rowless`: records that make no row, by family. By table:
    records whose row the warehouse's retention took (`past`), rows whose records retention took (`older`), how many
    of these were held against what the warehouse keeps of their records (`held`), rows of records that came after the
    start and are as these (`later`), rows that a former version wrote without the place of their application's record
    (`without_origin`), rows without it of a time when records had it, which retention took since (`origin_lost`),
    rows that a former version did not make of a record's features (`without_features`), and rows of records that
    cannot be read, made from their letters by a redrive and as these (`from_letters`), and rows of records that
    today's checks refuse, taken by a former version and as these (`taken_then`). `ended_before`: applications whose
    decision or dead letter retention took while their own record is still there; the warehouse has it.
    `decision_records` are all that the warehouse holds of what was there at the start: of their decisions `replay`
    tells. `rejections`: what banks were told of their records. `wrong_repeats` are among the differences;
    `loanstream.ask.reconcile.mend` mends them.
    """

    differences: list[Difference] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    past: Counter[str] = field(default_factory=Counter)
    rowless: Counter[str] = field(default_factory=Counter)
    older: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    without_origin: Counter[str] = field(default_factory=Counter)
    origin_lost: Counter[str] = field(default_factory=Counter)
    without_features: Counter[str] = field(default_factory=Counter)
    from_letters: Counter[str] = field(default_factory=Counter)
    taken_then: Counter[str] = field(default_factory=Counter)
    ended_before: Counter[str] = field(default_factory=Counter)
    decision_records: DecisionRecords = field(default_factory=DecisionRecords)
    rejections: Counter[str] = field(default_factory=Counter)
    wrong_repeats: Wrong = field(default_factory=lambda: Wrong([], []))

    @property
    def exit_code(self) -> int:
        """0 where nothing differs, else 1."""
        return int(bool(self.differences))
