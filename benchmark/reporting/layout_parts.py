"""What a table's layout is made of: rows, columns, further tables, listings. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Format = Literal["percent_1", "decimal_1", "decimal_3", "signed_3", "signed_percent_1"]
Role = Literal["method", "from scratch", "floor", "prior", "sentinel"]
ROLES: tuple[Role, ...] = get_args(Role)
Place = Literal["details", "page"]


@dataclass(frozen=True)
class Form:
    """One way to read the same predictions, such as `product` or `map_only`; a row each."""

    name: str
    title: str


@dataclass(frozen=True)
class Row:
    """One baseline.

    Attributes:
        baseline: Empty for a published row without a baseline in this version.
        published: The method's name in the published CSVs; empty for none.
        role: Methods first, then the same methods without start weights (a block with a heading
            of its own), floors (`random_init`), priors and sentinels.
        forms: Names of the forms that are shown; empty for all.
        published_form: The form that the published number speaks of.
        check: What makes the table broken: `best` = differs from the metric's best value,
            `chance` = further than 4 standard errors from its chance level.
        facts: What the paper's table says of the method besides numbers, by column title, such
            as the epochs of its pre-training. Nothing here was measured.
    """

    title: str
    baseline: str = ""
    published: str = ""
    role: Role = "method"
    forms: tuple[str, ...] = ()
    published_form: str = ""
    check: Literal["", "best", "chance"] = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One number per row.

    Attributes:
        metrics: Our metric by form name; the key `""` serves a table without forms. In the file
            `metric`, one name for all forms or a name by form. `timing/NAME` is an entry of the
            record's `timing`, which depends on the machine.
        labels: As in cell names: `1`, `10`, `100`, or `all` where no labels are used. A list in
            the file stands for one column each.
        variants: The task's variants that this column may show, the first preferred; each gets
            a table of its own. Empty for all. In the file `variant`, a name or a list; the
            columns of one task name the same.
        section: Columns with one section stand in one table under that heading.
        published: `metric`, `dataset`, `labels` (and `class`, `task`) in the CSVs; empty for
            none. Without `labels` the column's own, or `0` where no labels are used.
        paper_recipe: Recipe fields and the values they need to be comparable with the paper.
        data_free: The number comes from the model at the paper's size alone, so that it may be
            compared with the paper's on any data, a phantom too.
        excess_over: Baseline whose paired difference is shown instead of the value itself, by
            metrics of which single samples are kept.
    """

    title: str
    task: str
    metrics: Mapping[str, str]
    format: Format
    labels: str = "all"
    variants: tuple[str, ...] = ()
    section: str = ""
    published: Mapping[str, str] = field(default_factory=dict)
    paper_recipe: Mapping[str, Any] = field(default_factory=dict)
    data_free: bool = False
    excess_over: str = ""


@dataclass(frozen=True)
class Extra:
    """A further table from the same records.

    Attributes:
        kind: `per_class`: one line a class of `metric`. `metrics`: one line for each of
            `metrics`. `sweep`: one line for each entry of the list `selection` in the records.
        labels: As in `Column`; a list in the file stands for one table each.
        place: `page` = below the main table, `details` = in `NAME_details.md`.
        published: For `per_class`: as in `Column`, without `class`; the paper's methods are
            columns too, and the mean over classes is the first line.
        paper_recipe: As in `Column`.
        metrics: Title to metric name; for a sweep, title to field of an entry.
        chosen: For a sweep: the selection's field that equals `chosen_field` of the chosen entry.
    """

    kind: Literal["per_class", "metrics", "sweep"]
    title: str
    task: str
    format: Format
    labels: str = "all"
    first_column: str = "Class"
    metric: str = ""
    metrics: Mapping[str, str] = field(default_factory=dict)
    place: Place = "details"
    published: Mapping[str, str] = field(default_factory=dict)
    paper_recipe: Mapping[str, Any] = field(default_factory=dict)
    selection: str = ""
    chosen: str = ""
    chosen_field: str = ""


@dataclass(frozen=True)
class Listing:
    """A further table of published numbers as they are printed, beside which nothing is measured.

    For what no record can hold (sizes of data sets in a paper's text) and for what other papers
    print of the same data under other rules. See `benchmark.reporting.listing`.

    Attributes:
        file: Stem of the CSV.
        fields: Title of a leading column to the CSV column that fills it.
        where: By CSV column: the values that a listed number has; empty takes the whole file.
        across: CSV column whose values are columns of the listing, one number each; empty for
            one number a line.
        remark: Sentences below the heading, after the one that names paper and table.
        place: As in `Extra`.
    """

    title: str
    file: str
    fields: Mapping[str, str]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    across: str = ""
    remark: str = ""
    place: Place = "details"
