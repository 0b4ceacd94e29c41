from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from benchmark.data.report_text import sections
from benchmark.errors import UsageError
from benchmark.phantom import grammar, grammar_frame, grammar_general
from benchmark.phantom.phrases import MS_CXR_NAMES, ms_cxr_phrase, phrase_templates
from benchmark.phantom.population import draw_study
from benchmark.phantom.report_layout import LINE_WIDTH
from benchmark.phantom.report_states import count_states, report_state, retrieval_ceiling
from benchmark.phantom.reports import ReportDials, compose_report, write_report
from benchmark.phantom.truth import Finding, Patient, Study, View
from benchmark.phantom.words import WORDS
from benchmark.protocols.prompts import load_prompts
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from pathlib import Path

CERTAIN = ReportDials(omission=0, hedging=0, unchanged=0)
ROOTS = {
    "Atelectasis": r"atelecta|volume loss",
    "Cardiomegaly": r"cardiomegaly|enlarge(d|ment)|heart size is \w+ly increased",
    "Effusion": r"effusion|pleural fluid",
    "Infiltration": r"infiltrat",
    "Mass": r"\bmass(es)?\b",
    "Nodule": r"nodul",
    "Pneumonia": r"pneumonia",
    "Pneumothorax": r"pneumothora",
    "Consolidation": r"consolidat",
    "Edema": r"edema",
    "Emphysema": r"emphysema",
    "Fibrosis": r"fibro",
    "Pleural_Thickening": r"pleural thickening|thickening of the pleura",
    "Hernia": r"hernia",
    "Lung Opacity": r"opacit(y|ies)\b",
}
DENIES = re.compile(
    r"^(no|neither|without|free of)\b|\bfree of\b"
    r"|\b(is|are) (not (seen|identified|enlarged)|absent)|has not developed"
)
UNDENIED = ("no interval change", "no other acute", "no acute", "no significant")


def studies(count: int, population: str = "test", seed: int = 3) -> list[Study]:
    return [draw_study(seed, population, number, "enriched", "mimic") for number in range(count)]


def texts(count: int, dials: ReportDials | None = None) -> list[tuple[Study, str]]:
    dials = dials or ReportDials()
    return [
        (study, write_report(study, dials, generator_from("reports", study.number)))
        for study in studies(count)
    ]


def body(text: str) -> str:
    """Everything after the head of the report, on one line."""
    kept = [
        block
        for block in re.split(r"\n \n", text)
        if not re.match(r"\s*(FINAL|EXAM|INDIC|REASON|HISTORY|TECHN|COMPAR|ADDENDUM|___)", block)
    ]
    joined = re.sub(r"\s+", " ", " ".join(kept))
    return re.sub(r"[A-Z][A-Z ,]+: | \d\. ", " ", joined)


def sentences(text: str) -> list[str]:
    return [piece.strip().lower() for piece in re.split(r"\.(?!\d)", body(text)) if piece.strip()]


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9<>]+", text.lower()))


def test_reports_have_the_form_of_the_files() -> None:
    for _, text in texts(300):
        lines = text.split("\n")
        assert lines[-1] == ""
        assert any(line.strip() == "FINAL REPORT" for line in lines)
        for line in lines[:-1]:
            assert line.startswith(" ") and len(line) <= LINE_WIDTH and "\t" not in line
        assert "{" not in text and "a/an" not in text and "_ " not in text.replace("___", "")


def test_sections_are_found_and_awkward_shapes_occur() -> None:
    shapes = [frozenset(sections(text)) & {"findings", "impression"} for _, text in texts(600)]
    share = sum(shape == {"findings", "impression"} for shape in shapes) / len(shapes)
    assert 0.7 < share < 0.95
    assert {frozenset({"findings"}), frozenset({"impression"}), frozenset()} <= set(shapes)
    assert any("_" * 40 in text for _, text in texts(600))


@pytest.mark.parametrize("dials", [ReportDials(), CERTAIN])
def test_reports_are_true_to_the_study(dials: ReportDials) -> None:
    for study, text in texts(500, dials):
        for sentence in sentences(text):
            denied = bool(DENIES.search(sentence)) and not sentence.startswith(UNDENIED)
            for name, root in ROOTS.items():
                if re.search(root, sentence):
                    assert study.has(name) != denied, (name, sentence, text)
        if study.findings:
            assert not re.search(r"normal chest|unremarkable chest radiograph", text.lower())


def test_every_present_finding_is_affirmed_when_no_dial_is_on() -> None:
    for study, text in texts(300, CERTAIN):
        for finding in study.findings:
            assert re.search(ROOTS[finding.name], body(text).lower())


