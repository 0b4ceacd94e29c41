"""What the engine asks of a baseline's code, as structural types. Imports no torch at run time.

A method's module offers `BASELINE: BaselineSpec` and `build(context: BuildContext) ->
Representation` (a `torch.nn.Module`). A sentinel's module offers `BASELINE` and
`predict(samples, truth, generator) -> arrays`. A method's module may offer
`published_forward(model, batch, generator)`: the pre-training forward with what its official code
computes beyond the method's need, for counting operations; and `load(path, options,
tokenizer_json)` for files of other forms than our own. A task's module offers `TASK: TaskSpec`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

Arrays = Mapping[str, "np.ndarray"]


@dataclass(frozen=True)
class BuildContext:
    """What a method needs to build itself with initial weights.

    Attributes:
        size: Dimensions, the entry of `BaselineSpec.sizes` that the profile names.
        options: `BaselineSpec.options` with the user's replacements.
        image_size: Side of the model input in pixels (the low-resolution one).
        seed: Of the initial weights. `build` must draw from `torch.Generator`s or inside
            `torch.random.fork_rng`, and leave the global state as it was.
        tokenizer_json: The stored tokenizer, when weights are about to be loaded.
        reports: Gives the corpus' texts to train a tokenizer on, when there is none.
    """

    size: Mapping[str, Any]
    options: Mapping[str, Any]
    image_size: int
    seed: int = 0
    tokenizer_json: str | None = None
    reports: Callable[[], Iterable[str]] | None = None


@dataclass(frozen=True)
class PretrainBatch:
    """Images (B, 1, H, H), normalised, H = `pretraining_image_size`; texts drawn from reports.

    `second_images` are the same radiographs augmented anew, where the recipe asks for two views.
    """

    images: Tensor
    texts: Sequence[str] = ()
    second_images: Tensor | None = None


class Representation(Protocol):
    """A built method: a `torch.nn.Module` with these members.

    Images are (B, 1, S, S) float tensors, already normalised with the image profile; patch
    order is row-major. Features are float32, never L2-normalised here.

    A method may offer more members:

    - `pooled_features(images) -> (B, D)`, where its pooled feature is not the mean of its patches
      (a CLS token, attention pooling); linear probing then uses it.
    - `text_similarities(images, texts) -> (B, T)`, where zero-shot classification is more than a
      product of one image vector and one text vector.
    - `after_start(names)`, called once with the names of the tensors that came from the start
      weights (`PretrainRecipe.start_from`): here a method freezes what its paper freezes, so that
      nothing is frozen that was not pre-trained.
    - `segmentation_decoder() -> tensors by name, or None`, where its pre-training made a U-Net
      decoder on the four maps of `dense_trunk`. Names are those of the U-Net head in
      `benchmark.protocols.segment_model` (`decoder.blocks.0.conv1.0.weight` ..., `last.weight`);
      the head begins with every tensor of equal name and shape where the recipe allows it
      (`SegmentRecipe.decoder_from_pretraining`).
    """

    image_size: int
    pretraining_image_size: int
    grid: tuple[int, int]
    feature_dim: int
    tokenizer_json: str | None

    def pretraining_loss(self, batch: PretrainBatch, generator: Any) -> Mapping[str, Tensor]:
        """Scalar losses by name; `total` is the one that is minimised.

        All randomness (mask, dropout excepted) comes from `generator`, a CPU `torch.Generator`.
        """

    def patch_features(self, images: Tensor, projected: bool) -> Tensor:
        """(B, N, D) features of all patches; `projected` into the space shared with text."""

    def image_embedding(self, images: Tensor) -> Tensor:
        """(B, D) vectors in the space shared with text."""

    def text_embedding(self, texts: Sequence[str]) -> Tensor:
        """(T, D) vectors in the shared space."""

    def temperature(self) -> float:
        """Learned inverse temperature, as a factor on cosines."""

    def patch_weights(self) -> Tensor | None:
        """(N,) raw weights of the scoring layer, or None for a method without one."""

    def classification_trunk(self, drop_path: float) -> nn.Module:
        """A fresh copy of the image encoder: images -> (B, feature_dim) pooled features."""

    def dense_trunk(
        self,
        taps: Sequence[int],
        drop_path: float = 0.0,
        window: int = 0,
        global_blocks: Sequence[int] = (),
    ) -> DenseTrunk:
        """A fresh copy of the image encoder that gives maps, for segmentation and detection.

        `taps` (blocks after which a map is taken), `window` (side of the attention windows in
        patches, 0 = none) and `global_blocks` speak to transformers, with blocks counted in
        twelfths of the depth; a ResNet gives its four stages.
        """

    def progress_arrays(self) -> Arrays:
        """Small arrays worth a history (the weight map); may be empty."""


class DenseTrunk(Protocol):
    """An image encoder that gives maps: a `torch.nn.Module`, (B, 1, H, W) to a list of maps.

    Attributes:
        channels: Of each map.
        strides: Input pixels a cell of each map; equal ones for a plain transformer.
        layers: How many layers count for layer-wise rate decay, the embeddings among them.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    layers: int

    def layer_of(self, parameter: str) -> int:
        """Layer of a parameter, by its name in this module, from 0 (embeddings) on."""

    def __call__(self, images: Tensor) -> list[Tensor]:
        """One (B, channels, H / stride, W / stride) map per tap or stage."""


