"""What makes LoVT: sentences, attention pooling, symmetric cross attention, local losses."""

import math

import pytest
import torch

from baselines.lovt import BASELINE, build
from baselines.methods.lovt_parts import (
    MeanQueryPool,
    SymmetricCrossAttention,
    only_present,
    sentences_of,
)
from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = (
    "The heart is enlarged. Small left effusion.",
    "Lungs are clear. No pneumothorax is seen.",
    "Right upper lobe consolidation. Stable nodule in the left lung. No edema.",
)


def model(**options):
    context = BuildContext(
        BASELINE.sizes["toy"], {**BASELINE.options, **options}, 32, 1, reports=lambda: REPORTS * 20
    )
    return build(context)


def batch(texts=REPORTS):
    images = torch.randn(len(texts), 1, 32, 32, generator=torch.Generator().manual_seed(0))
    return PretrainBatch(images, texts)


def losses(built, seed=0, texts=REPORTS):
    found = built.eval().pretraining_loss(batch(texts), torch.Generator().manual_seed(seed))
    return {name: float(value.detach()) for name, value in found.items()}


def test_total_is_the_weighted_sum():
    found = losses(model(), 3)
    expected = found["global"] + 0.375 * (found["regions"] + found["sentences"])
    assert found["total"] == pytest.approx(expected, rel=1e-5)
    assert losses(model(local_weight=0.0), 3)["total"] == pytest.approx(found["global"])


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"temperature": 1.0}, {"global"}),
        ({"image_weight": 0.5}, {"global"}),
        ({"local_temperature": 1.0}, {"regions", "sentences"}),
        ({"region_threshold": 0.0}, {"regions"}),
        ({"region_rate": 0.0}, {"regions"}),
        ({"local_importance": "equal"}, {"regions", "sentences"}),
    ],
)
def test_each_option_changes_its_own_losses(change, moved):
    before, after = losses(model()), losses(model(**change))
    different = {name for name in before if before[name] != after[name]}
    assert different == {*moved, "total"}


def test_swaps_come_from_the_generator_and_only_while_training():
    built = model()
    assert losses(built, 1) == losses(built, 1)
    assert len({losses(built, seed)["total"] for seed in range(6)}) > 1
    still = model(swap_chance=0.0)
    assert len({losses(still, seed)["total"] for seed in range(3)}) == 1
    with torch.no_grad():
        assert torch.equal(built.text_embedding(REPORTS), built.text_embedding(REPORTS))


def test_sentences_lie_where_the_tokens_say():
    tokenizer = model().tokenizer
    reports = [["No edema", "Small left effusion"], [], ["Stable"]]
    found = sentences_of(reports, tokenizer, 32)
    whole, mask = tokenizer(["No edema. Small left effusion.", "", "Stable."])
    assert torch.equal(found.ids, whole)
    assert torch.equal(found.attention, mask)
    assert found.report.tolist() == [0, 0, 1, 2]
    assert found.slot.tolist() == [0, 1, 0, 0]
    flat = found.ids.flatten()
    first, _ = tokenizer(["No edema."])
    pieces = [row[row >= 0] for row in found.pieces]
    assert flat[pieces[0]].tolist() == first[0, 1:].tolist(), "`[CLS]` is in no sentence"
    assert flat[pieces[2]].tolist() == [2], "a report without sentences has `[CLS]`"
    assert sum(len(row) for row in pieces) == int(mask.sum()) - 2


def test_long_reports_are_cut():
    tokenizer = model().tokenizer
    found = sentences_of([["No edema"] * 20, ["Stable"]], tokenizer, 8)
    assert found.ids.shape == (2, 8)
    assert found.pieces.max() < 16
    assert 1 < int((found.report == 0).sum()) < 8


@torch.no_grad()
def test_a_sentence_is_the_maximum_of_its_tokens():
    built = model().eval()
    reports = [["No edema", "Small left effusion"], ["Stable"]]
    side = built._text_side(reports)
    found = sentences_of(reports, built.tokenizer, 32)
    last = built.read_ids(found.ids, found.attention).last
    length = len(built.tokenizer(["No edema."])[0][0]) - 1
    assert torch.allclose(side.parts[0, 0], last[0, 1 : 1 + length].max(0).values, atol=1e-6)
    end = int(found.attention[0].sum())
    assert torch.allclose(side.parts[0, 1], last[0, 1 + length : end].max(0).values, atol=1e-6)
    assert side.present.tolist() == [[True, True], [True, False]]
    assert not side.parts[1, 1].any()


