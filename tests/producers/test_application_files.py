import csv
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from producers.files import UnknownKindError, read_applications
from producers.forms import COLUMNS, MONEY, OWN
from producers.lines import LINE_ENDS, LineError
from producers.synthetic.applications import Shares, synthesise
from schemas.application import LoanApplication
from schemas.expected import expected_at
from schemas.topics import APPLICATION_MAX_BYTES

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
HEADER = (
    "loan_id, no_of_dependents, education, self_employed, income_annum, loan_amount, loan_term, cibil_score,"
    " residential_assets_value, commercial_assets_value, luxury_assets_value, bank_asset_value, loan_status"
)
ROW = "1,2, Graduate, No,9600000,29900000,12,778,2400000,17600000,22700000,8000000, Approved"
PUBLIC = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def read(tmp_path):
    def reading(content, name="file.csv", tenant="bank-a", currency="INR", id_prefix=""):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_applications(path, tenant, currency, AT, id_prefix))

    return reading


def errors(items):
    return [str(item) for item in items if isinstance(item, LineError)]


@pytest.fixture(scope="module")
def public_set(tmp_path_factory):
    """The public loan approval set, or a seeded file of its layout."""
    path = PUBLIC / "loan_approval_dataset.csv"
    if path.exists():
        return path
    rng = Random(5)
    rows = [
        f"{number},{rng.randint(0, 5)}, {rng.choice(('Graduate', 'Not Graduate'))}, {rng.choice(('Yes', 'No'))},"
        f"{rng.randint(2, 99)}00000,{rng.randint(3, 395)}00000,{rng.randrange(2, 21, 2)},{rng.randint(300, 900)},"
        f"{rng.choice((-1, 4, 90))}00000,400000,500000,600000, Approved"
        for number in range(1, 4270)
    ]
    path = tmp_path_factory.mktemp("public") / "set.csv"
    path.write_text("\r\n".join([HEADER, *rows, ""]), newline="")
    return path


def test_the_public_set_is_read_as_it_is(public_set):
    """All 4,269 rows are applications with exactly the values of the file, negative assets included."""
    items = list(read_applications(public_set, "bank-a", "INR", AT, "pub-"))
    with public_set.open(newline="") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    assert len(items) == len(rows) == 4269
    for item, row in zip(items, rows, strict=True):
        assert isinstance(item, LoanApplication)
        assert item.application_id == "pub-" + row["loan_id"]
        assert item.applicant.education == {"Graduate": "graduate", "Not Graduate": "not_graduate"}[row["education"]]
        assert item.applicant.self_employed == (row["self_employed"] == "Yes")
        found = (item.annual_income, item.loan.amount, item.loan.term_years, item.assets.residential, item.assets.bank)
        names = ("income_annum", "loan_amount", "loan_term", "residential_assets_value", "bank_asset_value")
        assert found == tuple(Decimal(row[name]) for name in names)
        assert (item.cibil_score, item.applicant.dependents) == (int(row["cibil_score"]), int(row["no_of_dependents"]))
    assert min(item.assets.residential for item in items) == -100_000


def test_our_own_names_are_columns_too(read):
    """A column may have the name of the field, in any order; a blank optional value is missing, not zero."""
    names = [name for name, field in COLUMNS.items() if name == field]
    values = dict.fromkeys(names, "7") | {
        "tenant": "bank-b", "application_id": "A-1", "submitted_at": "2026-03-31T10:00:00Z", "currency": "EUR",
        "applicant.education": "not_graduate", "applicant.self_employed": "true", "cibil_score": "",
        "monthly_obligations": "", "applicant.name": 'Rao, "Asha"', "revision": "2",
    }  # fmt: skip
    line = ",".join('"' + values[name].replace('"', '""') + '"' for name in reversed(names))
    (item,) = read(",".join(reversed(names)) + "\n" + line)
    assert (item.tenant, item.currency, item.revision) == ("bank-b", "EUR", 2)
    assert item.submitted_at == datetime(2026, 3, 31, 10, tzinfo=UTC)
    assert (item.cibil_score, item.monthly_obligations) == (None, None)
    assert item.applicant.name == 'Rao, "Asha"'
    assert item.monitoring.gender == "7"


