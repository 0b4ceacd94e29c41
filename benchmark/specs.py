"""Specs: plain frozen data that names tasks, baselines, profiles and cells. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmark.outside_names import folder_name
from benchmark.recipes import PretrainRecipe, Recipe

Protocol = Literal[
    "pretrain", "fine_tune", "linear_probe", "zero_shot", "segment", "detect", "ground", "measure"
]
Capability = Literal["image_features", "fine_tune", "zero_shot", "grounding", "text_features"]
State = Literal[
    "done", "stale", "waiting", "running", "blocked", "not_applicable", "failed", "to_run"
]


@dataclass(frozen=True)
class TaskSpec:
    """One task: data set x protocol x metric. Its file's name is its name.

    Attributes:
        name: Equal to the file's stem.
        version: Raised by hand whenever a score can move.
        protocol: Module of `benchmark/protocols/` that runs it.
        metrics: Module of `benchmark/metrics/` that scores its predictions.
        dataset: Module of `benchmark/data/sources/`; empty for pre-training, whose corpus is a
            run option.
        classes: Labels that are scored, in order; empty for grounding.
        variants: Named recipes; the first is the default.
        headline: Name of the metric shown first.
        needs: Capability a baseline must declare.
        label_percents: Fractions on offer; empty where labels are not used for training.
    """

    name: str
    version: int
    title: str
    protocol: Protocol
    metrics: str
    dataset: str
    variants: Mapping[str, Recipe]
    headline: str
    needs: Capability
    classes: tuple[str, ...] = ()
    label_percents: tuple[float, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class ImageProfile:
    """How a baseline wants its pixels: 8-bit grey / 255, then (x - mean) / std."""

    mean: float = 0.4978
    std: float = 0.2449


@dataclass(frozen=True)
class BaselineSpec:
    """One representation under test, or a sentinel. Its file's name is its name.

    Attributes:
        kind: `method` has an encoder, pre-trained here where it has a recipe for that; `sentinel`
            has `predict()` and no encoder.
        capabilities: What it can do; a task that needs another one is `not_applicable`.
        protocols: For sentinels: the protocols they can predict for.
        options: Method options with their defaults (weighting form, mask ratio ...).
        sizes: Model dimensions by size name; `paper` is the real size.
        pretraining: Recipe of its pre-training; a method without one is evaluated from a file.
        released: Where the weights of a method without `pretraining` are to be had, with licence.
        house: Baseline whose weights it starts from where a recipe says `start_from = "house"`.
        extra_annotation: What it needs beyond images and reports, or empty.
        no_capability_reason: Shown in place of a score where a capability is lacking.
        at_percent: Part of the pre-training budget after which the weights are taken. Set by a
            name such as `maco+at=25`, never by a file.
        outside: An encoder of somebody else, named with a colon; it brings its own weights and
            preprocessing, and no profile's sizes.
        from_scratch: It begins with initial weights whatever the recipe says. Set by a name such
            as `maco+from_scratch`, never by a file.
    """

    name: str
    version: int
    title: str
    kind: Literal["method", "sentinel"]
    source: str
    licence: str = ""
    capabilities: tuple[Capability, ...] = ()
    protocols: tuple[str, ...] = ()
    image_profile: ImageProfile = field(default_factory=ImageProfile)
    options: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pretraining: PretrainRecipe | None = None
    released: str = ""
    house: str = ""
    uses_text: bool = True
    extra_annotation: str = ""
    no_capability_reason: str = ""
    at_percent: int = 100
    from_scratch: bool = False
    outside: bool = False

    @property
    def needs_weights(self) -> bool:
        """It is not pre-trained here: without a file of weights there is nothing to evaluate."""
        return self.kind == "method" and self.pretraining is None and not self.outside

    @property
    def base(self) -> str:
        """The name of its file: the name without options put behind it."""
        return self.name if self.outside else self.name.partition("+")[0]

    @property
    def trained_as(self) -> str:
        """The name of the baseline whose pre-training leaves its weights."""
        return self.name.removesuffix(f"+at={self.at_percent}")


@dataclass(frozen=True)
class PhantomSize:
    """How large a phantom to draw: see `benchmark.phantom`."""

    cases: int
    size: int
    seed: int = 0
    prevalence: Literal["real", "enriched"] = "real"


@dataclass(frozen=True)
class Profile:
    """The size of the work, from `benchmark/profiles/NAME.toml`.

    Attributes:
        model_size: Key into `BaselineSpec.sizes`.
        store_size: Longest side of the stored images in pixels, where no recipe asks for larger
            ones.
        overrides: Recipe fields to replace, by protocol; `protocol@baseline` for one baseline.
        bootstrap_replicates: Draws of the patient bootstrap.
        chance_draws: Draws averaged by the `chance` sentinel.
        threads: Torch threads a worker.
        jobs: Worker processes where the user names no number.
        phantom: The phantom drawn where no data root is given.
    """

    name: str
    model_size: str
    store_size: int
    phantom: PhantomSize
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bootstrap_replicates: int = 1000
    chance_draws: int = 200
    threads: int = 2
    jobs: int = 1


@dataclass(frozen=True)
class SuiteEntry:
    """One task of a suite, with its variant; empty fields take the suite's or the task's.

    Attributes:
        profile_baselines: Replaces `baselines` for a profile.
    """

    task: str
    variant: str = ""
    baselines: tuple[str, ...] = ()
    profile_baselines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    label_percents: tuple[float, ...] = ()


@dataclass(frozen=True)
class Suite:
    """The tables of one paper, from `leaderboards/suites/NAME.toml`.

    Attributes:
        entries: Tasks with variants.
        baselines: Methods and sentinels that every entry without its own list runs. A sentinel
            that cannot predict for an entry's protocol is left out of it.
        profile_baselines: Replaces `baselines` for a profile.
        profile_methods: What `--baselines all` adds in a profile that has no time for every
            method; every one where a profile is not named.
        tables: Names of files in `leaderboards/tables/`.
        pretraining: Variant of the pre-training task.
        corpus: Data set that is pre-trained on, where the call names none.
    """

    name: str
    title: str
    entries: tuple[SuiteEntry, ...]
    baselines: tuple[str, ...] = ()
    profile_baselines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    profile_methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    pretraining: str = "maco"
    corpus: str = "mimic_cxr"


@dataclass(frozen=True)
class Seeds:
    """The three seed axes; null where an axis does not exist for the cell."""

    pretrain: int | None = None
    subset: int | None = None
    head: int | None = None

    def __str__(self) -> str:
        parts = (("p", self.pretrain), ("s", self.subset), ("h", self.head))
        return "".join(f"{letter}{seed}" for letter, seed in parts if seed is not None) or "none"


@dataclass(frozen=True)
class Cell:
    """The unit of work, resume and failure.

    Attributes:
        weights: `trained` (by the pre-training cell named in `depends_on`), `file:<checksum>`,
            or `none` for sentinels.
        label_percent: Of the training labels; null where none are used.
        data_id: Id of the data the cell reads, see `benchmark.fingerprint`.
        depends_on: Key of the pre-training cell, or empty.
        key: Content key of all of the above and of versions and resolved recipe.
    """

    kind: Literal["pretrain", "evaluate"]
    task: str
    variant: str
    baseline: str
    profile: str
    data_id: str
    weights: str
    seeds: Seeds
    label_percent: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    depends_on: str = ""
    key: str = ""

    @property
    def labels(self) -> str:
        """The label percent as it stands in names: `1`, `10`, `100` or `all`."""
        return "all" if self.label_percent is None else f"{self.label_percent:g}"

    @property
    def name(self) -> str:
        """What `--only` globs match: `task@variant/baseline/labels-seeds`."""
        return f"{self.task}@{self.variant}/{self.baseline}/{self.labels}-{self.seeds}"

    @property
    def folder(self) -> str:
        """Path below the results folder, with `/` between parts."""
        task, baseline = f"{self.task}@{self.variant}", folder_name(self.baseline)
        cell = f"{self.labels}-{self.seeds}-{self.key[:8]}"
        return f"{self.profile}/{self.data_id}/{task}/{baseline}/{cell}"
