"""A policy's bounds as their author typed them, and how near to one a float decides nothing."""

from fractions import Fraction

NEAR = 1e-9
"""A computed value's float is off by some 1e-15 of itself. Within this share of a bound it decides nothing."""


def typed(bound: float) -> Fraction:
    """The shortest decimal that is this float: the one that somebody typed.

    >>> typed(0.6)
    Fraction(3, 5)
    """
    return Fraction(repr(bound))