def test_the_label_column_may_be_absent(read):
    """Without its last column, the label, the public set's layout is read just as well."""
    (item,) = read(HEADER.removesuffix(", loan_status") + "\n" + ROW.removesuffix(", Approved"))
    assert item.application_id == "1"


def test_blanks_around_names_and_values_do_not_matter(read):
    """Blanks before and after a column's name or a value are no part of it."""
    (item,) = read(HEADER.replace(",", " , ") + " \n" + ROW.replace(",", " , ") + " ")
    assert (item.application_id, item.applicant.education, item.cibil_score) == ("1", "graduate", 778)


def test_applications_go_to_jsonl_and_back(read):
    """What a JSONL file holds comes out unchanged."""
    made = [item.application for item in synthesise(20, 1, "bank-a", Shares(), AT)]
    assert read("\n".join(one.model_dump_json() for one in made), "a.jsonl", tenant=None, currency=None) == made


def test_jsonl_lines_take_what_they_leave_out(read):
    """Tenant, currency and time come from the caller where a line has none; the id gets its prefix."""
    (made,) = [item.application for item in synthesise(1, 1, "bank-b", Shares(repeated=0), AT)]
    bare = made.model_dump_json(exclude={"tenant", "currency", "submitted_at"})
    first, second = read(f"{bare}\n\n{made.model_dump_json()}\n", "a.JSONL", id_prefix="x-")
    assert (first.tenant, first.currency, first.submitted_at) == ("bank-a", "INR", AT)
    assert first.application_id == "x-" + made.application_id
    assert second.tenant == "bank-b"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks_do_not_matter(read, ends, mark):
    """CRLF or LF, with or without a byte order mark, with or without a last line end."""
    for last in ("", ends, ends * 2):
        (item,) = read(mark + (HEADER + ends + ROW + last).encode())
        assert (item.application_id, item.cibil_score) == ("1", 778)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1: expected at least one line, found an empty file"),
        (b"\n" + ROW.encode(), "line 1: expected a line of column names, found a blank line"),
        ((HEADER + "\n" + ROW).encode("utf-16"), "line 1: expected text in UTF-8, found UTF-16; save it as UTF-8"),
        (b"PK\x03\x04 and more", "line 1: expected text in UTF-8, found a spreadsheet or another zip file; save it as"),
        (
            '[{"tenant": "bank-a"}]',
            "line 1: expected comma-separated values, found JSON; name the file .json, or .jsonl",
        ),
        (ROW + "\n" + ROW, "line 1: expected a line of column names (see `submit --columns`), found values"),
        (HEADER.replace("loan_id", "cibil_score"), "line 1: expected one column for cibil_score, found another,"),
        (
            HEADER.replace("loan_id", "loan_idd"),
            "line 1: expected the columns' names as `submit --columns` has them, found 'loan_idd' for loan_id",
        ),
        (
            HEADER + ",hat_size,shoe_size",
            "line 1: expected columns of a loan application, found the unknown columns 'hat_size', 'shoe_size'",
        ),
        (HEADER.replace(" loan_amount,", ""), "line 1: expected a column loan_amount or loan.amount, found none"),
        (HEADER + '\n"1,2', "line 2: expected an end of the quote that opens in line 2, found none"),
        ("x" * (APPLICATION_MAX_BYTES + 2), f"line 1: expected at most {APPLICATION_MAX_BYTES} bytes a line"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_line(read, content, said):
    """An unreadable file gives no application and says in one line what is wrong with it."""
    items = read(content)
    assert errors(items)[0].startswith(said)
    assert len(errors(items)) == len(items)
    assert all("\n" not in line for line in errors(items))


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_separator_is_named_in_one_line(read, separator, word):
    """A file as a spreadsheet of another country writes it gives one line, not one for each column."""
    (said,) = errors(read(f"{HEADER}\n{ROW}".replace(", ", separator).replace(",", separator)))
    assert said == f"line 1: expected commas between the columns, found {word}; write it with commas and decimal points"


@pytest.mark.parametrize(
    "change", [str.upper, str.title, lambda name: name.replace("_", " "), lambda name: name.replace("_", "-")]
)
def test_names_in_another_case_give_one_line_with_the_right_ones(read, change):
    """Whoever writes LOAN_ID or "Loan Id" reads which name is meant."""
    (said,) = errors(read(change(HEADER) + "\n" + ROW))
    assert said.startswith("line 1: expected the columns' names as `submit --columns` has them, found ")
    assert said.count(" for ") == 3
    assert said.endswith(" more")


def test_a_byte_that_is_not_utf8_costs_its_own_row(read):
    """A name saved in another encoding is named with its column; every other line is read."""
    rows = [ROW.replace("1,2", f"{number},2", 1) + "," + name for number, name in enumerate("abcd")]
    file = "\n".join([HEADER + ",applicant.name", *rows]).encode().replace(b", Approved,c", b", Approved,Ren\xe9e")
    items = read(file)
    assert errors(items) == [
        "line 4, applicant.name: expected text in UTF-8, found byte 0xe9 at position 4 ('é' in Windows-1252)"
    ]
    assert [item.application_id for item in items if isinstance(item, LoanApplication)] == ["0", "1", "3"]


def test_a_line_of_json_that_is_not_utf8_costs_itself(read):
    """The lines around it are read."""
    (made,) = [item.application for item in synthesise(1, 1, "bank-a", Shares(repeated=0), AT)]
    good = made.model_dump_json().encode()
    first, second, third = read(b"\n".join([good, good.replace(b"bank", b"b\xffnk", 1), good]), "a.jsonl")
    assert first == third == made
    assert str(second).startswith("line 2: expected text in UTF-8, found byte 0xff at position")


def test_an_open_quote_names_its_line_and_what_was_not_read(read):
    """Behind a quote that nothing closes no line can be told from text within it: all are refused, by number."""
    open_row = ROW.replace(" Graduate", '"Graduate')
    items = read(f"{HEADER}\n{ROW}\n{open_row}\n{ROW}\n{ROW}")
    assert errors(items) == ["lines 3 to 5: expected an end of the quote that opens in line 3, found none"]
    assert list(items[-1].lines) == [3, 4, 5]
    assert len(items) == 2


def test_a_row_over_several_lines_is_named_by_all_of_them(read):
    """A quoted line break is part of a value; the row that has it is one row."""
    row = ROW.replace(" Graduate", '"Gradu\nate"')
    items = read(f"{HEADER}\n{row}\n{ROW}")
    assert errors(items)[0].startswith("lines 2 to 3, education: expected 'graduate' or 'not_graduate', found ")
    assert len(items) == 2


@pytest.mark.parametrize("number", range(20))
def test_no_line_goes_unsaid(read, number):
    """Whatever a byte does to a file, each of its lines is an application, or stands in an error."""
    rng = Random(number)
    rows = [ROW.replace("1,2", f"{at},2", 1) for at in range(30)]
    file = bytearray("\n".join([HEADER, *rows]).encode())
    for _ in range(rng.randint(1, 4)):
        file[rng.randrange(len(HEADER) + 1, len(file))] = rng.choice(b'"\xff\xe9\x00,x')
    items = read(bytes(file))
    told = {line for item in items if isinstance(item, LineError) for line in item.lines}
    assert len(told) + sum(isinstance(item, LoanApplication) for item in items) == file.count(b"\n")


def test_a_currency_that_nobody_gives_is_asked_for(read):
    """Without a currency column and without a given one, the file is refused."""
    assert errors(read(HEADER + "\n" + ROW, currency=None)) == ["line 1: expected a column currency, found none"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("9600000", "-9600000", "line 2, income_annum: expected above 0 and at most 10000000000000, found '-9600000'"),
        (
            "9600000",
            "96_00000",
            "line 2, income_annum: expected a number or a decimal string with at most two decimals,",
        ),
        ("9600000", "1e6", "line 2, income_annum: expected a number"),
        ("9600000", "NaN", "line 2, income_annum: expected a number"),
        ("9600000", "", "line 2, income_annum: expected a value, found nothing"),
        ("778", "7_78", "line 2, cibil_score: expected an integer from 300 to 900, found '7_78'"),
        ("778", "7780", "line 2, cibil_score: expected an integer from 300 to 900, found '7780'"),
        (" No,", " Perhaps,", "line 2, self_employed: expected Yes or No, found 'Perhaps'"),
        (" Graduate", " PhD", "line 2, education: expected 'graduate' or 'not_graduate', found 'PhD'"),
        ("1,2,", "a b,2,", "line 2, loan_id: expected"),
        (",8000000,", ",", "line 2: expected 13 values, as in the header, found 12"),
    ],
)
def test_a_wrong_value_is_named_with_its_line_and_column(read, before, after, said):
    """A bad line says line, column, what is expected and what was found; the good lines around it are read."""
    items = read("\n".join([HEADER, ROW.replace(before, after, 1), ROW]))
    assert errors(items)[0].startswith(said)
    assert [item.application_id for item in items if isinstance(item, LoanApplication)] == ["1"]


