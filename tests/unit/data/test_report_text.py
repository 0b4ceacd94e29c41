from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.report_text import (
    full_text,
    maco_pieces,
    sample_sentences,
    sections,
    sentences,
)

# Blank lines of a report are one space; `~` stands for a blank at the end of a line.
REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)
~
 REASON FOR EXAM:  ___ year old with cough  // fever?
~
 COMPARISON:  ___
~
 FINDINGS:~
~
 Both lungs are well inflated. The heart measures
 14.5 cm across.
~
 No effusion.
~
 IMPRESSON:~
~
 1. Nothing acute.  2. Stable heart.
""".replace("~", " ")
TEXT = st.text(alphabet="ab .N\none:FIDGS_1\t,", max_size=200)


def test_sections_under_their_common_names() -> None:
    found = sections(REPORT)
    assert list(found) == [
        "examination",
        "indication",
        "comparison",
        "findings",
        "impression",
    ]
    assert found["findings"] == (
        "Both lungs are well inflated. The heart measures 14.5 cm across. No effusion."
    )
    assert full_text(REPORT, ("impression",)) == "1. Nothing acute. 2. Stable heart."
    assert full_text(REPORT).startswith("Both lungs") and full_text(REPORT).endswith("heart.")


def test_an_addendum_stands_above_the_report() -> None:
    text = " ADDENDUM: The tube was moved.\n ______________________________\n" + REPORT
    found = sections(text)
    assert "tube" in found["addendum"]
    assert found["findings"].startswith("Both lungs")
    assert sections(" FINDINGS: seen by Dr ___ today.")["findings"] == "seen by Dr ___ today."


def test_missing_sections_fall_back_to_the_last_paragraph() -> None:
    text = " FINAL REPORT\n EXAMINATION:  CHEST\n \n Right basal haze\n has grown.\n"
    assert full_text(text) == "Right basal haze has grown."
    assert full_text(" HISTORY: Cough.\n COMPARISON: None.\n") == ""
    assert full_text("") == ""


def test_a_note_without_headers_is_taken_whole() -> None:
    assert full_text("A man with fever.\n\nHaze on the left.") == (
        "A man with fever. Haze on the left."
    )


def test_repeated_sections_are_joined() -> None:
    assert sections(" FINDINGS: One.\n FINDINGS: Two.\n")["findings"] == "One. Two."


def test_sentences_keep_decimals_and_drop_numbers() -> None:
    assert sentences("1. Nodule of 1.5 cm.  2. Heart is large. ?") == [
        "Nodule of 1.5 cm",
        "Heart is large",
    ]
    assert sentences("It measures 3. No effusion.") == ["It measures 3", "No effusion"]
    assert sentences("  . .. ") == []


def test_maco_pieces_cut_at_every_stop() -> None:
    assert maco_pieces("Clear lungs. 1.5 cm nodule.") == [
        "Clear lungs. ",
        "1. ",
        "5 cm nodule. ",
        ". ",
    ]


@given(text=TEXT, seed=st.integers(0, 2**32))
def test_a_sample_is_made_of_pieces(text: str, seed: int) -> None:
    sample = sample_sentences(text, np.random.default_rng(seed), lower=False)
    pieces = Counter(piece for piece in maco_pieces(text))
    rest = sample
    for piece in sorted(pieces.elements(), key=len, reverse=True):
        if piece != ". " and piece in rest:
            rest = rest.replace(piece, "", 1)
    assert rest in ("", ". ")
    content = [piece for piece in pieces if piece.strip() not in ("", ".", "None.")]
    assert bool(sample.strip(" .")) == bool(content) or "None. " in sample
    assert sample_sentences(text, np.random.default_rng(seed)) == sample.lower()


def test_the_number_of_pieces_is_uniform_and_the_order_random() -> None:
    generator = np.random.default_rng(0)
    text = "a. b. c"
    samples = [sample_sentences(text, generator) for _ in range(6000)]
    lengths = Counter(len(sample.split()) for sample in samples)
    assert all(abs(lengths[count] / 6000 - 1 / 3) < 0.03 for count in (1, 2, 3))
    whole = Counter(sample for sample in samples if len(sample.split()) == 3)
    assert len(whole) == 6 and min(whole.values()) > 0.8 * 2000 / 6


@given(text=TEXT)
def test_sections_never_fail_and_are_clean(text: str) -> None:
    for name, content in sections(text).items():
        assert name and content == " ".join(content.split())
    assert full_text(text) == " ".join(full_text(text).split())
    assert all(sentence.strip() == sentence for sentence in sentences(text))


@given(
    first=st.from_regex(r"[a-z]{3,9}( [a-z]{2,9}){0,4}", fullmatch=True), spaces=st.integers(0, 5)
)
def test_findings_come_back(first: str, spaces: int) -> None:
    text = f" FINAL REPORT\n INDICATION: x.\n \n FINDINGS:{' ' * spaces}\n \n {first}.\n"
    assert full_text(text) == f"{first}."
