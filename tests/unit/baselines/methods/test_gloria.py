"""What makes GLoRIA: regions of the third stage, words from pieces, two similarities."""

import pytest
import torch

from baselines.gloria import BASELINE, build
from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear. No pneumothorax is seen.",
    "Right upper lobe consolidation. Stable nodule in the left lung. No edema.",
)


def model(image_size=32, size=None, **options):
    context = BuildContext(
        {**BASELINE.sizes["toy"], **(size or {})},
        {**BASELINE.options, **options},
        image_size,
        1,
        reports=lambda: REPORTS * 20,
    )
    return build(context)


def batch():
    images = torch.randn(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, REPORTS)


def losses(built, seed=0):
    found = built.eval().pretraining_loss(batch(), torch.Generator().manual_seed(seed))
    return {name: float(value.detach()) for name, value in found.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"sentence": "random"},
        {"local_form": "paper"},
        {"word_pooling": "mean"},
        {"attention_temperature": 400.0},
        {"word_temperature": 1.0},
        {"temperature": 1.0},
    ],
)
def test_options_change_the_loss(change):
    # Whole reports, whose numbers of words differ.
    before, after = losses(model(sentence="all")), losses(model(**{"sentence": "all", **change}))
    assert after["total"] != pytest.approx(before["total"], rel=1e-4)


def test_weights_and_the_sentence_mean():
    found = losses(model())
    assert found["total"] == pytest.approx(found["global"] + found["local"], rel=1e-5)
    halved = losses(model(local_weight=0.5, global_weight=2.0))
    expected = 2 * found["global"] + 0.5 * found["local"]
    assert halved["total"] == pytest.approx(expected, rel=1e-5)
    # Cosines do not see the length of the report's vector.
    assert losses(model(sentence_mean="words"))["total"] == pytest.approx(found["total"], rel=1e-4)


@torch.no_grad()
def test_the_official_mean_runs_over_padded_slots():
    slots, words = model().eval(), model(sentence_mean="words").eval()
    counts = slots.read_words(REPORTS).counts
    assert counts.tolist() == [8, 8, 13]
    long = words.text_embedding(REPORTS) * counts[:, None] / BASELINE.sizes["toy"]["text_length"]
    assert torch.allclose(slots.text_embedding(REPORTS), long, atol=1e-5)
    # Its number of slots is fixed, so neighbours in the batch change nothing.
    alone = slots.text_embedding(REPORTS[:1])
    assert torch.allclose(alone, slots.text_embedding(REPORTS)[:1], atol=1e-5)


@torch.no_grad()
def test_words_are_counted_and_summed_from_pieces():
    built = model().eval()
    text = "Pneumothoraxes, effusion."
    reading = built.read(["pneumothoraxes effusion"])
    assert built.continuations[reading.ids].any(), "a word of several pieces"
    found = built.read_words([text])
    assert found.counts.tolist() == [3]
    pieces = (~built.continuations[reading.ids[0]]).cumsum(0) - 1
    second = reading.last[0][pieces == 1].sum(0)
    assert torch.allclose(found.words[0, 1], second, atol=1e-5)


@torch.no_grad()
def test_zero_shot_similarity_takes_the_best_word_and_leaves_cls_out():
    built, images = model().eval(), batch().images
    texts = ["small effusion", "no edema is seen in the lungs", "edema"]
    ours = built.text_similarities(images, texts)
    regions, whole = built.patch_features(images, True), built.image_embedding(images)
    read, cosine = built.read_words(texts), torch.nn.functional.cosine_similarity
    for column, count in enumerate(read.counts.tolist()):
        for row in range(3):
            best = -2.0
            words = read.words[column, 1:count]
            scores = (regions[row] @ words.T).softmax(dim=1)
            for index, word in enumerate(words):
                context = (4 * scores[:, index]).softmax(dim=0) @ regions[row]
                best = max(best, float(cosine(context, word, dim=0)))
            expected = (5 * best + float(cosine(whole[row], read.whole[column], dim=0))) / 2
            assert float(ours[row, column]) == pytest.approx(expected, abs=1e-5)
    alone = torch.cat([built.text_similarities(image[None], texts[:1]) for image in images])
    assert torch.allclose(alone, ours[:, :1], atol=1e-5)


@torch.no_grad()
def test_a_prompt_without_words_is_no_error():
    built = model().eval()
    found = built.text_similarities(batch().images, ["?", "edema"])
    assert torch.isfinite(found).all()


@torch.no_grad()
def test_regions_come_from_the_third_stage_of_the_enlarged_image():
    size = {"output_stride": 32, "enlargement": 299 / 224}
    built, plain = model(224, size).eval(), model(224, size, enlarge=False).eval()
    assert built.grid == (19, 19)
    assert plain.grid == (14, 14)
    images = torch.randn(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    big = torch.nn.functional.interpolate(images, (299, 299), mode="bilinear", align_corners=True)
    stages = plain.stages(big)
    assert built.patch_features(images, True).shape == (1, 361, 48)
    third = stages[2].flatten(2).transpose(1, 2)
    assert torch.allclose(built.patch_features(images, False), third, atol=1e-5)
    pooled = built.pooled_features(images)
    assert torch.allclose(pooled, stages[3].mean(dim=(2, 3)), atol=1e-5)
    assert torch.allclose(built.image_embedding(images), built.global_embedder(pooled), atol=1e-5)
    double = torch.nn.functional.interpolate(images, (448, 448))
    assert built.patch_features(double, False).shape[1] == 38**2


def test_paper_size_has_the_official_numbers():
    size = BASELINE.sizes["paper"]
    assert size["text_length"] == 97
    assert round(224 * size["enlargement"]) == 299


def test_wrong_values_are_named():
    for name in ("sentence", "sentence_mean", "local_form", "word_pooling"):
        with pytest.raises(UsageError, match=name):
            model(**{name: "other"})
    with pytest.raises(UsageError, match="word_temperature"):
        model(word_temperature=0.0)
    with pytest.raises(BadDataError, match="3 images meet 1 texts"):
        model().pretraining_loss(
            PretrainBatch(batch().images, REPORTS[:1]), torch.Generator().manual_seed(0)
        )