def test_bad_jsonl_lines_are_named(read):
    """Each bad line of a JSONL file is named; the reading goes on."""
    (made,) = [item.application for item in synthesise(1, 1, "bank-a", Shares(repeated=0), AT)]
    good = made.model_dump_json()
    lines = ["[1]", "{", '{"a":NaN}', '{"a":1,"a":2}', "[" * 100_000, good.replace('"INR"', "5"),
             good.replace('"revision":1', '"revision":1,"anual":3'), good]  # fmt: skip
    items = read("\n".join(lines), "a.jsonl")
    assert items[-1] == made
    said = errors(items)
    assert said[0] == "line 1: expected a JSON object, found [1]"
    assert [text.split(":")[0].split(",")[0] for text in said] == [f"line {number}" for number in range(1, 8)]
    assert said[5] == "line 6, currency: expected three capital letters, such as INR, found 5"
    assert "anual" in said[6]


def test_a_long_value_is_cut(read):
    """An error stays one short line, whatever the file holds."""
    (said,) = errors(read(HEADER + "\n" + ROW.replace("778", "9" * 5000)))
    assert len(said) < 200


def test_reading_is_streaming(tmp_path):
    """The first application comes before the rest of the file is looked at."""
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADER}\n{ROW}\n".encode() + b'"' + b"x" * 2 * APPLICATION_MAX_BYTES)
    items = read_applications(path, "bank-a", "INR", AT)
    assert isinstance(next(items), LoanApplication)
    assert isinstance(next(items), LineError)


