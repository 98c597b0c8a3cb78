"""Files of any make are read, what was done is said, and what cannot be read is told with its line."""

import numpy as np
import pytest

from training.data import DataError
from training.intake.dates import formats_of, read_dates
from training.intake.numbers import best_notation, read_numbers
from training.intake.reading import parse_table

TEXT = "größe,default\n1,0\n2,1\n"
EXPECTED = {"größe": ["1", "2"], "default": ["0", "1"]}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (TEXT.encode(), "UTF-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("cp1252"), "Windows-1252"),
        (TEXT.replace("\n", "\r\n").encode(), "UTF-8"),
        (TEXT.replace("\n", "\r").encode(), "UTF-8"),
        (TEXT.replace(",", ";").encode(), "semicolon"),
        (TEXT.replace(",", "\t").encode(), "tabulator"),
        (TEXT.replace(",", "|").encode(), "bar"),
        (TEXT.replace(",", " ").encode(), "space"),
        (TEXT.replace(",", " , ").encode(), "comma"),
        ('"größe","default"\n"1","0"\n"2","1"\n'.encode(), "comma"),
        (b"title of the file,\n" + TEXT.encode(), "1 row above the header left out"),
        (
            "% a comment\n@relation loans\n@attribute größe numeric\n@ATTRIBUTE 'default' {0,1}\n@data\n1,0\n2,'1'\n".encode(),
            "ARFF",
        ),
    ],
)
def test_a_file_is_read_however_it_was_written(data, said):
    """Encoding, delimiter, quotes, line ends and titles differ between banks; the columns are the same, and how they
    were read is said.
    """
    table = parse_table(data, "loans.csv", ["default"])
    assert {name: list(cells) for name, cells in table.columns.items()} == EXPECTED
    assert said in table.said[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "loans.csv is empty; expected a header and rows"),
        (b"a,b\n", "loans.csv has a header and no rows"),
        (b"a,b\n1,2\n1\n3,4\n", "line 3: 1 cells, expected 2 as in the header"),
        (b"a,b,a\n1,2,3\n", "line 1: the header has more than one column a; expected one of each"),
        (b"PK\x03\x04....", "a ZIP archive or an Excel workbook; expected text"),
        (b"\x1f\x8b....", "compressed by gzip; expected text"),
        (b"a,b\n\x00\x01\x02\x03\x00,1\n", "holds bytes that no text has"),
        (b"@relation x\n@attribute a numeric\n", "an ARFF file without @data"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(data, says):
    """No trace, and no guess: what was found is named, and what is expected."""
    with pytest.raises(DataError) as refused:
        parse_table(data, "loans.csv")
    assert says in str(refused.value)


def test_of_a_very_long_file_rows_are_drawn_and_it_is_said():
    """Two million rows need no more memory than half a million; the draw is seeded."""
    data = b"a,b\n" + b"".join(b"%d,%d\n" % (row, row % 2) for row in range(5_000))
    one, other = (parse_table(data, "loans.csv", most=1_000) for _ in range(2))
    assert list(one.columns["a"]) == list(other.columns["a"])
    assert 850 < len(one) < 1_150
    assert f"5,000 rows; {len(one):,} of them drawn by seed" in one.said[0]
    assert len(parse_table(data, "loans.csv", most=None)) == 5_000


@pytest.mark.parametrize(
    ("cells", "notation", "numbers"),
    [
        (["1", "-2.5", "1e3", ".5"], "plain", [1, -2.5, 1000, 0.5]),
        (["1,234", "12,345.6"], "thousands", [1234, 12345.6]),
        (["1.234,5", "7"], "decimal_comma", [1234.5, 7]),
        (["1 234", "5"], "spaced", [1234, 5]),
        (["10.65%", "7 %"], "percent", [10.65, 7]),
        (["$1,200", "$900"], "thousands", [1200, 900]),
        (["0", "3+"], "open_ended", [0, 3]),
    ],
)
def test_numbers_are_read_in_the_notation_that_fits_the_column(cells, notation, numbers):
    """Countries and exports write numbers in their own ways; one column is written in one."""
    assert best_notation(cells) == (notation, 1.0)
    assert read_numbers(cells, notation).tolist() == numbers


def test_a_comma_is_a_decimal_where_semicolons_part_the_columns():
    """Of 1,500 alone nobody knows; the file's delimiter tells."""
    assert best_notation(["1,500"], decimal_comma=True)[0] == "decimal_comma"
    assert best_notation(["1,500"], decimal_comma=False)[0] == "thousands"


def test_no_word_and_no_infinity_is_a_number():
    """`nan`, `inf` and words are none, whatever Python would make of them."""
    assert np.isnan(read_numbers(["nan", "inf", "1_000", "red", "", "1e999"], "plain")).all()


def test_dates_are_read_by_the_format_that_reads_them_all():
    """One day above 12 tells days from months."""
    assert formats_of(["31/12/2020", "01/02/2020"]) == ["%d/%m/%Y"]
    assert formats_of(["2020-01-31"]) == ["%Y-%m-%d"]
    assert read_dates(["Jan-1970", "Feb-1970", "x"], ["%b-%Y"]).tolist()[:2] == [0, 31]