def test_side_of_a_finding_is_never_swapped() -> None:
    patient, view = Patient(0, "F", 50, 0.0, 0), View("PA", 0, 0, 0)
    for name in WORDS:
        for side, other in (("left", "right"), ("right", "left")):
            finding = Finding(name, side, "lower", 0.5, 3.0, 0)
            study = Study(patient, 0, (finding,), (view,), 0)
            text = " ".join(
                write_report(study, ReportDials(), generator_from("side", name, i))
                for i in range(20)
            ).lower()
            assert not re.search(rf"\b{other}\b", text)
            assert re.search(rf"\b{side}\b", text) or name in ("Cardiomegaly", "Hernia")


def test_dials_do_what_they_say() -> None:
    for study in studies(80):
        names = {finding.name for finding in study.findings}
        random = generator_from("dials", study.number)
        silent = compose_report(study, ReportDials(1, 0, 0), random).mentions
        assert not names & set(silent)
        hedged = compose_report(study, ReportDials(0, 1, 0), random).mentions
        assert {hedged[name] for name in names} <= {-1.0}
        unchanged = write_report(study, ReportDials(0, 0, 1), random).lower()
        assert not names or re.search("unchanged|stable|no interval change|similar", unchanged)
        wrong = compose_report(study, ReportDials(0, 0, 0, 1.0), random).mentions
        assert all(wrong[name] == 0.0 for name in names)
        assert sum(value == 1.0 for value in wrong.values()) == 1


@pytest.mark.parametrize("name", ["omission", "hedging", "unchanged", "label_noise"])
def test_a_dial_outside_its_range_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        ReportDials(**{name: 1.5})


def test_default_dials_are_met_in_the_long_run() -> None:
    mentioned = hedged = present = 0
    for study in studies(1200):
        mentions = compose_report(study, ReportDials(), generator_from("run", study.number))
        told = [mentions.mentions.get(finding.name) for finding in study.findings]
        present += len(told)
        mentioned += sum(value is not None for value in told)
        hedged += sum(value == -1 for value in told)
    assert present > 1000
    assert abs(1 - mentioned / present - 0.05) < 0.02
    assert abs(hedged / mentioned - 0.10) < 0.03


def test_same_generator_same_report_and_normal_reports_vary() -> None:
    view = View("PA", 0, 0, 0)
    normal = Study(Patient(0, "M", 40, 0.0, 0), 0, (), (view,), 0)
    written = [write_report(normal, ReportDials(), generator_from("n", i)) for i in range(300)]
    again = write_report(normal, ReportDials(), generator_from("n", 7))
    assert again == written[7]
    assert len({body(text) for text in written}) > 290


def report_templates() -> list[str]:
    return [
        *grammar.finding_templates(),
        *grammar_general.general_templates(),
        *grammar_frame.frame_templates(),
    ]


def test_zero_shot_prompts_are_no_report_sentences(checkout: Path) -> None:
    said = {plain(piece) for _, text in texts(1500) for piece in re.split(r"\.(?!\d)", body(text))}
    for name in ("maco", "siim"):
        prompts = load_prompts(name, checkout / "tasks" / "prompts")
        classes = list(prompts.names)
        wanted = [side(c) for c in classes for side in (prompts.positive, prompts.negative)]
        held_out = {plain(text) for group in wanted for text in group}
        assert len(held_out) > len(classes) * 3
        assert not held_out & said
    grammar_text = " ".join(report_templates())
    assert "no evidence of" not in grammar_text.lower()
    assert "there is no" not in grammar_text.lower()


def abstracted(template: str) -> str:
    text = plain(re.sub(r"\{\w+\}", " <> ", template))
    return " " + re.sub(r"(<> )+", "<> ", text + " ")


def test_phrase_templates_are_no_part_of_report_templates() -> None:
    reported = [abstracted(template) for template in report_templates()]
    for template in phrase_templates():
        form = abstracted(template)
        assert re.search("[a-z]", form)
        assert not any(form in other for other in reported), template


def test_rendered_phrases_are_in_no_report_but_their_words_are() -> None:
    reports = [plain(body(text)) for _, text in texts(600)]
    everything = "\n".join(f" {text} " for text in reports)
    known = set(everything.split())
    for study in studies(400, "phrases"):
        for finding in study.findings:
            if finding.name in MS_CXR_NAMES:
                phrase = ms_cxr_phrase(finding, generator_from("p", finding.seed))
                assert f" {plain(phrase)} " not in everything
                words = plain(phrase).split()
                assert sum(word in known for word in words) >= 0.6 * len(words), phrase
                assert phrase == phrase.lower() and "{" not in phrase


def test_states_and_retrieval_ceiling() -> None:
    assert retrieval_ceiling(["a", "a", "b", "c"]) == 0.75
    drawn = studies(200)
    assert report_state(drawn[0]) == report_state(drawn[0])
    counted = count_states(drawn, 64, generator_from("states"))
    bare = count_states(drawn, 64, generator_from("states"), with_devices=False)
    assert counted.batch == 64 and counted.ceiling == counted.distinct / 64
    assert 0.3 < bare.ceiling <= counted.ceiling <= 1