@dataclass(frozen=True)
class SentinelSamples:
    """What a sentinel may look at, besides the truth.

    Attributes:
        protocol: Protocol of the task.
        ids: Sample ids, (n,).
        classes: Label names for classification; category per pair, (n,), for grounding.
        grid: Cells of the map a grounding sentinel returns.
        frame: Side in pixels of the square in which boxes are given.
        reference: Arrays of the split that may be learned from (validation or training):
            `truth` (m, k) and the metadata columns that are known (`age`, `sex`, `view`, each
            (m,)), or for grounding `boxes`, `box_pair`, `category`.
        metadata: Columns such as `age`, `sex`, `view`, `patients`, each (n,).
        draws: How many draws `chance` averages over.
    """

    protocol: str
    ids: np.ndarray
    classes: np.ndarray
    grid: tuple[int, int] = (14, 14)
    frame: int = 224
    reference: Arrays = field(default_factory=dict)
    metadata: Arrays = field(default_factory=dict)
    draws: int = 200


class Progress(Protocol):
    """How long work tells how far it is."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of the named stage are finished."""


@dataclass(frozen=True)
class Outcome:
    """What a protocol hands back.

    Attributes:
        predictions: Arrays of the form that the task's metrics module documents.
        selection: What chose a threshold, rate or checkpoint, and its value.
        facts: Measured extras for the record (patients dropped, steps, loss history ...), equal
            for a disturbed and an undisturbed run.
        timing: What depends on the machine and the hour (seconds, rate, memory); it belongs into
            the record's `timing`.
    """

    predictions: Arrays
    selection: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """One score. `value` is None where it is undefined, and `why` then says the reason.

    Attributes:
        interval: 95 % interval, or None.
        per_class: Value by class name; None where undefined (reasons in `why_per_class`).
        interval_per_class: 95 % interval by class name, or None; empty where not computed.
        best: The best possible value; None where there is none (CNR).
        chance: Level of an uninformed prediction for this task; None where not known.
        n: Samples (or classes, for a mean over classes) the value runs over.
    """

    value: float | None
    why: str = ""
    interval: tuple[float, float] | None = None
    per_class: Mapping[str, float | None] = field(default_factory=dict)
    why_per_class: Mapping[str, str] = field(default_factory=dict)
    best: float | None = None
    chance: float | None = None
    n: int = 0
    interval_per_class: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """What a metrics module computes from stored predictions.

    Attributes:
        metrics: By name, convention in the name.
        per_sample: Arrays over the test samples from which intervals and paired tests are made,
            such as `cnr` (n,); `patients` (n,) always.
        selection: What was chosen on validation while scoring, such as tau_w.
    """

    metrics: Mapping[str, Metric]
    per_sample: Arrays = field(default_factory=dict)
    selection: Mapping[str, Any] = field(default_factory=dict)