@pytest.mark.parametrize("many", [False, True])
def test_a_json_file_holds_one_application_or_a_list(read, many):
    """The shipped example goes in as it is, alone or among others."""
    example = json.loads((EXAMPLES / "loan.application.submitted.json").read_text())
    other = example | {"application_id": "other"}
    items = read(json.dumps([example, other] if many else example, indent=2), "a.json")
    assert [item.application_id for item in items] == (["example-0001", "other"] if many else ["example-0001"])


def test_the_wrong_item_of_a_json_file_is_named(read):
    """Items are counted, since lines of such a file mean nothing; the good ones are read."""
    good = json.loads((EXAMPLES / "loan.application.submitted.json").read_text())
    first, second, third = read(json.dumps([good | {"cibil_score": 7}, 5, good]), "a.json")
    assert str(first).startswith("item 1, cibil_score: expected")
    assert str(second) == "item 2: expected a JSON object, found 5"
    assert third.application_id == "example-0001"


def test_json_lines_under_the_wrong_name_are_pointed_out(read):
    """A .json that holds several values is refused with the ending that would be right."""
    (said,) = errors(read("{}\n{}\n", "a.json"))
    assert "lines of JSON are a .jsonl" in said


def test_other_kinds_of_files_are_refused(tmp_path):
    """The kinds that are read are named; an absent file is the system's own error."""
    with pytest.raises(UnknownKindError, match=r"a\.xlsx: .*\(\.csv, \.jsonl, \.ndjson, \.json\)"):
        next(read_applications(tmp_path / "a.xlsx", "bank-a", "INR", AT))
    with pytest.raises(FileNotFoundError):
        next(read_applications(tmp_path / "a.csv", "bank-a", "INR", AT))


