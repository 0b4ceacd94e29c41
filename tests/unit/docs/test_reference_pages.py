"""The pages made from the specs: committed as they are made, and whole."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from benchmark import registry
from benchmark.cli import main
from benchmark.recipes import PretrainRecipe
from benchmark.reporting.reference import baselines, protocols
from benchmark.reporting.reference.settings import meaning, shown_fields

DOCS = registry.CHECKOUT / "docs"
PAGES: dict[str, tuple[Callable[[], str], str]] = {
    "protocols.md": (protocols.protocols_page, protocols.COMMAND),
    "baselines.md": (baselines.baselines_page, baselines.COMMAND),
}


@pytest.mark.parametrize("name", list(PAGES))
def test_the_committed_page_is_the_generated_one(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page, command = PAGES[name]
    assert (DOCS / name).read_bytes() == page().encode(), f"make it anew: {command} > docs/{name}"
    assert main(command.split()[1:]) == 0
    assert capsys.readouterr().out == page()


def test_a_kind_without_a_page_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "profiles", "--markdown"]) == 2
    assert "tasks, baselines, datasets" in capsys.readouterr().err


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one of the same level or above."""
    level = heading.count("#")
    start = page.index(f"\n{heading}\n")
    following = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(
        page, start + len(heading) + 2
    )
    return page[start : following.start() if following else len(page)]


@pytest.mark.parametrize("name", [name for name in registry.task_names() if name != "pretraining"])
def test_every_setting_of_every_variant_is_there(name: str) -> None:
    """Read back from the page: by variant each field has its value, its source a line."""
    task = registry.load_task(name)
    text = section((DOCS / "protocols.md").read_text(encoding="utf-8"), f"## {name}")
    for variant, recipe in task.variants.items():
        assert f"`{variant}`" in text
        assert f"{recipe.source}." in text
    paragraph = re.search(r"^(?:The same in all variants|Settings): (.*)$", text, re.MULTILINE)
    assert paragraph
    shared = re.findall(r"(?:^|; )`(\w+)` ", paragraph[1])
    tables = [block for block in text.split("\n\n") if block.startswith("| setting")]
    told = {*shared, *re.findall(r"^\| `(\w+)`", "\n".join(tables), re.MULTILINE)}
    first = next(iter(task.variants.values()))
    unread = set(shown_fields(first)) - told
    # What is left out counts in no variant.
    assert unread <= CONDITIONAL, unread
    assert "split" in told and told <= set(shown_fields(first))


CONDITIONAL = {
    "momentum", "penalties", "learning_rates", "learning_rate_search", "epochs", "warmup_epochs",
    "weight_decay", "batch_size", "evaluations", "upernet_channels", "auxiliary_channels",
    "auxiliary_weight", "dropout", "unet_channels", "decoder_from_pretraining", "rotation_degrees",
    "scale", "layer_decay", "pyramid_scales", "anchor_cells", "head_width", "head_convolutions",
    "proposals", "sampled_boxes", "mask_class",
}  # fmt: skip


def test_values_of_variants_stand_in_their_columns() -> None:
    text = section((DOCS / "protocols.md").read_text(encoding="utf-8"), "## rsna_classification")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| setting") or line.startswith("| `learning_rates`")
    ]
    by_variant = dict(zip(*rows, strict=True))
    assert by_variant["`maco`"] == "6.5e-3 / 6e-4 / 5e-4"
    assert by_variant["`mrm`"] == "3e-3 / 5e-4 / 5e-4"
    assert "`steps` 2,000 / 10,000 / 50,000" in text
    assert "`batch_size` 96" in text


def test_every_setting_is_explained() -> None:
    recipes = [
        recipe
        for name in registry.task_names()
        for recipe in registry.load_task(name).variants.values()
    ]
    for recipe in recipes:
        for field in shown_fields(recipe):
            assert meaning(type(recipe), field), f"{type(recipe).__name__}.{field}"


@pytest.mark.parametrize("name", registry.baseline_names())
def test_every_baseline_has_its_section(name: str) -> None:
    spec = registry.load_baseline(name)
    page = (DOCS / "baselines.md").read_text(encoding="utf-8")
    text = section(page, f"### {name}")
    assert spec.source in text
    for option in spec.options:
        assert f"`{option}` " in text
    above = page[: page.index("## One by one")]
    assert f"(#{name})" in above, "in one of the tables"
    if spec.extra_annotation:
        assert spec.extra_annotation in above


def test_recipes_of_pretraining_are_told_whole() -> None:
    page = (DOCS / "baselines.md").read_text(encoding="utf-8")
    text = section(page, "## Recipes of pre-training")
    fields = shown_fields(PretrainRecipe(source="test"))
    assert all(f"`{field}`" in text for field in fields)
    rows = re.findall(r"^\| \[`(\w+)`\]", text, re.MULTILINE)
    trained = [
        name
        for name in registry.baseline_names()
        if registry.load_baseline(name).pretraining is not None
        and name not in registry.start_names()
    ]
    assert sorted(rows) == sorted(trained * 2), "a row in each of the two tables"


@pytest.mark.parametrize("name", list(PAGES))
def test_no_page_shows_an_object_or_a_folder_of_a_machine(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert not re.search(r"object at 0x|(?<![\w.])/(?:root|home|tmp)/", text)
