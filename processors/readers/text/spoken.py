"""What a page tells a screen reader to say instead of what it shows: /ActualText, which PDFium would read for the text.

It is taken off the page before its text layer is read, so that the glyphs speak for themselves. Honest files use it for
ligatures and hyphens; what it says that the page does not show counts as text that nobody sees.
"""

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2.raw as pdfium_c

_KEY = b"ActualText"
_LONGEST = 400
"""Bytes of one replacement that are looked at: an amount or a name has less."""


def take_off(page: Any) -> dict[int, str]:
    """Remove every replacement from a page's text objects; what they said, by the objects' addresses."""
    said: dict[int, str] = {}
    for one in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT]):
        for mark in _marks(one.raw):
            if pdfium_c.FPDFPageObjMark_GetParamValueType(mark, _KEY) != pdfium_c.FPDF_OBJECT_UNKNOWN:
                said[ctypes.addressof(one.raw.contents)] = _string(mark)
                pdfium_c.FPDFPageObjMark_RemoveParam(one.raw, mark, _KEY)
    return said


def _marks(handle: Any) -> Iterator[Any]:
    for index in range(max(0, pdfium_c.FPDFPageObj_CountMarks(handle))):
        yield pdfium_c.FPDFPageObj_GetMark(handle, index)


def _string(mark: Any) -> str:
    buffer = (ctypes.c_ushort * (_LONGEST // 2))()
    length = ctypes.c_ulong()
    if not pdfium_c.FPDFPageObjMark_GetParamStringValue(mark, _KEY, buffer, _LONGEST, ctypes.byref(length)):
        return ""
    return bytes(buffer)[: min(length.value, _LONGEST)].decode("utf-16-le", "replace").rstrip("\0")