PLAIN = HEADER.replace(", ", ",")
TIDY = ROW.replace(", ", ",")


def with_value(column, value):
    """The good row with another value in one column."""
    values = TIDY.split(",")
    values[PLAIN.split(",").index(column)] = value
    return ",".join(values)


@pytest.mark.parametrize("below", ["", "\n", "\r\n \r\n", f"\n{',' * 12}\n"])
def test_a_header_alone_is_a_file_without_applications(read, below):
    """Nothing to send is not a success: whoever saved the wrong sheet is told."""
    assert errors(read(PLAIN + below)) == ["line 1: expected at least one application, found no applications in it"]


@pytest.mark.parametrize(("name", "content", "place"), [("a.jsonl", "\n\n", "line"), ("a.json", "[]", "item")])
def test_json_without_an_application_is_told_alike(read, name, content, place):
    """A list of none, and lines of none."""
    (said,) = errors(read(content, name))
    assert said == f"{place} 1: expected at least one application, found no applications in it"


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", f"{PLAIN}\r{TIDY}\r{TIDY}\r", 1),
        ("a.csv", "\r".join([PLAIN, *[TIDY] * (APPLICATION_MAX_BYTES // 40)]), 1),
        ("a.csv", f"{PLAIN}\r\n{TIDY}\r{TIDY}\r\n", 2),
        ("a.jsonl", '{"application_id": "1"}\r{"application_id": "2"}\r', 1),
    ],
    ids=["small", "larger than a line may be", "a line among others", "JSON"],
)
def test_lines_that_end_in_cr_alone_are_told_in_our_words(read, name, content, line):
    """A file of an old Mac is one line to us: it says so, and nothing of Python."""
    (said,) = errors(read(content, name))
    assert said == f"line {line}: expected lines that end in LF or CRLF, found {LINE_ENDS[1]}"


@pytest.mark.parametrize("first", ["Total", "total:", "GRAND TOTAL", "Sub-total", "Summe"])
@pytest.mark.parametrize("filled", [3, 12])
def test_a_line_of_totals_is_one_error(read, first, filled):
    """Whether few of its columns are filled or all: one line says what it is, and the applications are read."""
    totals = [first, *(["19200000"] * 12)[:filled], *[""] * (12 - filled)]
    items = read("\n".join([PLAIN, TIDY, ",".join(totals)]))
    assert errors(items) == [
        f"line 3: expected an application, found {first!r} in place of an id: a line of totals; leave it out"
    ]
    assert len(items) == 2


def test_a_line_that_is_mostly_blank_is_one_error(read):
    """Sums below the columns, or a note in one of them; but a good row may have the id Total."""
    items = read("\n".join([PLAIN, ",,,,19200000" + "," * 8, TIDY.replace("1,", "Total,", 1)]))
    assert errors(items) == [
        "line 2: expected an application, found 10 of 11 values blank, as in a line of totals or notes; leave it out"
    ]
    assert items[1].application_id == "Total"


def test_blank_values_are_told_by_their_columns(read):
    """Each under the name that it has in the file."""
    row = TIDY.replace("1,2,Graduate,No,", "1,,,No,", 1)
    assert errors(read(f"{PLAIN}\n{row}")) == [
        f"line 2, {name}: expected a value, found nothing" for name in ("no_of_dependents", "education")
    ]


def test_files_one_behind_the_other_are_told_by_the_second_header(read):
    """It is one error, and the rows around it are read."""
    items = read(f"{HEADER}\n{ROW}\n{HEADER}\n{ROW}")
    assert errors(items) == ["line 3: expected an application, found the column names again"]
    assert len(items) == 3


def test_a_line_that_names_the_comma_as_separator_is_passed_over(read):
    """Spreadsheets write it for each other; lines keep their numbers."""
    good, bad = read("\n".join(["sep=,", PLAIN, TIDY, with_value("loan_term", "long")]))
    assert good.application_id == "1"
    assert str(bad).startswith("line 4, loan_term: expected")


@pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_line_that_names_another_separator_is_told_as_that(read, mark, word):
    """The advice is the same as without the line."""
    content = f"sep={mark}\r\n" + f"{PLAIN}\r\n{TIDY}\r\n".replace(",", mark)
    (said,) = errors(read(content))
    assert said == f"line 1: expected commas between the columns, found {word}; write it with commas and decimal points"


@pytest.mark.parametrize("above", ["Applications of November", "Applications,,,,,,,,,,,,\n", "", "Bank A\n\n2026"])
@pytest.mark.parametrize("mark", [",", ";"])
def test_what_stands_above_the_header_is_told_with_the_header_s_line(read, above, mark):
    """One line says what to remove."""
    content = above + "\n" + f"{PLAIN}\n{TIDY}\n".replace(",", mark)
    header = content[: content.index("loan_id")].count("\n") + 1
    (said,) = errors(read(content))
    assert said == (
        f"line 1: expected a line of column names at the top, found it in line {header}; remove what stands above it"
    )


def test_columns_without_a_name_are_no_columns(read):
    """Before, between or behind ours, as wide as a spreadsheet makes them; a value in one is told by its number."""
    content = [f",{PLAIN},,", f",{TIDY},,", f",{TIDY},,,,,", f",{TIDY},,see below"]
    items = read("\n".join(content))
    assert [item.application_id for item in items[:2]] == ["1", "1"]
    assert errors(items) == ["line 4, column 16: expected no value under a blank name, found 'see below'"]


@pytest.mark.parametrize(
    ("column", "value", "meant"),
    [
        ("cibil_score", "#N/A", "a spreadsheet's error value"),
        ("income_annum", "#DIV/0!", "a spreadsheet's error value"),
        ("income_annum", '"8.200.000,00"', "a comma as the decimal sign"),
        ("income_annum", '"8200000,5"', "a comma as the decimal sign"),
        ("income_annum", '"8,200,000"', "with separators of thousands"),
        ("income_annum", '"82,00,000.00"', "with separators of thousands"),
        ("income_annum", "8\u202f200\u202f000", "with separators of thousands"),
        ("income_annum", "8.2E+06", "written with an exponent"),
        ("income_annum", "\u20b98200000", "with a currency's sign"),
        ("income_annum", '"Rs. 8,200,000"', "with a currency's sign"),
        ("income_annum", "8200000 \u20ac", "with a currency's sign"),
        ("loan_amount", "-$8200000", "with a currency's sign"),
        ("loan_amount", "8200000 Rs.", "with a currency's sign"),
        ("loan_amount", "\u22128200000", "a dash, or a minus sign of print"),
        ("cibil_score", "'778", "an apostrophe in front"),
        ("no_of_dependents", "3+", "more than a number"),
        ("no_of_dependents", ">3", "more than a number"),
        ("cibil_score", "700?", "more than a number"),
        ("income_annum", "=E2*12", "a formula"),
        ("luxury_assets_value", "(8200000)", "a number in brackets"),
        ("cibil_score", "77 %", "a per cent"),
    ],
)
def test_what_a_spreadsheet_meant_is_said_beside_what_was_found(read, column, value, meant):
    """With line and column, what is expected, and what to do."""
    (said,) = errors(read(f"{PLAIN}\n{with_value(column, value)}"))
    assert said.startswith(f"line 2, {column}: expected ")
    assert f" ({meant}" in said


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("cibil_score", "$778"),
        ("no_of_dependents", "3 \u20ac"),
        ("income_annum", "\u00a78200000"),
        ("loan_amount", "82\u00b0"),
    ],
)
def test_only_a_currency_s_sign_beside_an_amount_is_called_one(read, column, value):
    """A score has no currency, and not every sign beside a digit is one."""
    (said,) = errors(read(f"{PLAIN}\n{with_value(column, value)}"))
    assert said.startswith(f"line 2, {column}: expected ")
    assert "currency" not in said


