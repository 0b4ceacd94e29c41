"""Which finding a prompt asks KAD for, and whether the prompt denies it. No torch.

KAD is asked with the name of a finding alone and answers with two logits, present and absent. A
prompt is a sentence, so its name is cut out: `There is no evidence of hernia.` denies `hernia`. A
sentence of no such form is a query of its own, in its own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PAPER_NAMES = {
    "effusion": "pleural effusion",
    "mass": "lung mass",
    "nodule": "lung nodule",
    "pleural thickening": "pleural thicken",
}
"""What the official evaluation on NIH ChestX-ray14 asks for, where it is not the class's name."""

_SENTENCE = re.compile(
    r"(?:there (?:is|are) )?(?P<no>(?:no|without) (?:(?:evidence|signs?) of )?)?(?:an? )?"
    r"(?P<name>.*?)(?: (?:is|are) (?P<not>not )?(?:seen|present))?"
)


@dataclass(frozen=True)
class Question:
    """What a prompt says.

    Attributes:
        name: Of the finding, in lower case.
        denied: Whether the prompt says that it is absent.
    """

    name: str
    denied: bool


def question_of(prompt: str, paper_names: bool = True) -> Question:
    """The finding of a prompt.

    Args:
        prompt: Such as `There is no effusion. `
        paper_names: Whether names become those of `PAPER_NAMES`.
    """
    text = " ".join(prompt.lower().split()).rstrip(" .")
    found = _SENTENCE.fullmatch(text)
    if found is None or not found["name"]:
        return Question(text, denied=False)
    name = PAPER_NAMES.get(found["name"], found["name"]) if paper_names else found["name"]
    return Question(name, denied=bool(found["no"] or found["not"]))
