"""Whether two names are one person's: measured on hard pairs, in the scripts that applicants write in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.similarity import CLOSE, NAME_MATCH, NAME_NEAR, person_similarity
from scoring.words import is_initial, words

ONE_PERSON = [
    ("Anita R. Iyer", "IYER ANITA RAMESH"),
    ("Rajesh Sharma", "SHARMA RAJESH KUMAR"),
    ("Vikram Rathore", "Vikram Singh Rathore"),
    ("Meera V. Joshi", "Joshi Meera"),
    ("K. R. Narayanan", "K Narayanan R"),
    ("A. P. J. Abdul Kalam", "Abdul Kalam"),
    ("Maria D'Souza", "MARIA D SOUZA"),
    ("Suharto", "SUHARTO"),
    ("Zoë Müller", "zoe muller"),
    ("सुनीता शर्मा", "शर्मा सुनीता"),
    ("सुनीता र. शर्मा", "सुनीता रमेश शर्मा"),
    ("கி. முருகன் ராமன்", "முருகன் ராமன் கிருஷ்ணன்"),
    ("李 明", "李 明"),
    ("فاطمة الزهراء", "فاطِمة الزهراء"),
]

A_PERSON_LOOKS = [
    ("Anita Rao", "Anita R. Sharma"),
    ("Anita Rao", "Anita Sharma R"),
    ("Jon Smith", "Jon S Baker"),
    ("Anita Devi Rao", "Anita Devi R Sharma"),
    ("Anita Devi Rao", "Anita R Sharma Devi"),
    ("S. Kumar", "Suresh Kumar"),
    ("S. Kumar", "S. Suresh Kumar"),
    ("S. Kumar", "S. Kumari"),
    ("A. K. Singh", "Amit Kumar Singh"),
    ("Anita R. Iyer", "Anita Ramesh I."),
    ("Raj Kumar", "Raj Kumar Verma"),
    ("Anita", "Anita Iyer"),
    ("Suresh K", "Suresh"),
    ("R. S.", "R. S."),
    ("स. कुमार", "सुरेश कुमार"),
    ("かな", "がな"),
]

ANOTHER = [
    ("Anita Rao", "Anita Sharma"),
    ("Anita X. Iyer", "Anita Ramesh Iyer"),
    ("S. Kumar", "R. Kumar"),
    ("Anita Rao Iyer", "Anita S. Iyer"),
    ("R.", "S."),
    ("रमेश शर्मा", "रमा शर्मा"),
    ("राम शर्मा", "रमेश शर्मा"),
    ("सुनीता शर्मा", "सनत शर्मा"),
    ("र. शर्मा", "स. शर्मा"),
    ("李 明", "李 华"),
]


@pytest.mark.parametrize(("claimed", "found"), ONE_PERSON)
def test_what_one_person_is_called_is_one_name(claimed, found):
    """Order, case, accents, a middle name, and an initial beside two names in full do not make another person."""
    assert person_similarity(claimed, found) == person_similarity(found, claimed) >= NAME_MATCH


@pytest.mark.parametrize(("claimed", "found"), A_PERSON_LOOKS)
def test_what_several_persons_are_called_is_looked_at_by_one(claimed, found):
    """An initial beside one name, or a surname that the other side does not have, neither ties nor accuses."""
    assert NAME_NEAR <= person_similarity(claimed, found) == person_similarity(found, claimed) <= CLOSE


@pytest.mark.parametrize(("claimed", "found"), ANOTHER)
def test_a_name_that_contradicts_is_another_name(claimed, found):
    """What is left over on both sides is two names, in whatever script."""
    assert person_similarity(claimed, found) < NAME_NEAR


def test_a_vowel_sign_is_part_of_its_name():
    """Seeta is no Suneeta: their names do not fall apart into initials."""
    assert person_similarity("सुनीता शर्मा", "सीता शर्मा") < NAME_MATCH
    assert words("सुनीता शर्मा") == ("सुनीता", "शर्मा")


SCRIPTS = (
    "LATIN",
    "GREEK",
    "CYRILLIC",
    "HEBREW",
    "ARABIC",
    "DEVANAGARI",
    "BENGALI",
    "GURMUKHI",
    "GUJARATI",
    "TAMIL",
    "TELUGU",
    "KANNADA",
    "MALAYALAM",
    "SINHALA",
    "THAI",
    "HANGUL",
    "HIRAGANA",
    "CJK",
)
LETTERS: dict[str, list[str]] = {script: [] for script in SCRIPTS}
for char in map(chr, range(0x41, 0xD7A4)):
    found = unicodedata.name(char, "").split(" ")[0].split("-")[0]
    if found in LETTERS and unicodedata.category(char)[0] in "LM":
        LETTERS[found].append(char)
word = st.one_of([st.text(LETTERS[script], min_size=1, max_size=8) for script in SCRIPTS])
name = st.lists(word, min_size=1, max_size=4).map(" ".join)


@given(name)
def test_a_name_of_any_script_equals_itself(name):
    """Whoever is called the same on the application and on the document is tied, if a name stands there in full."""
    if any(not is_initial(word) for word in words(name)):
        assert person_similarity(name, name) == 100.0


@given(name, name)
def test_it_does_not_matter_which_name_was_claimed(a, b):
    """Names are compared both ways alike, from 0 to 100."""
    assert 0.0 <= person_similarity(a, b) == person_similarity(b, a) <= 100.0


@given(st.one_of([st.lists(st.sampled_from(LETTERS[script]), min_size=2, max_size=2) for script in SCRIPTS]))
def test_two_letters_are_never_one_person(letters):
    """A single letter, of which the next is another, is nobody's name."""
    assert person_similarity(letters[0], letters[1]) < NAME_MATCH or words(letters[0]) == words(letters[1])


@given(st.lists(word, min_size=2, max_size=4), word)
def test_a_surname_that_nobody_claims_ties_nobody(words_of_name, surname):
    """A name that goes on where the other one ends is looked at, whatever initials stand between."""
    shorter, longer = " ".join(words_of_name), " ".join([*words_of_name, surname])
    more = words(longer)[len(words(shorter)) :]
    if any(not is_initial(word) for word in more):
        assert person_similarity(shorter, longer) < NAME_MATCH
