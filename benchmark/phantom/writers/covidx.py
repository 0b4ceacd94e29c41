"""Writes COVIDx: the images and two-class lists of the page, and the three-class lists 9A.

Patients of RSNA begin with `ffffffff`, all others with numbers outside the real ranges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom import pneumonia
from benchmark.phantom.population import patient_of
from benchmark.phantom.writers.common import Case, Setting, Written
from benchmark.phantom.writers.images import jpeg_bytes, png_bytes, to_bytes
from benchmark.phantom.writers.lists import FOLDER as LISTS_FOLDER
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from benchmark.specs import PhantomSize

FOLDER = "covidx"
LISTS = f"{LISTS_FOLDER}/COVIDx"
RULE = (
    "a patient's class is that of the cause drawn; of ten patients five have COVID-19, two "
    "another viral or a bacterial pneumonia, one another pneumonia, two none (normal); a fifth of "
    f"the patients of each class is the test part. {pneumonia.RULE}"
)
SHARE, FEWEST_CASES = 0.08, 80
BLOCK: tuple[pneumonia.Cause, ...] = (
    *("covid",) * 5,
    "viral",
    "bacterial",
    "other",
    *("none",) * 2,
)
SPLITS = {"train": 0.8, "test": 0.2}
CLASSES: dict[pneumonia.Cause, str] = {
    "covid": "COVID-19",
    "viral": "pneumonia",
    "bacterial": "pneumonia",
    "other": "pneumonia",
    "none": "normal",
}
SOURCES = {
    "COVID-19": ("sirm", "stonybrook", "ricord", "bimcv", "cohen"),
    "pneumonia": ("rsna", "rsna", "rnsa", "cohen"),
    "normal": ("rsna", "rsna", "rsna", "rnsa"),
}
"""Where a patient of each class is said to come from, with the lists' own misspelling."""

UNSOURCED_EVERY = 6
"""One test line of so many has no source, as in the older lists."""

FIRST_PATIENT = 95_001


def cases(size: PhantomSize) -> list[Case]:
    """Eight of a hundred of the phantom's cases."""
    count = max(FEWEST_CASES, round(size.cases * SHARE))
    return pneumonia.allot_causes(size, "covidx", count, BLOCK, SPLITS)


def cause_of(case: Case, setting: Setting) -> pneumonia.Cause:
    """The cause that is drawn."""
    patient = patient_of(case.number, setting.seed, case.population)[0]
    return pneumonia.cause_of(setting.seed, case.population, patient, BLOCK)


def write_case(case: Case, setting: Setting) -> Written:
    """Write the frontal view of a study.

    Returns:
        Rows of `covidx`: patient id, file name, class, source, split.
    """
    cause = cause_of(case, setting)
    study = pneumonia.pneumonia_study(setting.seed, case, cause)
    random = setting.generator(case, "covidx")
    draw, other = random.random(), BLOCK[int(random.integers(len(BLOCK)))]
    kind = CLASSES[other if draw < setting.dials.label_noise else cause]
    person, name, source = names(case, setting, CLASSES[cause])
    content = to_bytes(setting.drawing(study, 0).pixels)
    encode = png_bytes if name.lower().endswith("png") else jpeg_bytes
    written = Written()
    written.save(setting, f"{FOLDER}/{case.split}/{name}", encode(content, setting.tag))
    written.add("covidx", (person, name, kind, source, case.split))
    return written


def names(case: Case, setting: Setting, kind: str) -> tuple[str, str, str]:
    """Patient id, file name and source of a case whose true class is `kind`."""
    patient, visit = patient_of(case.number, setting.seed, case.population)
    choice = generator_from("phantom", setting.seed, "covidx", "source", patient)
    source = SOURCES[kind][int(choice.integers(len(SOURCES[kind])))]
    number = FIRST_PATIENT + patient
    if source in ("rsna", "rnsa"):
        digits = setting.digits(24, "covidx", patient)
        person = "-".join(["f" * 8, digits[:4], digits[4:8], digits[8:12], digits[12:]])
        return person, f"{person}.png" if visit == 0 else f"{person}-{visit}.png", source
    if source == "sirm":
        return f"COVID {number}", f"COVID({number}-{visit}).PNG", source
    ending = ("jpg", "jpeg", "png")[patient % 3]
    return str(number), f"phantom-{number}-{visit}.{ending}", source


def write_tables(written: Written, setting: Setting) -> Written:
    """Write `train.txt` and `test.txt` beside the images, and the lists 9A of COVID-Net."""
    made = Written()
    rows = sorted(written.rows.get("covidx", []), key=lambda row: str(row[1]))
    order = generator_from("phantom", setting.seed, "lists", "covidx").permutation(len(rows))
    for split in SPLITS:
        chosen = [rows[index] for index in order if rows[index][4] == split]
        two = [_line((*row[:2], _sign(str(row[2])), row[3])) for row in chosen]
        made.save(setting, f"{FOLDER}/{split}.txt", "".join(two).encode())
        three = [
            _line(row[:3] if split == "test" and place % UNSOURCED_EVERY == 0 else row[:4])
            for place, row in enumerate(chosen)
        ]
        made.save(setting, f"{LISTS}/{split}_COVIDx9A.txt", "".join(three).encode())
    return made


def _sign(kind: str) -> str:
    return "positive" if kind == "COVID-19" else "negative"


def _line(cells: tuple[object, ...]) -> str:
    return " ".join(str(cell) for cell in cells) + "\n"
