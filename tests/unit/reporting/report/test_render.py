"""The printed page: valid references, one script, one style, and nothing of what texts ask for."""

import dataclasses
import itertools
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from benchmark.interfaces import Metric
from benchmark.reporting.cells import Measured
from benchmark.reporting.comparison import Comparer
from benchmark.reporting.model import Beside, DataLevel, TableCell
from benchmark.reporting.report.build import Parts, build_report
from benchmark.reporting.report.markup import source_hash
from benchmark.reporting.report.model import FigureView, Picture
from benchmark.reporting.report.render import policy, render_report, static
from tests.unit.reporting.report.handmade import (
    CASES,
    PHANTOM_ID,
    Results,
    compared_sheet,
    keyed,
    line,
    page,
    sheet,
    value,
)

HOSTILE = "<img src=x onerror=alert(1)>\"'&</td><script>alert(2)</script>"
VOID = {"meta", "link", "img", "wbr"}


class Page(HTMLParser):
    """Elements with their attributes, scripts, and the balance of the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found, self.scripts, self.open, self.headings = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), (tag, attrs)
        self.found.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open[-5:], tag, self.getpos())
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)

    def values(self, attribute):
        return [attrs[attribute] for _, attrs in self.found if attribute in attrs]


@pytest.fixture
def made(tmp_path):
    return Results(tmp_path / "results")


def report_of(results, *pages, **parts):
    parts = {"comparer": lambda: Comparer(replicates=100).compare, **parts}
    return build_report(
        {"small": list(pages)}, results, "paper", command="maco-bench report", parts=Parts(**parts)
    )


def sound(made):
    results = [
        made.classification("maco", 2.0),
        made.classification("maco", 2.0, seed=1),
        made.classification("mrm", 0.5),
        made.add("pretraining", "maco", {}, kind="pretrain"),
    ]
    rows = [
        line("MaCo", TableCell(value(0.9), keys=keyed(*results[:2]))),
        line("MRM", TableCell(value(0.8), keys=keyed(results[2])), baseline="mrm"),
    ]
    figure = FigureView("figure-roc", "ROC", Picture("data:image/png;base64,AA==", "A.", "ROC"))
    return report_of(results, page(sheet(*rows), compared_sheet("other images")), figures=(figure,))


def hostile(made):
    """A report in which every text that comes from outside is hostile."""
    score = Metric(
        0.5,
        per_class={HOSTILE: None, "b" + HOSTILE: 0.5},
        why_per_class={HOSTILE: HOSTILE},
        n=1,
    )
    samples = {
        "ids": np.array([f"{HOSTILE}{row}" for row in range(CASES)]),
        "patients": np.array([f"{row}" for row in range(CASES)]),
        "truth": (np.arange(CASES)[:, None] + [0, 1]) % 2.0,
        "scores": np.random.default_rng(0).random((CASES, 2)),
    }
    results = [
        made.add(
            "rsna_zero_shot",
            f"{name}<img src=x onerror=alert(1)>\"'&",
            {"auc": score, HOSTILE: Metric(None, why=HOSTILE)},
            samples=samples,
            recipe={"kind": HOSTILE, HOSTILE: [HOSTILE], "source": HOSTILE},
            selection={"class_names": [HOSTILE, HOSTILE], HOSTILE: [{HOSTILE: HOSTILE}]},
            provenance={"commit": HOSTILE, "command": HOSTILE, "libraries": {HOSTILE: HOSTILE}},
            data_id=PHANTOM_ID,
        )
        for name in "ab"
    ]
    rows = [
        line(
            HOSTILE,
            TableCell(value(0.5, reason=HOSTILE), keys=keyed(result)),
            role="method",
            baseline=result.cell["baseline"],
        )
        for result in results
    ]
    table = page(
        dataclasses.replace(sheet(*rows, remark=HOSTILE), title=HOSTILE),
        name='x"><script>',
        title=f"`{HOSTILE}` **{HOSTILE}**",
        paper=HOSTILE,
        paper_table=HOSTILE,
        header=(HOSTILE,),
        notes=(HOSTILE,),
        faults=(HOSTILE,),
        warnings=(HOSTILE,),
        command=HOSTILE,
    )
    picture = Picture("data:image/png;base64,AA==", HOSTILE, HOSTILE)
    figure = FigureView("figure-x", HOSTILE, picture)
    return report_of(results, table, figures=(figure,), figure_notes=(HOSTILE,))


def printed(report):
    return render_report(report).decode("utf-8")


@pytest.mark.parametrize("maker", [sound, hostile])
def test_the_page_is_balanced_its_ids_are_unique_and_its_links_lead_somewhere(made, maker):
    parsed = Page(printed(maker(made)))
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[\w.-]+", one) for one in ids)
    links = [attrs["href"] for tag, attrs in parsed.found if tag == "a"]
    assert {link[:1] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(ids)
    described = [one for value in parsed.values("aria-describedby") for one in value.split()]
    labelled = [one for value in parsed.values("aria-labelledby") for one in value.split()]
    assert set(described) | set(labelled) <= set(ids)


@pytest.mark.parametrize("maker", [sound, hostile])
def test_headings_go_down_one_level_at_a_time(made, maker):
    levels = Page(printed(maker(made))).headings
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("maker", [sound, hostile])
def test_nothing_but_the_page_s_own_script_and_style_can_run(made, maker):
    text = printed(maker(made))
    parsed = Page(text)
    kinds = [attrs.get("type", "") for tag, attrs in parsed.found if tag == "script"]
    assert kinds == ["application/json", ""]
    assert [tag for tag, _ in parsed.found].count("style") == 1
    handlers = {name for _, attrs in parsed.found for name in attrs if name.startswith("on")}
    assert not handlers and not parsed.values("style")
    stated = next(attrs["content"] for _, attrs in parsed.found if "http-equiv" in attrs)
    assert stated == policy(static("report.css"), static("report.js"))
    assert source_hash(parsed.scripts[-1]) in stated
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert source_hash(style) in stated
    assert "unsafe" not in stated and stated.startswith("default-src 'none';")


@pytest.mark.parametrize("maker", [sound, hostile])
def test_nothing_is_fetched(made, maker):
    parsed = Page(printed(maker(made)))
    sources = parsed.values("src") + [attrs["href"] for tag, attrs in parsed.found if tag == "link"]
    assert sources and all(one.startswith("data:") for one in sources)
    assert {tag for tag, _ in parsed.found} & {"iframe", "object", "embed", "base", "form"} == set()
    assert not re.search(
        r"url\(|@import|fetch\(|XMLHttp|WebSocket", static("report.css") + static("report.js")
    )


def test_hostile_texts_are_shown_as_they_are(made):
    text = printed(hostile(made))
    assert "<script>alert(2)" not in text and "<img src=x" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") > 20


def test_names_with_marks_of_markdown_are_shown_as_they_are(made):
    options = {"note": "`**x** *y*"}
    results = [
        made.classification("a`b`*c*", 2.0),
        made.classification("maco", 0.5),
    ]
    results[1].cell["options"] = options
    titles = ("`a`b`*c*`", "**MaCo** (note=`**x** *y*)")
    rows = [
        line(title, TableCell(value(0.5), keys=keyed(item)), baseline=item.cell["baseline"])
        for title, item in zip(titles, results, strict=True)
    ]
    picture = Picture("data:image/png;base64,AA==", "*Best* of (note=`**x** *y*).", "A")
    report = report_of(results, page(sheet(*rows)), figures=(FigureView("figure-x", "X", picture),))
    text = printed(report)
    for told in (
        "<code>a`b`*c*</code>",
        "<strong>MaCo</strong> (note=`**x** *y*)",
        "<em>Best</em> of (note=`**x** *y*).",
        ">a`b`*c*</td>",
        ">MaCo (note=`**x** *y*)</td>",
    ):
        assert told in text, told
    titles = [one["title"] for one in report.comparisons.data["blocks"][0]["methods"]]
    assert titles == ["a`b`*c*", "MaCo (note=`**x** *y*)"]
    assert not set(text) & set("\ufdd0\ufdd1")


def test_names_in_the_sentences_of_a_page_are_shown_as_they_are(made):
    name = "a`b` **c** *d*"
    item = made.classification(name, 2.0)
    told = f"This version has no baseline `{name}`."
    shown_reason = f"No run of `{name}`"
    gap = TableCell(
        Measured("not_run", reason=shown_reason), Beside("60.0", "printed", 0.6, None, "not found")
    )
    compared = TableCell(
        value(0.5),
        Beside("70.0", "copied", 0.7, None, "not comparable", told),
        keys=keyed(item),
    )
    other = DataLevel((f"On `{name}`, header",), (sheet(line("B", gap)),), (f"`{name}` other",))
    rows = (line("A", compared), line("B", gap))
    report = report_of(
        [item],
        page(
            sheet(*rows, remark=f"`{name}` remark"),
            header=(f"`{name}` header",),
            warnings=(f"`{name}` warning",),
            notes=(f"`{name}` note",),
            faults=(f"`{name}` fault",),
            others=(other,),
        ),
    )
    text = printed(report)
    code = f"<code>{name}</code>"
    ends = ("remark", "header", "warning", "note", "fault", "other")
    for wanted in (*(f"{code} {end}" for end in ends), f"{code}, header", f"baseline {code}."):
        assert wanted in text, wanted
    assert f"No run of {code}" in text
    assert not set(text) & set("\ufdd0\ufdd1")


def test_the_comparison_s_data_read_back(made):
    report = sound(made)
    parsed = Page(printed(report))
    assert json.loads(parsed.scripts[0]) == json.loads(json.dumps(report.comparisons.data))
    hostile_data = json.loads(Page(printed(hostile(made))).scripts[0])
    assert hostile_data["blocks"][0]["methods"][0]["title"] == HOSTILE


def test_equal_records_give_equal_bytes(made):
    assert render_report(sound(made)) == render_report(sound(made))


def test_a_cell_s_page_has_a_stable_name(made):
    report = sound(made)
    text = printed(report)
    for view in report.records:
        assert view.anchor == f"cell-{view.key[:8]}"
        assert f'<section class="view record" id="{view.anchor}">' in text
    assert 'id="table-small"' in text


def test_a_column_s_number_and_its_place_are_in_the_page(made):
    parsed = Page(printed(sound(made)))
    heads = [attrs for tag, attrs in parsed.found if tag == "th" and "data-column" in attrs]
    assert {head["data-sort"] for head in heads} == {"text", "number"}
    assert "0.9" in parsed.values("data-v")


def test_a_style_that_could_end_its_element_is_refused(monkeypatch):
    class Folder:
        def joinpath(self, *parts):
            return self

        def read_text(self, encoding):
            return "a{}</style>"

    monkeypatch.setattr(
        "benchmark.reporting.report.render.resources.files", lambda package: Folder()
    )
    with pytest.raises(ValueError, match="may end its element"):
        static("report.css")
