"""Who stands in the figures: title, role, order and look, the same in every figure of a call.

Titles and roles are those of the table layouts, save titles that speak of the row above. Methods
have a colour and a marker; floors and priors are grey and dashed, so that what uses no training or
no model is seen at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark import registry
from benchmark.outside_names import short_name
from benchmark.reporting.figures.canvas import DASHES, GREY_DASHES, GREYS, MARKERS, PALETTE
from benchmark.reporting.layout import ROLES, Role, TableLayout
from benchmark.reporting.select import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LEARNT: tuple[Role, ...] = ("method", "from scratch")
STEP = "+"
"""Begins the title of a row that adds to the row above: no name where it stands alone."""


@dataclass(frozen=True)
class Method:
    """One group of records and how it looks.

    Attributes:
        colour: As matplotlib reads it.
        marker: Likewise; empty for what has none.
        dash: Line style.
    """

    group: Group
    title: str
    role: Role
    colour: str
    marker: str
    dash: Any

    @property
    def learnt(self) -> bool:
        """Whether it is a method, with or without start weights."""
        return self.role in LEARNT

    @property
    def line(self) -> dict[str, Any]:
        """Arguments of a plotted line."""
        return {"color": self.colour, "linestyle": self.dash}


def own_method(suite: str) -> str:
    """The method that a suite is about.

    It is named as the suite is (`maco-v1` speaks of `maco_v1`), or else stands first among the
    suite's baselines.
    """
    if not suite:
        return ""
    name = suite.replace("-", "_")
    if name in registry.baseline_names():
        return name
    baselines = registry.load_suite(suite).baselines
    return baselines[0] if baselines else ""


def methods_of(
    groups: Iterable[Group], layouts: Sequence[TableLayout], own: str = ""
) -> dict[Group, Method]:
    """The groups in the order of the figures: the own method first, then by role and layout.

    Args:
        groups: Of all records that figures are made from.
        layouts: Tables; the first row of a baseline gives its role, the first whose title can
            stand alone its title.
        own: Baseline that comes first.
    """
    rows = {row.baseline: row for layout in reversed(layouts) for row in reversed(layout.rows)}
    titles = _titles(layouts)
    places = {row.baseline: place for place, row in enumerate(_rows_in_order(layouts))}
    known = set(groups)
    several = len({group.corpus for group in known} - {""}) > 1

    def order(group: Group) -> tuple[Any, ...]:
        role = _role(group, rows)
        mine = group.baseline == own
        place = places.get(group.baseline, len(places))
        return (ROLES.index(role), not mine, group.options != "{}", place, group)

    found: dict[Group, Method] = {}
    colours = greys = 0
    for group in sorted(known, key=order):
        role = _role(group, rows)
        title = _title(group, titles, several)
        if role in LEARNT:
            found[group] = Method(group, title, role, *_coloured(colours))
            colours += 1
        else:
            found[group] = Method(group, title, role, *_grey(greys))
            greys += 1
    return found


def _titles(layouts: Sequence[TableLayout]) -> dict[str, str]:
    """Titles of the baselines with a row; its own where no row's can stand alone."""
    found: dict[str, str] = {}
    steps: dict[str, str] = {}
    for row in (row for layout in layouts for row in layout.rows):
        titles = steps if row.title.startswith(STEP) else found
        titles.setdefault(row.baseline, row.title)
    known = registry.baseline_names()
    for name in steps.keys() - found.keys():
        found[name] = registry.load_baseline(name).title if name in known else short_name(name)
    return found


def _rows_in_order(layouts: Sequence[TableLayout]) -> list[Any]:
    return list({row.baseline: row for layout in layouts for row in layout.rows}.values())


def _coloured(number: int) -> tuple[str, str, Any]:
    """Colours repeat after a round; marker and dashes then tell methods apart."""
    round_number = number // len(PALETTE)
    return (
        PALETTE[number % len(PALETTE)],
        MARKERS[number % len(MARKERS)],
        DASHES[round_number % len(DASHES)],
    )


def _grey(number: int) -> tuple[str, str, Any]:
    return GREYS[number % len(GREYS)], "", GREY_DASHES[number % len(GREY_DASHES)]


def _role(group: Group, rows: Mapping[str, Any]) -> Role:
    if registry.FROM_SCRATCH in group.baseline.split(registry.OPTION_MARK)[1:]:
        return "from scratch"
    if group.baseline in rows:
        role: Role = rows[group.baseline].role
        return role
    return "sentinel" if group.weights == "none" else "method"


def _title(group: Group, titles: Mapping[str, str], several_corpora: bool) -> str:
    base, *changes = group.baseline.split(registry.OPTION_MARK)
    if group.baseline in titles:
        title, extra = titles[group.baseline], []
    else:
        title = titles[base] if base in titles else short_name(base)
        extra = [change.replace("_", " ") for change in changes]
    if group.weights not in ("", "trained", "none"):
        extra.append(group.weights)
    extra += [f"{key}={value}" for key, value in json.loads(group.options).items()]
    if several_corpora and group.corpus:
        extra.append(f"pre-trained on {group.corpus}")
    return f"{title} ({', '.join(extra)})" if extra else title
