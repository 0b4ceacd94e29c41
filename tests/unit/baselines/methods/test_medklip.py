"""MedKLIP: queries, labels, zero-shot by entity, the frozen tower's vectors."""

import copy

import pytest
import torch

from baselines.medklip import BASELINE, build
from baselines.methods.medklip_entities import NOT_NAMED
from baselines.methods.medklip_lists import ENTITIES, LOCATIONS
from benchmark.errors import NotApplicable, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.protocols.operations import count_pass
from benchmark.workshop import take_equal_tensors

REPORTS = (
    "Small left effusion. No edema.",
    "The heart is enlarged. Possible pneumonia.",
    "No pneumothorax. Right upper lobe consolidation.",
)
NAMES = [entity.name for entity in ENTITIES]


def made(seed=0, reports=REPORTS, **options):
    size = {**BASELINE.sizes["toy"], **options.pop("size", {})}
    context = BuildContext(
        size, {**BASELINE.options, **options}, 32, seed=seed, reports=lambda: reports * 9
    )
    return build(context)


def pictures(count=3):
    return torch.randn(count, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def loss_of(model, texts=REPORTS):
    batch = PretrainBatch(pictures(len(texts)), texts)
    return model.pretraining_loss(batch, torch.Generator().manual_seed(2))


def test_labels_leave_out_what_is_doubtful_or_unseen():
    states, places = made().labels(REPORTS)
    assert states.shape == places.shape == (3, BASELINE.sizes["toy"]["entities"])
    index = {name: NAMES.index(name) for name in ("effusion", "edema", "pneumonia")}
    assert states[0, index["effusion"]] == 1
    assert LOCATIONS[places[0, index["effusion"]]][0] == "left chest"
    assert states[0, index["edema"]] == 0
    assert states[1, index["pneumonia"]] == 2
    unseen, _ = made(unseen="effusion, edema").labels(REPORTS)
    assert (unseen[0, [index["effusion"], index["edema"]]] == NOT_NAMED).all()
    assert unseen[1, index["pneumonia"]] == 2


def test_the_loss_is_the_sum_of_its_parts_and_places_can_be_switched_off():
    losses = loss_of(made().eval())
    assert torch.isclose(losses["total"], losses["existence"] + losses["location"])
    assert losses["location"] > 0
    without = loss_of(made(location=False).eval())
    assert set(without) == {"total", "existence"}
    assert torch.isclose(without["total"], losses["existence"])
    assert not torch.isclose(loss_of(made(negatives=2).eval())["location"], losses["location"])


def test_reports_that_name_nothing_still_give_a_loss():
    loss = loss_of(made().train(), ("unchanged", "see above", "as before"))["total"]
    loss.backward()
    assert loss.item() == 0


@pytest.mark.parametrize("options", [{"entity_vector": "max"}, {"unseen": "effusions"}])
def test_unknown_words_are_usage_errors(options):
    with pytest.raises(UsageError):
        made(**options)


@torch.no_grad()
def test_statements_take_the_logit_of_present_and_denials_that_of_absent():
    model, images = made().eval(), pictures()
    texts = ["There is effusion. ", "no evidence of effusion. ", "the lung is clear.", "edema"]
    found = model.text_similarities(images, texts)
    logits = model.existence(images)
    effusion, clear, edema = (NAMES.index(name) for name in ("effusion", "clear lungs", "edema"))
    expected = [logits[:, effusion, 1], logits[:, effusion, 0]]
    expected += [logits[:, clear, 1], logits[:, edema, 1]]
    assert torch.equal(found, torch.stack(expected, dim=1))
    # A softmax over both is the paper's probability.
    both = found[:, :2].softmax(dim=1)[:, 0]
    assert torch.allclose(both, logits[:, effusion].softmax(dim=1)[:, 1])


def test_a_prompt_without_an_entity_is_not_applicable():
    with pytest.raises(NotApplicable, match="a nice day"):
        made().eval().text_similarities(pictures(), ["edema", "a nice day"])


def test_the_text_tower_stays_as_it_is_and_reads_alike_in_training():
    model = made(size={"text_dropout": 0.5}).train()
    before = copy.deepcopy(model.bert_encoder.state_dict())
    assert not model.bert_encoder.training
    first = model.known_vectors()[0].clone()
    model.read_explanations()
    assert torch.equal(first, model.known_vectors()[0])
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
    loss_of(model)["total"].backward()
    optimizer.step()
    after = model.bert_encoder.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_vectors_are_read_anew_after_a_start_and_stored_with_the_weights():
    model, other = made(), made(seed=4)
    first = model.known_vectors()[0].clone()
    assert first.abs().sum() > 0
    start = {key: v for key, v in other.state_dict().items() if key.startswith("bert_encoder")}
    model.after_start(take_equal_tensors(model, start, None))
    assert not torch.equal(model.known_vectors()[0], first)
    assert torch.equal(model.known_vectors()[0], other.known_vectors()[0])
    loaded = made(seed=7)
    loaded.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(loaded.explanations, model.explanations)


def test_a_training_step_does_not_read_the_explanations():
    model = made().train()
    texts = REPORTS[:1]
    counted = count_pass(
        model, lambda: model.pretraining_loss(PretrainBatch(pictures(1), texts), torch.Generator())
    )
    assert not any(module == "bert_encoder" for module, _ in counted.macs)


def test_entity_vectors_are_means_over_pieces_or_the_first():
    for form in ("mean", "cls"):
        model = made(entity_vector=form).eval()
        vectors, places = model.known_vectors()
        assert len(vectors) == 24
        assert len(places) == len(LOCATIONS)
        # Alone there is no padding.
        with torch.no_grad():
            states = model.read([ENTITIES[3].explanation]).last[0]
        expected = states.mean(dim=0) if form == "mean" else states[0]
        assert torch.allclose(vectors[3], expected, atol=1e-5)


@torch.no_grad()
def test_the_image_is_read_at_the_third_stage():
    model, images = made().eval(), pictures()
    third = model.stages(images)[2]
    patches = model.patch_features(images, projected=False)
    assert torch.allclose(patches, third.flatten(2).transpose(1, 2), atol=1e-6)
    before = model.existence(images)
    for value in model.backbone.layer4.parameters():
        value.add_(1.0)
    assert torch.equal(model.existence(images), before)


def test_statistics_of_the_unused_stage_stay():
    model = made().train()
    before = copy.deepcopy(model.backbone.layer4.state_dict())
    loss_of(model)
    after = model.backbone.layer4.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_the_spec_says_what_it_needs_and_lacks():
    assert "RadGraph" in BASELINE.extra_annotation
    assert "grounding" not in BASELINE.capabilities
    assert BASELINE.no_capability_reason
    assert BASELINE.pretraining.sentence_sampling is False