def test_a_currency_s_sign_is_looked_for_in_every_amount_and_nowhere_else():
    """What an amount is, the schema says: a field of money, and no term."""
    money = {field for field in OWN if "-10000000000000" in expected_at(LoanApplication, field)}
    money |= {field for field in OWN if "10000000000000" in expected_at(LoanApplication, field)}
    assert money == MONEY


@pytest.mark.parametrize("kind", ["repayment", "human_decision"])
def test_a_file_of_outcomes_is_told_as_one(read, kind):
    """It is no application with twenty faults; and it is said where outcomes belong."""
    outcome = {"tenant": "bank-a", "application_id": "a-1", "at": "2026-03-31T10:00:00Z", "kind": kind}
    (said,) = errors(read(json.dumps(outcome), "outcomes.json"))
    assert "expected applications; outcomes belong on loan.outcomes.v1.<tenant>, found an object with" in said


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (PLAIN, "header.csv"),
        ("", "empty.csv"),
        (PLAIN.replace(",", ";") + "\n" + TIDY.replace(",", ";"), "semicolons.csv"),
        ("\n", "blank.jsonl"),
        ("[]", "none.json"),
        ("{", "broken.json"),
    ],
)
def test_a_file_that_is_refused_has_no_refused_lines(read, content, name):
    """None of its lines was read; that is what is said, not `1 line`."""
    items = read(content, name)
    assert items
    assert all(item.of_file and not len(item.lines) for item in items)


