"""The image-text model: losses put together, gradients, determinism, features, errors."""

import pytest
import torch

from baselines.encoders.image_text import build_model
from baselines.encoders.settings import MACO_OPTIONS, SIZES, family_options, image_options
from benchmark.errors import BadDataError, NotApplicable, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch

REPORTS = (
    "No focal consolidation or effusion.",
    "Small right pleural effusion with atelectasis at the base.",
    "Cardiomegaly. Mild edema.",
    "Large left pneumothorax.",
)


def context(options, seed=1, image_size=32, **changes):
    fields = {"reports": lambda: REPORTS, **changes}
    return BuildContext(
        size=SIZES["toy"], options=options, image_size=image_size, seed=seed, **fields
    )


def batch_for(model, count=4):
    side = model.pretraining_image_size
    images = torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(7))
    return PretrainBatch(images, REPORTS[:count])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("weighting", ["paper", "official", "v1", "none"])
def test_gradient_reaches_every_parameter(weighting):
    model = build_model(context(family_options(weighting=weighting)))
    model.train()
    if hasattr(model, "pos_weight_img"):
        with torch.no_grad():
            model.pos_weight_img.weight.normal_(std=0.1, generator=generator())
    losses = model.pretraining_loss(batch_for(model), generator())
    losses["total"].backward()
    exempt = set()
    if weighting == "v1":
        exempt = {"pos_weight_img.bias"}  # a softmax does not see a constant
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if name not in exempt and "key.bias" not in name:
            assert parameter.grad.abs().max() > 0, name


def test_the_balance_of_the_two_losses():
    parts = {}
    for form in ("paper", "code"):
        model = build_model(context(family_options(loss_weighting=form, loss_lambda=0.7))).eval()
        parts[form] = model.pretraining_loss(batch_for(model), generator())
    paper, code = parts["paper"], parts["code"]
    assert torch.equal(paper["reconstruction"], code["reconstruction"])
    expected = 0.7 * paper["reconstruction"] + 0.3 * paper["contrastive"]
    assert torch.allclose(paper["total"], expected)
    assert torch.allclose(code["total"], code["reconstruction"] + code["contrastive"])


def test_weighting_forms_agree_with_each_other_at_zero_scores():
    losses = {}
    for form in ("none", "official", "paper"):
        model = build_model(context(family_options(weighting=form))).eval()
        tokens = torch.randn(2, 4, 48, generator=generator())
        with torch.no_grad():
            losses[form] = float(model.contrastive_loss(*tokens, torch.zeros(4, 16)))
    assert losses["none"] != pytest.approx(losses["official"])
    # The paper's form: scaled / 1 + ln 2 * plain; the code's: (scaled + plain) / 2.
    scaled = 2 * losses["official"] - losses["none"]
    ln2 = torch.tensor(2.0).log().item()
    assert losses["paper"] == pytest.approx(scaled + ln2 * losses["none"], rel=1e-5)


def test_scoring_layer_starts_at_zero_and_has_a_bias_in_the_code_only():
    for form, bias in (("paper", False), ("official", True), ("v1", True)):
        model = build_model(context(family_options(weighting=form)))
        assert (model.pos_weight_img.bias is not None) == bias
        assert model.patch_weights().tolist() == [0.0] * 16
    plain = build_model(context(family_options(weighting="none")))
    assert plain.patch_weights() is None
    assert plain.progress_arrays() == {}
    assert model.progress_arrays()["weight_map"].shape == (4, 4)
    assert model.temperature() == pytest.approx(1 / 0.03)


def test_high_resolution_doubles_input_and_target():
    high = build_model(context(family_options()))
    low = build_model(context(family_options(high_resolution=False)))
    assert (high.pretraining_image_size, low.pretraining_image_size) == (64, 32)
    assert high.decoder_pred.out_features == 4 * low.decoder_pred.out_features == 256


def test_the_mask_comes_from_the_given_generator_alone():
    model = build_model(context(family_options())).eval()
    batch = batch_for(model)
    torch.manual_seed(1)
    first = model.pretraining_loss(batch, generator(3))["total"]
    torch.manual_seed(2)
    again = model(batch, generator(3))["total"]
    other = model.pretraining_loss(batch, generator(4))["total"]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_same_seed_same_weights_without_touching_the_global_state():
    state = torch.random.get_rng_state()
    first = build_model(context(MACO_OPTIONS)).state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    again = build_model(context(MACO_OPTIONS)).state_dict()
    other = build_model(context(MACO_OPTIONS, seed=2)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["blocks.0.attn.qkv.weight"], other["blocks.0.attn.qkv.weight"])


@torch.no_grad()
def test_text_vectors_do_not_depend_on_batch_mates():
    model = build_model(context(MACO_OPTIONS)).eval()
    together = model.text_embedding(REPORTS)
    alone = torch.cat([model.text_embedding([text]) for text in REPORTS])
    assert together.shape == (4, 48)
    assert torch.allclose(together, alone, atol=1e-5)
    assert together.abs().max() < 1


@torch.no_grad()
def test_image_vector_is_the_mean_of_projected_patches():
    model = build_model(context(MACO_OPTIONS)).eval()
    images = torch.randn(3, 1, 32, 32, generator=generator())
    raw, projected = (model.patch_features(images, flag) for flag in (False, True))
    assert torch.allclose(model.img_mlp(raw), projected, atol=1e-5)
    assert torch.allclose(model.image_embedding(images), projected.mean(dim=1), atol=1e-6)
    assert torch.allclose(model.image_embedding(images), model.img_mlp(raw.mean(dim=1)), atol=1e-5)


def test_image_only_models_have_no_text():
    model = build_model(context(image_options(), reports=None)).eval()
    losses = model.pretraining_loss(batch_for(model), generator())
    assert set(losses) == {"total", "reconstruction"}
    assert model.tokenizer_json is None
    assert model.patch_weights() is None
    assert not any("bert" in name or "img_mlp" in name for name in model.state_dict())
    with pytest.raises(NotApplicable):
        model.text_embedding(["edema"])


def test_mixed_precision_keeps_the_contrast_in_float32():
    model = build_model(context(MACO_OPTIONS))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = model.pretraining_loss(batch_for(model), generator())
    assert losses["contrastive"].dtype == losses["reconstruction"].dtype == torch.float32
    losses["total"].backward()


def test_extra_text_projection_and_dropout_are_options():
    options = family_options(text_projection=True, text_dropout=0.5)
    model = build_model(context(options)).train()
    assert model.text_projection.weight.shape == (48, 48)
    assert not torch.equal(model.text_embedding(REPORTS), model.text_embedding(REPORTS))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weighting": "papr"}, "Did you mean `paper`"),
        ({"weightin": "paper"}, "Did you mean"),
        ({"mask_ratio": 1.5}, "must lie in"),
        ({"temperature": 0}, "must be positive"),
    ],
)
def test_misspelt_options_are_usage_errors(changes, message):
    with pytest.raises(UsageError, match=message):
        build_model(context({**MACO_OPTIONS, **changes}))


def test_a_text_tower_needs_a_tokenizer_and_as_many_texts_as_images():
    with pytest.raises(UsageError, match="tokenizer"):
        build_model(context(MACO_OPTIONS, reports=None))
    model = build_model(context(MACO_OPTIONS))
    batch = batch_for(model)
    with pytest.raises(BadDataError, match="4 images meet 2 texts"):
        model.pretraining_loss(PretrainBatch(batch.images, REPORTS[:2]), generator())
