"""What is asked of the map of each pair, and what is asked instead as a control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.protocols.pairs import swap_partners
from benchmark.protocols.phrases import clean_phrase
from benchmark.protocols.prompts import load_prompts
from benchmark.recipes.ground import ClassGroundRecipe
from benchmark.seeds import generator_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.protocols.pairs import Pairs
    from benchmark.recipes import GroundRecipe

Sentences = tuple[str, ...]


@dataclass(frozen=True)
class PairTexts:
    """Texts of the pairs of one split; a map is that of the mean vector of its sentences.

    Attributes:
        own: The pair's own phrase, or the prompts of its class; n entries.
        control: Another pair's, which does not fit.
        relaxed: For how many pairs the control is less different than it should be.
    """

    own: tuple[Sentences, ...]
    control: tuple[Sentences, ...]
    relaxed: int

    def distinct(self) -> list[str]:
        """Every sentence once."""
        asked = dict.fromkeys((*self.own, *self.control))
        return list(dict.fromkeys(sentence for sentences in asked for sentence in sentences))


def pair_texts(pairs: Pairs, recipe: GroundRecipe, task: str, split: str) -> PairTexts:
    """Phrases, cleaned as MaCo's script does, or class prompts, as they stand.

    The control is the text of `swap_partners`: of another category and another patient. A data set
    of one class has no such pair; its control are the prompts of the recipe's `control_class`.

    Raises:
        UsageError: There is no such file of prompts.
    """
    partners, relaxed = swap_partners(pairs, task, split)
    if not isinstance(recipe, ClassGroundRecipe):
        cleaned = [(text,) for text in _cleaned(pairs, recipe, task, split)]
        return PairTexts(tuple(cleaned), tuple(cleaned[index] for index in partners), relaxed)
    prompts = load_prompts(recipe.prompts)
    asked = [tuple(prompts.positive(str(category))) for category in pairs.categories]
    control = [asked[index] for index in partners]
    if recipe.control_class and len(set(pairs.categories)) == 1:
        control = [tuple(prompts.positive(recipe.control_class))] * len(pairs)
        relaxed = 0
    return PairTexts(tuple(asked), tuple(control), relaxed)


def mean_vectors(
    vectors: Mapping[str, np.ndarray], texts: PairTexts
) -> dict[Sentences, np.ndarray]:
    """The mean raw vector of each distinct tuple of sentences, float32 (D,)."""
    asked = dict.fromkeys((*texts.own, *texts.control))
    return {
        sentences: np.mean([vectors[sentence] for sentence in sentences], axis=0)
        for sentences in asked
    }


def _cleaned(pairs: Pairs, recipe: GroundRecipe, task: str, split: str) -> list[str]:
    texts = []
    for name, phrase in zip(pairs.ids, pairs.phrases, strict=True):
        generator = (
            generator_from("phrase", task, split, name) if recipe.shuffle_sentences else None
        )
        texts.append(clean_phrase(phrase, generator))
    return texts
