"""One page in every format: the same numbers, nothing lost, nothing unescaped."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess

import pytest

from benchmark.errors import UsageError
from benchmark.reporting.cells import Measured
from benchmark.reporting.model import Beside, Head, Line, Sheet, TableCell, TablePage
from benchmark.reporting.tables import write_tables
from benchmark.reporting.writers import WRITERS
from benchmark.reporting.writers.latex import escaped
from benchmark.reporting.writers.rows import FIELDS

VALUE = Measured(
    "value",
    0.713,
    (0.689, 0.736),
    seeds={"pretrain": (0, 1)},
    sampling=(0.7, 0.726),
    spread={"pretrain": 0.01},
)
LISTED = ("Data set", "Published", "Status")
UNDEFINED = Measured("undefined", reason="no positive case")


def page(**changes):
    heads = (
        Head("RSNA_1 & 10 %", "percent_1", "rsna_zero_shot", "maco", "rsna-x", "all", "auc"),
        Head("CNR", "signed_3", "ms_cxr_grounding", metric="cnr"),
    )
    beside = Beside("90.5", "text", 0.905, -0.192, "differs")
    lines = (
        Line(
            ("MaCo", "30", "p0,1"),
            (TableCell(VALUE, beside, "best", ("k1", "k2")), TableCell(UNDEFINED)),
            "method",
            "maco",
        ),
        Line(
            ("Other|one", "", "–"),
            (TableCell(Measured("not_run"), Beside("", "not_found")), TableCell(UNDEFINED)),
            "from scratch",
            "other",
        ),
        Line(
            ("chance", "", "–"),
            (
                TableCell(Measured("value", 0.5)),
                TableCell(Measured("value", -0.25, (-0.35, -0.15), verdict="lower")),
            ),
            "sentinel",
            "chance",
        ),
    )
    size = Line(("NIH", "7", "text"), ())
    listing = Sheet("Sizes", LISTED, (), (size,), place="details")
    fields = {
        "name": "one",
        "title": "a_title",
        "paper": "Paper",
        "paper_table": "Table 1",
        "suite": "small",
        "profile": "paper",
        "command": "maco-bench tables",
        "phantom": False,
        "header": ("Profile: `paper`",),
        "sheets": (Sheet("A section", ("Method", "Epochs", "Seeds"), heads, lines), listing),
        "notes": ("A note.",),
    }
    return TablePage(**{**fields, **changes})


def rows():
    text = WRITERS["csv"](page())["one.csv"]
    return list(csv.DictReader(io.StringIO(text)))


def test_markdown():
    files = WRITERS["markdown"](page())
    assert set(files) == {"one.md", "one_details.md"}
    text = files["one.md"]
    assert "**71.3 [68.9, 73.6], sd p 1.0**" in text
    assert "90.5 (text), −19.2, differs" in text
    assert "not found" in text and "Other\\|one" in text
    assert "−0.250 [−0.350, −0.150] lower" in text
    assert text.index("**Without start weights**") < text.index("Other")
    assert text.index("no positive case") < text.index("## Remarks") < text.index("## Origin")
    assert "| NIH" in files["one_details.md"] and "| NIH" not in text


def test_broken_and_phantom_are_in_every_format():
    broken = page(phantom=True, faults=("oracle: 0.9, not 1",))
    assert "(phantom, BROKEN)" in WRITERS["markdown"](broken)["one.md"].splitlines()[0]
    assert "(phantom, BROKEN)" in WRITERS["latex"](broken)["one.tex"]
    content = json.loads(WRITERS["json"](broken)["one.json"])
    assert content["phantom"] is True and content["broken"] == ["oracle: 0.9, not 1"]
    lines = list(csv.DictReader(io.StringIO(WRITERS["csv"](broken)["one.csv"])))
    assert {line["phantom"] for line in lines} == {line["broken"] for line in lines} == {"true"}


def test_csv_holds_every_cell_as_plain_numbers():
    found = rows()
    assert len(found) == 6
    first = found[0]
    assert tuple(first) == FIELDS
    assert (float(first["value"]), float(first["low"]), float(first["high"])) == (
        0.713,
        0.689,
        0.736,
    )
    assert (first["sampling_low"], first["sd_pretrain"], first["pretrain_seeds"]) == (
        "0.7",
        "0.01",
        "0 1",
    )
    assert (first["published"], first["difference"], first["reproduction"]) == (
        "0.905",
        "-0.192",
        "differs",
    )
    assert (first["mark"], first["records"]) == ("best", "k1 k2")
    assert (found[1]["value"], found[1]["state"], found[1]["reason"]) == (
        "",
        "undefined",
        "no positive case",
    )
    assert found[5]["paired_verdict"] == "lower"


def test_json_says_the_same_as_csv():
    content = json.loads(WRITERS["json"](page())["one.json"])
    for ours, theirs in zip(content["cells"], rows(), strict=True):
        assert list(ours) == list(FIELDS)
        for name in ("value", "low", "published", "difference"):
            assert (ours[name] is None and theirs[name] == "") or ours[name] == float(theirs[name])
        assert ours["row"] == theirs["row"]
    listing = {"title": "Sizes", "columns": list(LISTED), "rows": [["NIH", "7", "text"]]}
    assert content["listings"] == [listing]


def test_latex_is_booktabs_and_escaped():
    text = WRITERS["latex"](page())["one.tex"]
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 2
    assert r"RSNA\_1 \& 10 \% " in text
    assert r"\textbf{71.3 [68.9, 73.6], sd p 1.0}" in text
    assert r"$-$0.250 [$-$0.350, $-$0.150] lower" in text
    assert r"\emph{chance} (sentinel)" in text
    assert r"\caption{Table 1 of Paper: a\_title. A section.}" in text
    columns = re.search(r"\\begin\{tabular\}\{(l+r*)\}", text).group(1)
    assert columns == "lll" + "r" * 3
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in body[:5]} == {5}
    assert escaped(r"a\b#c$d^e~f{g}") == (
        r"a\textbackslash{}b\#c\$d\textasciicircum{}e\textasciitilde{}f\{g\}"
    )


def test_no_bracket_follows_a_line_break_of_latex():
    """`\\\\ [1]` would be a length; so would a row that begins with a bracket."""
    cells = (TableCell(UNDEFINED), TableCell(Measured("undefined", reason="another reason")))
    lines = [Line(("[odd] name", "", ""), cells, "method", "odd")] * 2
    sheet = Sheet("", ("Method", "Epochs", "Seeds"), page().sheets[0].heads, tuple(lines))
    text = WRITERS["latex"](page(sheets=(sheet,)))["one.tex"]
    assert "[1] no positive case" in text and "[2] another reason" in text
    assert not re.search(r"\\\\\s*\[", text)


def test_the_same_page_gives_the_same_bytes():
    for writer in WRITERS.values():
        assert writer(page()) == writer(page())


def test_an_unknown_format_gets_near_names(records, leaderboards, tmp_path):
    with pytest.raises(UsageError, match="latex"):
        write_tables(
            "small", records.root, tmp_path, "demo", formats=["latx"], leaderboards=leaderboards
        )


def test_all_formats_of_a_suite(records, leaderboards, tmp_path):
    formats = ["markdown", "csv", "latex", "json"]
    written = write_tables(
        "small", records.root, tmp_path / "o", "demo", formats=formats, leaderboards=leaderboards
    )
    assert [path.suffix for path in written] == [".md", ".csv", ".tex", ".json"]


def test_latex_compiles(tmp_path):
    """Only where a LaTeX is installed."""
    import shutil

    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex on this machine")
    (tmp_path / "one.tex").write_text(WRITERS["latex"](page())["one.tex"], encoding="utf-8")
    main = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{one}\end{document}"
    (tmp_path / "main.tex").write_text(main, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 0