def test_a_file_that_breaks_off_has_refused_lines(read):
    """What stood before was read."""
    good, broken = read(f'{PLAIN}\n{TIDY}\n"1,2\n3')
    assert (good.application_id, broken.of_file, len(broken.lines)) == ("1", False, 2)


def test_every_fault_of_a_line_stands_beside_its_own_field(read):
    """However many there are, and whichever are merged: none is left out, and none is told for another."""
    text = _changed(("annual_income",), "many")
    event = json.loads(text)
    event["extensions"] = {f"e{at}": [at] for at in range(25)}
    event |= {"foo": 1, "bar": 2, "baz": 3, "cibil_score": 7, "currency": "rupees"}
    told = errors(read(json.dumps(event), "file.json"))
    fields = {one.split(": ")[0].removeprefix("item 1, "): one for one in told}
    assert len(told) == len(fields) == 31
    assert fields["cibil_score"] == "item 1, cibil_score: expected an integer from 300 to 900, found 7"
    assert fields["currency"].endswith("expected three capital letters, such as INR, found 'rupees'")
    assert fields["baz"] == "item 1, baz: expected no unknown field outside extensions, found 3"
    assert fields["extensions.e24"].endswith("found [24]")


@pytest.mark.parametrize("day", ["29/11/2026", "11/29/2026 10:00", "29.11.2026", "46355"])
def test_a_spreadsheet_s_date_is_no_time(read, day):
    """Nobody guesses which number is the month: the form that is expected has an example."""
    (said,) = errors(read(f"{PLAIN},submitted_at\n{TIDY},{day}"))
    assert said.startswith("line 2, submitted_at: expected a time such as 2026-03-31T10:00:00Z, found ")


def test_utf16_without_its_mark_is_told_as_that(read):
    """Every other byte is zero."""
    for order in ("utf-16-le", "utf-16-be"):
        (said,) = errors(read(f"{PLAIN}\n{TIDY}\n".encode(order)))
        assert said == "line 1: expected text in UTF-8, found UTF-16; save it as UTF-8"


def test_a_header_that_is_not_utf8_is_told_by_its_column(read):
    """By number, for its name cannot be shown."""
    (said,) = errors(read(f"{PLAIN},Pr\xe9nom\n{TIDY},x\n".encode("latin-1")))
    assert said == "line 1, column 14: expected text in UTF-8, found byte 0xe9 at position 3 ('\xe9' in Windows-1252)"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_another_bank_s_application_is_told_with_its_place(tmp_path, name):
    """Whoever sends for one bank reads which line, or item, is another's; the others are read."""
    good = json.loads((EXAMPLES / "loan.application.submitted.json").read_text())
    others = good | {"tenant": "bank-z"}
    content = {
        "a.csv": f"tenant,{PLAIN}\nbank-a,{TIDY}\nbank-z,{TIDY}\n",
        "a.jsonl": f"{json.dumps(good)}\n{json.dumps(others)}\n",
        "a.json": json.dumps([good, others]),
    }
    (tmp_path / name).write_text(content[name])
    first, second = read_applications(tmp_path / name, "bank-a", "INR", AT, only_tenant=True)
    place = {"a.csv": "line 3", "a.jsonl": "line 2", "a.json": "item 2"}[name]
    assert first.tenant == "bank-a"
    assert str(second) == f"{place}, tenant: expected bank-a, for whom it is sent, found 'bank-z'"
    assert len(list(read_applications(tmp_path / name, "bank-a", "INR", AT))) == 2


