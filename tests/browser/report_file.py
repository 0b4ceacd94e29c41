"""The report that the browser opens: two tables, records, figures, pairs and hostile names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.interfaces import Metric
from benchmark.reporting.cells import Measured
from benchmark.reporting.comparison import Comparer
from benchmark.reporting.model import Beside, TableCell
from benchmark.reporting.report.build import Parts, build_report
from benchmark.reporting.report.figure_views import bytes_uri
from benchmark.reporting.report.model import FigureView, Picture
from benchmark.reporting.report.render import render_report
from tests.unit.reporting.report.handmade import (
    Results,
    compared_sheet,
    head,
    keyed,
    line,
    page,
    sheet,
    value,
)

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.reporting.model import Line
    from benchmark.reporting.select import Result

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror=alert(1)>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300"><rect width="900" height="300"/></svg>'  # noqa: E501
FIGURES = ("One", "Two", "Three", "Four", "Five")
QUALITY = {"maco": 2.0, "mrm": 0.6, "refers": 1.4, "gloria": 1.0, "convirt": 0.8, "clip_vit": 0.5}


def write_report(folder: Path) -> Path:
    """Make records and pages, print the report, and say where it is."""
    made = Results(folder / "results")
    source = made.add("pretraining", "maco", {}, kind="pretrain")
    by_name: dict[str, list[Result]] = {
        name: [made.classification(name, quality, depends_on=source.cell["key"])]
        for name, quality in QUALITY.items()
    }
    by_name["maco"].append(made.classification("maco", 2.0, seed=1))
    for name, quality in (("chance", 0.0), ("oracle", 50.0)):
        by_name[name] = [made.classification(name, quality)]
    by_name[HOSTILE] = [made.classification(HOSTILE.replace("/", "_"), 0.3)]
    lines = [_line(name, results) for name, results in by_name.items()]
    absent = Beside("88.0", "printed", 0.88, None, "not measured")
    empty = [TableCell(Measured("not_run"), absent)] * 4
    lines.insert(2, line("M3AE", *empty, baseline="m3ae"))
    heads = tuple(head(f"AUC, {percent} %", labels=str(percent)) for percent in (1, 10, 100, "all"))
    tables = [
        page(sheet(*lines, heads=heads), name="wide", notes=(f"A note of {HOSTILE}.",)),
        page(compared_sheet("part of the data set is absent"), name="small", paper_table="Table 2"),
    ]
    figure = Picture(bytes_uri(SVG, "image/svg+xml"), f"A figure. {HOSTILE}", "A figure")
    # A long name without a place to break.
    long = made.add("covid_rural_segmentation", "maco", {"dice_nonempty": Metric(0.5, n=1)})
    report = build_report(
        {"small": tables},
        [source, *(item for items in by_name.values() for item in items), long],
        "paper",
        titles={"small": "A suite"},
        command="maco-bench report",
        parts=Parts(
            comparer=lambda: Comparer(replicates=100).compare,
            figures=tuple(FigureView(f"figure-{name.lower()}", name, figure) for name in FIGURES),
        ),
    )
    path = folder / "report.html"
    path.write_bytes(render_report(report))
    return path


def _line(name: str, results: list[Result]) -> Line:
    role = "sentinel" if name in ("chance", "oracle") else "method"
    scores = [item.record["metrics"]["auc"]["value"] for item in results]
    mean = sum(scores) / len(scores)
    side = Beside("60.0", "printed", 0.6, mean - 0.6, "differs") if role == "method" else None
    why = f"seeds of {name}" if name == "mrm" else ""
    cell = TableCell(value(mean, reason=why), side, keys=keyed(*results))
    return line(name.upper() if len(name) < 9 else name, *[cell] * 4, role=role, baseline=name)
