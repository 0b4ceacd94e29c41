"""The audit of published lists as lines of text or as Markdown, one verdict a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.data.audit_origins import Provenance
    from benchmark.data.audit_report import AuditReport, PartCounts, SetAudit, Shared

Verdict = Literal["ok", "LEAK", "shared", "inside", "note", "unknown"]
VERDICTS = {
    "ok": "nothing is shared",
    "LEAK": "two parts of one list share images or patients",
    "shared": "two lists do: a model that learned from the first must not be tested on the second",
    "inside": "a corpus made of the second data set holds images of the first",
    "note": "to be known",
    "unknown": "cannot be told from the files that are there",
}
_HEADERS = ("part", "images", "published", "patients", "positive", "labels unlike the table")
_NONE = "-"


@dataclass(frozen=True)
class Finding:
    """One line: what was found, and what it means."""

    verdict: Verdict
    text: str


def render(report: AuditReport, markdown: bool = False) -> str:
    """The whole report.

    Args:
        report: What `benchmark.data.audit.audit` found.
        markdown: Headings, tables and bullets of Markdown instead of plain text.
    """
    mark = " (PHANTOM: synthetic)" if report.phantom is not None else ""
    blocks = [_heading(f"Published lists in {report.lists}{mark}", markdown, 1)]
    for item in report.sets:
        blocks.append(_heading(f"{item.dataset}, {item.name}: {item.title}", markdown, 2))
        blocks.append(_table(item, markdown))
        blocks.append(_findings(set_findings(item), markdown))
    for title, found in (
        ("Across lists", [across_finding(pair) for pair in report.across]),
        ("Images taken from another data set", _provenance_findings(report.provenance)),
    ):
        if found:
            blocks += [_heading(title, markdown, 2), _findings(found, markdown)]
    legend = [f"{word}: {meaning}" for word, meaning in VERDICTS.items()]
    blocks.append("; ".join(legend) + ".")
    return "\n\n".join(block for block in blocks if block)


def set_findings(item: SetAudit) -> list[Finding]:
    """What is wrong, or not, with the lists of one data set."""
    found = [_pair_finding(pair) for pair in item.shared if pair.leaks]
    also = item.test_also
    if also.get("train") or also.get("validation_only"):
        found.append(
            Finding(
                "LEAK",
                f"of {item.parts['test'].images:,} test images {also['train']:,} are in a "
                f"training list and {also['validation_only']:,} more in the validation list",
            )
        )
    clean = [pair for pair in item.shared if not pair.leaks]
    found += _clean_findings(clean)
    for name, (inside, whole) in item.nested.items():
        if inside < whole:
            found.append(Finding("note", f"{name}: {inside:,} of {whole:,} images, not nested"))
    for part, counts in item.parts.items():
        found += _part_findings(part, counts)
    if "train" not in item.parts:
        found.append(Finding("unknown", "the training list of 100 % is not there"))
    return found


def across_finding(pair: Shared) -> Finding:
    """Training or validation of one list against the test part of another one."""
    if pair.images is None:
        return Finding(
            "unknown",
            f"{pair.first} and {pair.second}: none of the {pair.of_images:,} test images has a "
            f"known name in {pair.by}",
        )
    text = f"{pair.first} and {pair.second}: {_amount(pair)}"
    if pair.comparable < pair.of_images:
        text += f"; {pair.comparable:,} test images have a known name in {pair.by}"
    return Finding("shared" if pair.leaks else "ok", text)


def _pair_finding(pair: Shared) -> Finding:
    positive = ""
    if pair.images and pair.positive is not None:
        positive = ", all of them positive" if pair.positive == pair.images else ""
        positive = positive or f", {pair.positive:,} of them positive"
    return Finding("LEAK", f"{pair.first} and {pair.second}: {_amount(pair)}{positive}")


def _amount(pair: Shared) -> str:
    text = f"{pair.images:,} of {pair.of_images:,} images"
    if pair.patients is not None:
        text += f", {pair.patients:,} of {pair.of_patients:,} patients"
    return text


def _clean_findings(pairs: Sequence[Shared]) -> list[Finding]:
    """Pairs without anything in common, in one line for those with and without patients."""
    found: list[Finding] = []
    for what, chosen in (
        ("no shared image and no shared patient", [p for p in pairs if p.patients is not None]),
        ("no shared image (patients unknown)", [p for p in pairs if p.patients is None]),
    ):
        if chosen:
            names = "; ".join(f"{pair.first} and {pair.second}" for pair in chosen)
            found.append(Finding("ok", f"{what}: {names}"))
    return found


def _part_findings(part: str, counts: PartCounts) -> Iterable[Finding]:
    if counts.lines > counts.images:
        yield Finding("note", f"{part}: {counts.lines - counts.images:,} names are repeated")
    if counts.expected is not None and counts.images != counts.expected:
        yield Finding(
            "note", f"{part}: {counts.images:,} images, {counts.expected:,} were published"
        )
    if part == "test" and counts.positive is not None and counts.labelled:
        share = 100 * (1 - counts.positive / counts.labelled)
        empty = f"{share:.1f} % have no positive label" if share else "every image is positive"
        yield Finding("note", f"test: {empty}")
    if len(counts.folders) > 1 or (part == "test" and counts.folders):
        places = ", ".join(f"{count:,} in `{name}`" for name, count in counts.folders.items())
        yield Finding("note", f"{part}: {places}")
    if part == "test" and counts.in_table is not None and counts.in_table < counts.images:
        absent = counts.images - counts.in_table
        yield Finding("note", f"test: {absent:,} images are not in the data set's label table")
    if counts.differing:
        classes = ", ".join(f"{name} {count}" for name, count in counts.differing_classes.items())
        yield Finding(
            "note",
            f"{part}: labels of {counts.differing:,} of {counts.in_table:,} images are not those "
            f"of the data set's table ({classes})",
        )


def _provenance_findings(entries: Iterable[Provenance]) -> list[Finding]:
    found = []
    for entry in entries:
        head = f"{entry.dataset} in {entry.corpus}: {entry.statement} ({entry.source})"
        if not entry.counted:
            found.append(Finding("inside", f"{head} Known by construction, not counted."))
            found.append(Finding("unknown", f"{entry.dataset}: {entry.missing}"))
            continue
        counts = ", ".join(f"{count:,} {name}" for name, count in entry.found.items())
        found.append(Finding("inside", f"{head} Counted: {counts}."))
        for name, tests in entry.tests.items():
            found.append(
                Finding(
                    "inside" if tests["found"] else "unknown",
                    f"{entry.dataset} {name} test: {tests['found']:,} of {tests['images']:,} "
                    f"images were found in {entry.corpus}",
                )
            )
    return found


def _table(item: SetAudit, markdown: bool) -> str:
    rows = []
    for part, counts in item.parts.items():
        numbers = (counts.images, counts.expected, counts.patients, counts.positive)
        rows.append([part, *(_count(value) for value in numbers), _count(counts.differing)])
    return str(
        tabulate(
            rows,
            headers=_HEADERS,
            tablefmt="pipe" if markdown else "simple",
            colalign=["left", *["right"] * (len(_HEADERS) - 1)],
            disable_numparse=True,
        )
    )


def _count(value: int | None) -> str:
    return _NONE if value is None else f"{value:,}"


def _heading(text: str, markdown: bool, level: int) -> str:
    return f"{'#' * level} {text}" if markdown else text


def _findings(found: Iterable[Finding], markdown: bool) -> str:
    if markdown:
        return "\n".join(f"- **{item.verdict}** {item.text}" for item in found)
    return "\n".join(f"{item.verdict:<8} {item.text}" for item in found)
