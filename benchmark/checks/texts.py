"""What a baseline makes of texts."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.checks.subject import (
    TEXTS,
    CheckFailed,
    Subject,
    expect_equal,
    expect_finite,
    expect_shape,
)


def _vectors(subject: Subject, texts: tuple[str, ...]) -> Tensor:
    with torch.inference_mode():
        found: Tensor = subject.model.text_embedding(texts)
    return found


def text_shapes_fit(subject: Subject) -> None:
    """Texts become finite vectors, one each, as wide as those of images in a shared space."""
    subject.needs("text_features")
    vectors = _vectors(subject, TEXTS)
    width = None
    if subject.can("zero_shot"):
        width = subject.features(subject.noise(1))["image_embedding"].shape[1]
    expect_shape("text_embedding", vectors, (len(TEXTS), width))
    expect_finite("text_embedding", vectors)


def texts_are_read(subject: Subject) -> None:
    """Different texts have different vectors."""
    subject.needs("text_features")
    vectors = _vectors(subject, TEXTS)
    if torch.equal(vectors[0], vectors[1]):
        raise CheckFailed(f"{TEXTS[0]!r} and {TEXTS[1]!r} have equal vectors")


def text_batch_mates_do_not_matter(subject: Subject) -> None:
    """A text's vector does not depend on the texts beside it: padding takes no part."""
    subject.needs("text_features")
    together = _vectors(subject, TEXTS)
    for place, text in enumerate(TEXTS):
        alone = _vectors(subject, (text,))
        expect_equal(f"text_embedding of {text!r} in a batch and alone", together[[place]], alone)


def odd_texts_are_taken(subject: Subject) -> None:
    """An empty text, a very long one and one with odd signs become finite vectors."""
    subject.needs("text_features")
    odd = ("", "pleural effusion " * 400, "Größe 5 µm – µ/° \n tab\t é")
    for text in odd:
        expect_finite(f"text_embedding of {text[:20]!r}", _vectors(subject, (text,)))


def temperature_is_positive(subject: Subject) -> None:
    """The factor on cosines is a positive number."""
    subject.needs("zero_shot")
    factor = subject.model.temperature()
    if not 0 < factor < float("inf"):
        raise CheckFailed(f"temperature is {factor}")
