"""The keyword rule: states, places, prompts, and the phantom's reports."""

import re

import pytest

from baselines.methods.medklip_entities import (
    ABSENT,
    NO_PLACE,
    NOT_NAMED,
    PRESENT,
    UNCERTAIN,
    mentions,
    statement,
    states_and_places,
)
from baselines.methods.medklip_lists import ENTITIES, LOCATIONS
from benchmark.data.report_text import full_text
from benchmark.phantom.population import draw_study
from benchmark.phantom.reports import REPORTED, ReportDials, compose_report
from benchmark.protocols.prompts import load_prompts
from benchmark.seeds import generator_from

NAMES = [entity.name for entity in ENTITIES]
TOY_ENTITIES = 24
# Findings of the phantom whose entity has another name.
RENAMED = {
    "Infiltration": "infiltrate",
    "Pleural_Thickening": "pleural thickening",
    "Lung Opacity": "opacity",
}


def said(text):
    return {
        (NAMES[one.entity], one.state, LOCATIONS[one.place][0] if one.place != NO_PLACE else "")
        for one in mentions(text)
    }


def state_of(text, name):
    return states_and_places(text)[0][NAMES.index(name)]


def test_names_are_unique_and_explained():
    assert len(set(NAMES)) == len(NAMES)
    assert len({name for name, _ in LOCATIONS}) == len(LOCATIONS)
    assert len({entity.explanation for entity in ENTITIES}) == len(ENTITIES)
    for entity in ENTITIES:
        re.compile(entity.pattern)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Small left effusion.", {("effusion", PRESENT, "left chest")}),
        ("No pneumothorax is seen.", {("pneumothorax", ABSENT, "")}),
        ("Right upper lobe consolidation.", {("consolidation", PRESENT, "right upper lung")}),
        ("Neither effusion nor edema.", {("effusion", ABSENT, ""), ("edema", ABSENT, "")}),
        ("Effusion and edema are not seen.", {("effusion", ABSENT, ""), ("edema", ABSENT, "")}),
        ("Effusion cannot be excluded.", {("effusion", UNCERTAIN, "")}),
        ("No interval change in the known effusion.", {("effusion", PRESENT, "")}),
        ("The effusion has resolved.", {("effusion", ABSENT, "")}),
        ("The heart is not enlarged.", {("cardiomegaly", ABSENT, "heart")}),
        (
            "No effusion, but there is right basal atelectasis.",
            {("effusion", ABSENT, ""), ("atelectasis", PRESENT, "right base")},
        ),
        (
            "Left effusion without pneumothorax.",
            {("effusion", PRESENT, "left chest"), ("pneumothorax", ABSENT, "left chest")},
        ),
        (
            "Opacity at the left base and nodule in the right apex.",
            {("opacity", PRESENT, "left base"), ("nodule", PRESENT, "right apex")},
        ),
        ("Subcutaneous emphysema.", {("subcutaneous air", PRESENT, "")}),
        (
            "Lucency without lung markings on the right represents a pneumothorax.",
            {("pneumothorax", PRESENT, "right chest")},
        ),
        ("Massive brassiere.", set()),
    ],
)
def test_states_and_places(text, expected):
    assert said(text) == expected
    assert said(text.lower()) == expected


def test_over_a_report_present_stands_above_uncertain_above_absent():
    absent, doubtful, present = "No effusion. ", "Possible effusion. ", "Left effusion. "
    assert state_of("Clear lungs.", "effusion") == NOT_NAMED
    assert state_of(absent, "effusion") == ABSENT
    assert state_of(absent + doubtful, "effusion") == UNCERTAIN
    assert state_of(doubtful + present + absent, "effusion") == PRESENT
    places = states_and_places("No right effusion. Effusion. Left effusion. Right effusion.")[1]
    assert LOCATIONS[places[NAMES.index("effusion")]][0] == "left chest"


def test_the_rule_reads_the_phantoms_reports():
    dials = ReportDials()
    told = {1.0: PRESENT, 0.0: ABSENT, -1.0: UNCERTAIN}
    right = wrong = 0
    for number in range(150):
        study = draw_study(3, "test", number, "enriched", "mimic")
        report = compose_report(study, dials, generator_from("entities", number))
        for finding in REPORTED:
            if finding in report.mentions:
                name = RENAMED.get(finding, finding.lower())
                agrees = state_of(full_text(report.text), name) == told[report.mentions[finding]]
                right, wrong = right + agrees, wrong + (not agrees)
    assert right > 400
    assert wrong / (right + wrong) < 0.01


@pytest.mark.parametrize("name", ["maco", "siim", "chexzero"])
def test_every_prompt_names_an_entity_of_the_smallest_model(name):
    prompts = load_prompts(name)
    for class_name in prompts.names:
        entity = NAMES.index(RENAMED.get(class_name, "")) if class_name in RENAMED else None
        for side, denied in (("positive", False), ("negative", True)):
            for text in getattr(prompts, side)(class_name):
                found = statement(text, TOY_ENTITIES)
                assert found is not None, text
                if NAMES[found[0]] == "clear lungs":
                    # Says that the lungs are well: a statement, not a denial.
                    assert found[1] is False
                    continue
                assert found[1] is denied, text
                if entity is not None:
                    assert found[0] == entity


def test_a_prompt_about_nothing_or_beyond_the_model_has_no_entity():
    assert statement("a nice day", 24) is None
    assert statement("rotation", 24) is None
    assert statement("rotation", len(ENTITIES)) == (NAMES.index("rotation"), False)
