"""Canonical bytes: RFC 8785 JSON of what a receipt stands for.

Applications and extractions are written by hand, because their keys are known and their order is fixed; whatever a
bound of `schemas` leaves open (strings, extensions) goes through the general writer. A test holds both against an
independent implementation of the RFC.

Of the fields of today those without a value stand there as null. A field added later stands there only where it has a
value: whatever lacks it keeps its hash.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from schemas.application import DocumentRef, LoanApplication
from schemas.values import CENT
from schemas.verification import Extraction

SAFE_INTEGER = 2**53
"""Beyond it an integer is not what other JSON readers (IEEE 754 doubles) would read."""

NO_EVIDENCE = b'{"documents":[],"extractions":[]}'


def sha256(data: bytes) -> str:
    """A content hash as receipts write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def number(value: float) -> str:
    """A finite number as ECMAScript writes it (RFC 8785 section 3.2.2.3).

    >>> number(1.0), number(1e21), number(1e-7), number(0.1), number(-0.0)
    ('1', '1e+21', '1e-7', '0.1', '0')
    """
    if isinstance(value, int):
        if abs(value) > SAFE_INTEGER:
            raise ValueError("a whole number above 2^53 has no canonical form")
        return str(value)
    if not np.isfinite(value):
        raise ValueError("a number that is not finite has no canonical form")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    if text == "0":
        return "0"
    assert isinstance(exponent, int)
    point = len(text) + exponent
    return ("-" if sign else "") + _placed(text, point)


def _placed(digits: str, point: int) -> str:
    """Digits with the decimal point after the first `point` of them, by ECMAScript's Number::toString."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"


def _text(value: str | None) -> str:
    return "null" if value is None else orjson.dumps(value).decode()


def _write(value: Any) -> str:
    match value:
        case None | bool() | str():
            return orjson.dumps(value).decode()
        case int() | float():
            return number(value)
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{_text(name)}:{_write(value[name])}" for name in names) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_write, value)) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} is not a JSON value")


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value (dict, list, tuple, str, int, float, bool, None).

    Raises TypeError for any other type, ValueError for a number without a canonical form.

    >>> canonical_json({"b": 2.0, "a": ["loan", None]})
    b'{"a":["loan",null],"b":2}'
    """
    return _write(value).encode()


def two_decimals(value: Decimal) -> str:
    """Money (or a term in years) as a two-decimal string, however it was sent.

    >>> two_decimals(Decimal("1500")), two_decimals(Decimal("0.5")), two_decimals(Decimal("-0"))
    ('1500.00', '0.50', '0.00')
    """
    text = str(value)
    if text.isdigit():
        return text + ".00"
    if text[-3:-2] == "." and text[:-3].isdigit():
        return text
    return format(value.quantize(CENT) + 0, "f")


def _documents(documents: Sequence[DocumentRef]) -> str:
    ordered = sorted(documents, key=lambda d: (d.kind, d.sha256))
    return ",".join(
        f'{{"kind":"{d.kind}","media_type":"{d.media_type}","sha256":"{d.sha256}","size":{d.size}}}' for d in ordered
    )


def application_bytes(application: LoanApplication) -> bytes:
    """RFC 8785 JSON of an application without `submitted_at` and `monitoring`; money as two-decimal strings, documents
    sorted by (kind, sha256).
    """
    a, person, loan, assets = application, application.applicant, application.loan, application.assets
    money = two_decimals
    obligations = "null" if a.monthly_obligations is None else f'"{money(a.monthly_obligations)}"'
    identifiers = ",".join([f'{{"kind":"{i.kind}","value":{_text(i.value)}}}' for i in person.identifiers])
    employer, name = person.employer, person.name
    product, purpose = loan.product, loan.purpose
    return (
        f'{{"annual_income":"{money(a.annual_income)}"'
        f',"applicant":{{"dependents":{person.dependents},"education":"{person.education}"'
        f',"employer":{"null" if employer is None else _text(employer)}'
        f',"identifiers":[{identifiers}],"name":{"null" if name is None else _text(name)}'
        f',"self_employed":{"true" if person.self_employed else "false"}}}'
        f',"application_id":"{a.application_id}"'
        f',"assets":{{"bank":"{money(assets.bank)}","commercial":"{money(assets.commercial)}"'
        f',"luxury":"{money(assets.luxury)}","residential":"{money(assets.residential)}"}}'
        f',"cibil_score":{"null" if a.cibil_score is None else a.cibil_score},"currency":"{a.currency}"'
        f',"documents":[{_documents(a.documents) if a.documents else ""}]'
        f',"extensions":{_write(a.extensions) if a.extensions else "{}"}'
        f',"loan":{{"amount":"{money(loan.amount)}","product":{"null" if product is None else _text(product)}'
        f',"purpose":{"null" if purpose is None else _text(purpose)},"term_years":"{money(loan.term_years)}"}}'
        f',"monthly_obligations":{obligations},"revision":{a.revision},"tenant":"{a.tenant}"}}'
    ).encode()


def _extraction(extraction: Extraction) -> str:
    e = extraction
    fields = sorted(
        f'{{"confidence":{number(f.confidence)},"name":"{f.name}","page":{f.page},"value":{_text(f.value)}}}'
        for f in e.fields
    )
    return (
        f'{{"fields":[{",".join(fields)}],"findings":[{",".join(_text(f) for f in sorted(e.findings))}]'
        f',"kind":"{e.kind}","pages":{e.pages},"reader":{_text(e.reader)},"reason":{_text(e.reason)}'
        f',"sha256":"{e.sha256}","status":"{e.status}"}}'
    )


def evidence_bytes(application: LoanApplication, extractions: Sequence[Extraction]) -> bytes:
    """RFC 8785 JSON of the documents and what was read from them, both sorted.

    Checks follow from these and are left out; so is the lane: the same reading by another lane is the same evidence.
    """
    if not extractions and not application.documents:
        return NO_EVIDENCE
    ordered = sorted(extractions, key=lambda e: (e.kind, e.sha256, e.reader))
    readings = ",".join(map(_extraction, ordered))
    return f'{{"documents":[{_documents(application.documents)}],"extractions":[{readings}]}}'.encode()


def feature_rows(names: Sequence[str], matrix: npt.NDArray[np.float64]) -> list[bytes]:
    """One canonical encoding per row of features: the names as a canonical JSON array, a newline, then the values as
    big-endian IEEE 754 doubles (eight bytes each), every NaN as 7ff8000000000000.
    """
    head = canonical_json(list(names)) + b"\n"
    values = np.where(np.isnan(matrix), np.nan, matrix).astype(">f8")
    width = 8 * matrix.shape[1]
    data = values.tobytes()
    return [head + data[start : start + width] for start in range(0, len(data), width)]