def test_an_object_around_the_applications_is_one_error(read):
    """And not one for every field that it lacks."""
    (said,) = errors(read('{"applications": [], "count": 2}', "a.json"))
    assert said == "item 1: expected the fields of an application, found none of them, but 'applications', 'count'"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"Grad"uate', "a comma or the line's end behind a closing quote, found more text; a quote within quotes is"),
        ("x" * 200_000, "values of a loan application, found one of more than 131072 characters"),
    ],
)
def test_what_csv_cannot_take_is_told_in_our_words(read, value, said):
    """With its line, and nothing of Python's own; the lines around it are read."""
    items = read("\n".join([PLAIN, with_value("education", value), TIDY]))
    assert errors(items)[0].startswith(f"line 2: expected {said}")
    assert len(items) == 2


def _changed(path, value):
    """An example with another value at a path, as the text of a .json."""
    example = json.loads(
        (Path(__file__).resolve().parents[2] / "schemas/examples/loan.application.submitted.json").read_text()
    )
    here = example
    for part in path[:-1]:
        here = here.setdefault(part, {}) if isinstance(here, dict) else here[part]
    here[path[-1]] = value
    return json.dumps(example)


@pytest.mark.parametrize(
    ("path", "value", "field", "found"),
    [
        (("extensions", "scores"), [1, None, False], "extensions.scores", "[1, null, false]"),
        (("extensions", "deep"), {"so": {"on": True}}, "extensions.deep", '{"so": {"on": true}}'),
        (("extensions", "long"), "x" * 1001, "extensions.long", f"'{'x' * 59}'.."),
        (("extensions",), None, "extensions", "null"),
        (("annual_income",), None, "annual_income", "null"),
        (("annual_income",), True, "annual_income", "true"),
        (("loan", "amount"), {"inr": 5}, "loan.amount", '{"inr": 5}'),
        (("loan", "bogus"), None, "loan.bogus", "null"),
        (("not\nours",), False, r"'not\nours'", "false"),
        (("documents",), [{"a": 1}, 2], "documents.1", "2"),
        (("cibil_score",), list(range(100)), "cibil_score", f"{json.dumps(list(range(100)))[:60]}.."),
        (("monitoring", "gender"), {"e": "\x1b[31m"}, "monitoring.gender", r'{"e": "\u001b[31m"}'),
        (("monitoring", "gender"), {"e": "\x9b31m"}, "monitoring.gender", r'{"e": "\x9b31m"}'),
    ],
)
def test_an_error_names_a_field_that_there_is_and_what_the_file_says_there(read, path, value, field, found):
    """The sender knows JSON: no type that was tried stands in the path, and no word of Python in what was found."""
    told = errors(read(_changed(path, value), "file.json"))
    assert [one for one in told if one.startswith(f"item 1, {field}: expected ") and one.endswith(f", found {found}")]
    assert not [one for one in told if "constrained" in one or "None" in one]


def test_two_values_that_no_type_takes_are_two_errors(read):
    """Each under its own name with its own value, and none twice, however many types were tried."""
    text = _changed(("extensions",), {"zeta": {"b": 1}, "fine": 1, "eta": [2]})
    expected = "text of at most 1000 characters, an integer, a number or true or false"
    assert errors(read(text, "file.json")) == [
        f'item 1, extensions.zeta: expected {expected}, found {{"b": 1}}',
        f"item 1, extensions.eta: expected {expected}, found [2]",
    ]