@torch.no_grad()
def test_a_text_does_not_depend_on_its_neighbours():
    built = model().eval()
    texts = [*REPORTS, "", "x"]
    together = built.text_embedding(texts)
    alone = torch.cat([built.text_embedding([text]) for text in texts])
    assert torch.allclose(together, alone, atol=1e-5)


@torch.no_grad()
def test_pooling_equals_torch_and_one_vector_alone_is_itself():
    torch.manual_seed(0)
    ours, theirs = MeanQueryPool(8, 2), torch.nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
    theirs.out_proj.weight.copy_(ours.output.weight)
    vectors = torch.randn(3, 5, 8)
    present = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]]).bool()
    means = [part[mask].mean(0) for part, mask in zip(vectors, present)]
    expected, weights = theirs(
        torch.stack(means)[:, None], vectors, vectors, key_padding_mask=~present
    )
    found, found_weights = ours(vectors, present)
    assert torch.allclose(found, expected[:, 0], atol=1e-5)
    assert torch.allclose(found_weights, weights[:, 0], atol=1e-6)
    # A single vector takes all the weight: this is what grounding asks of each region.
    assert torch.allclose(found[2], ours.alone(vectors[2, 0]), atol=1e-5)


@torch.no_grad()
def test_cross_attention_equals_loops():
    torch.manual_seed(1)
    cross = SymmetricCrossAttention(6).eval()
    regions, lines = torch.randn(2, 4, 6), torch.randn(2, 3, 6)
    present = torch.tensor([[1, 1, 1], [1, 0, 0]]).bool()
    said, shown = cross(regions, lines, present)
    for sample in range(2):
        own = lines[sample][present[sample]]
        for index, region in enumerate(regions[sample]):
            scores = cross.key(own) @ cross.key(region) / math.sqrt(6)
            context = cross.output(scores.softmax(0) @ cross.value(own))
            assert torch.allclose(said[sample, index], cross.norm(context[None])[0], atol=1e-5)
        for index, line in enumerate(own):
            scores = cross.key(regions[sample]) @ cross.key(line) / math.sqrt(6)
            context = cross.output(scores.softmax(0) @ cross.value(regions[sample]))
            assert torch.allclose(shown[sample, index], cross.norm(context[None])[0], atol=1e-5)
    assert not shown[1, 1:].any()


def test_padding_is_no_part_of_batch_statistics():
    norm = torch.nn.BatchNorm1d(4).train()
    vectors = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(2))
    present = torch.tensor([[1, 1, 1], [1, 0, 0]]).bool()
    found = only_present(norm, vectors, present)
    assert found[present].mean(0).abs().max() < 1e-5
    assert not found[~present].any()


@torch.no_grad()
def test_grounding_reads_each_region_as_if_it_were_the_image():
    built, images = model().eval(), batch().images
    cells = built.patch_features(images, projected=False)
    ours = built.patch_features(images, projected=True)
    assert ours.shape == (3, 16, built.text_embedding(REPORTS).shape[1])
    for place in (0, 7, 15):
        only = cells[:, place : place + 1]
        pooled, _ = built.image_pool(only, torch.ones(3, 1, dtype=torch.bool))
        assert torch.allclose(ours[:, place], built.image_global(pooled), atol=1e-5)
    pooled = built.pooled_features(images)
    assert torch.allclose(built.image_embedding(images), built.image_global(pooled), atol=1e-5)
    assert not torch.allclose(pooled, cells.mean(dim=1), atol=1e-3)


def test_local_losses_do_not_teach_the_pooling():
    built = model().train()
    found = built.pretraining_loss(batch(), torch.Generator().manual_seed(0))
    (found["regions"] + found["sentences"]).backward()
    assert built.image_pool.key.weight.grad is None
    assert built.text_pool.query.weight.grad is None
    assert built.cross.key.weight.grad.abs().sum() > 0
    assert built.image_local[0].weight.grad.abs().sum() > 0


def test_wrong_values_are_named():
    with pytest.raises(UsageError, match="local_importance"):
        model(local_importance="some")
    with pytest.raises(UsageError, match="local_temperature"):
        model(local_temperature=0)
    with pytest.raises(UsageError, match="swap_chance"):
        model(swap_chance=1.0)
    with pytest.raises(BadDataError, match="3 images meet 1 texts"):
        model().pretraining_loss(
            PretrainBatch(batch().images, REPORTS[:1]), torch.Generator().manual_seed(0)
        )
