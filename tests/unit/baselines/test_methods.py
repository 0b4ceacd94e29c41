"""The method files: specs, what makes each of them what it is, own weights stored and read."""

import importlib

import pytest
import torch

from benchmark.errors import BadDataError, UsageError
from benchmark.interfaces import BuildContext, PretrainBatch
from benchmark.workshop import load_trained

METHODS = ("maco", "maco_v1", "mae", "mae_hr", "mae_clip", "mae_hr_clip", "random_init")
REPORTS = ("no effusion is seen", "small nodule. mild edema", "cardiomegaly")


def module_of(name):
    return importlib.import_module(f"baselines.{name}")


def build(name, seed=0, size="toy", **options):
    module = module_of(name)
    return module.build(
        BuildContext(
            size=module.BASELINE.sizes[size],
            options={**module.BASELINE.options, **options},
            image_size=32,
            seed=seed,
            reports=lambda: REPORTS,
        )
    )


def stored(folder, model, name):
    module = module_of(name)
    content = {
        "model": model.state_dict(),
        "tokenizer_json": model.tokenizer_json,
        "options": dict(module.BASELINE.options),
        "size": dict(module.BASELINE.sizes["toy"]),
        "image_size": 32,
    }
    path = folder / "weights.pt"
    torch.save(content, path)
    return path


@pytest.mark.parametrize("name", METHODS)
def test_specs_are_named_after_their_file_and_offer_three_sizes(name):
    spec = module_of(name).BASELINE
    assert (spec.name, spec.kind) == (name, "method")
    assert set(spec.sizes) == {"paper", "demo", "toy"}
    assert ("zero_shot" in spec.capabilities) == spec.uses_text
    assert bool(spec.no_capability_reason) == (not spec.uses_text)


def test_ablation_steps_differ_by_one_thing_each():
    options = {name: dict(module_of(name).BASELINE.options) for name in METHODS}
    options["mae"].pop("settings")

    def differences(first, second):
        shared = options[first].keys() & options[second].keys()
        return {key for key in shared if options[first][key] != options[second][key]}

    assert differences("mae", "mae_hr") == {"high_resolution"}
    assert differences("mae_hr", "mae_hr_clip") == {"contrast"}
    assert differences("mae_hr_clip", "maco") == {"weighting"}
    assert differences("mae_clip", "mae_hr_clip") == {"high_resolution"}
    assert differences("mae_clip", "maco_v1") == {"weighting"}
    assert differences("random_init", "maco") == set()
    assert module_of("random_init").BASELINE.pretraining.epochs == 0
    recipes = {module_of(name).BASELINE.pretraining for name in METHODS if name != "random_init"}
    assert len(recipes) == 1


@torch.no_grad()
def test_steps_of_one_seed_start_from_the_same_image_encoder():
    first, second = build("mae"), build("maco")
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert first.patch_features(images, False).shape == second.patch_features(images, False).shape
    shared = set(first.state_dict()) & set(second.state_dict())
    assert "decoder_blocks.0.attn.qkv.weight" in shared


def test_mae_with_its_own_settings():
    own, equal = build("mae", settings="official"), build("mae")
    assert (own.options["mask_ratio"], own.options["norm_pix_loss"]) == (0.75, True)
    assert (equal.options["mask_ratio"], equal.options["norm_pix_loss"]) == (0.5, False)
    assert not torch.equal(own.pos_embed, equal.pos_embed)
    with pytest.raises(UsageError, match="settings"):
        build("mae", settings="officiel")
    with torch.device("meta"):
        paper = module_of("mae").build(
            BuildContext(
                size=module_of("mae").BASELINE.sizes["paper"],
                options={**module_of("mae").BASELINE.options, "settings": "official"},
                image_size=224,
            )
        )
    assert (paper.decoder_embed.out_features, len(paper.decoder_blocks)) == (512, 8)
    assert len(paper.state_dict()) == 254


@pytest.mark.parametrize("name", METHODS)
def test_own_weights_give_the_same_features_after_reading(name, tmp_path):
    model = build(name, seed=5).eval()
    loaded = load_trained(name, stored(tmp_path, model, name)).eval()
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(model.image_embedding(images), loaded.image_embedding(images))
        assert torch.equal(model.patch_features(images, True), loaded.patch_features(images, True))
        if "zero_shot" in module_of(name).BASELINE.capabilities:
            texts = ["there is a nodule"]
            assert torch.equal(model.text_embedding(texts), loaded.text_embedding(texts))
    assert loaded.temperature() == model.temperature()


def test_foreign_weights_are_refused(tmp_path):
    path = stored(tmp_path, build("mae_clip"), "mae_clip")
    with pytest.raises(BadDataError, match=r"lacks \d+ of \d+ tensors"):
        content = torch.load(path, weights_only=True)
        torch.save({**content, "options": dict(module_of("maco").BASELINE.options)}, path)
        module_of("maco").load(path)
    with pytest.raises(UsageError, match="does not fit `mae`"):
        torch.save({**content, "options": dict(module_of("mae").BASELINE.options)}, path)
        load_trained("mae", path)
    torch.save({"model": {"weight": torch.ones(1)}}, path)
    with pytest.raises(UsageError, match=r"not a weights\.pt"):
        load_trained("mae", path)
    path.write_bytes(b"no weights")
    with pytest.raises(UsageError, match=r"not a weights\.pt"):
        load_trained("mae", path)


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_the_demo_size_learns_on_one_batch(name):
    model = build(name, size="demo")
    side = model.pretraining_image_size
    images = torch.randn(3, 1, side, side, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        generator = torch.Generator().manual_seed(2)
        loss = model.pretraining_loss(PretrainBatch(images, REPORTS), generator)["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
