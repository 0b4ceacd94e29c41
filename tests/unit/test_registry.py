"""Names by file, imports on demand, errors that help, and no torch."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark import registry
from benchmark.errors import UsageError


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=registry.CHECKOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_names_are_files() -> None:
    assert {"nih_zero_shot", "rsna_zero_shot", "ms_cxr_grounding", "pretraining"} <= set(
        registry.task_names()
    )
    assert {"maco", "random_init", "chance"} <= set(registry.baseline_names())
    assert not {"encoders", "methods", "objectives", "checkpoints", "__init__"} & set(
        registry.baseline_names()
    )
    assert {"mimic_cxr", "csv_pairs"} <= set(registry.source_names())
    assert {"toy", "demo", "paper"} <= set(registry.profile_names())
    assert {"maco", "maco-v1", "maco-demo"} <= set(registry.suite_names())


def test_near_names_are_offered() -> None:
    with pytest.raises(UsageError, match="`maco_v1`"):
        registry.load_baseline("maco_v2")
    with pytest.raises(UsageError, match="`rsna_zero_shot`"):
        registry.load_task("rsna_zeroshot")
    with pytest.raises(UsageError, match="`demo`"):
        registry.load_profile("dem")
    with pytest.raises(UsageError, match="`maco`"):
        registry.load_suite("macoo")


def test_every_spec_is_plain_and_named_like_its_file() -> None:
    from benchmark.fingerprint import canonical_json

    for name in registry.task_names():
        spec = registry.load_task(name)
        assert spec.name == name
        assert json.loads(canonical_json(spec))["name"] == name
        assert registry.module_version("benchmark/protocols", spec.protocol) >= 1
    for name in registry.baseline_names():
        baseline = registry.load_baseline(name)
        assert json.loads(canonical_json(baseline))["name"] == name
        assert (baseline.kind == "sentinel") == hasattr(registry.baseline_module(name), "predict")
        trained_or_read = baseline.pretraining is not None or bool(baseline.released)
        assert trained_or_read == (baseline.kind == "method")


def test_every_suite_names_things_that_exist() -> None:
    for name in registry.suite_names():
        suite = registry.load_suite(name)
        assert suite.entries
        for entry in suite.entries:
            task = registry.load_task(entry.task)
            assert entry.variant in ("", *task.variants)
            for baseline in entry.baselines:
                registry.load_baseline(baseline)
        for baseline in suite.baselines:
            registry.load_baseline(baseline)
        assert suite.pretraining in registry.load_task("pretraining").variants
        for table in suite.tables:
            assert (registry.CHECKOUT / "leaderboards/tables" / f"{table}.toml").is_file()


def test_every_profile_fits_every_task_and_method() -> None:
    from benchmark.cells import resolve
    from benchmark.settings import Settings

    for profile in registry.profile_names():
        settings = Settings(profile=profile)
        for name in registry.baseline_names():
            if registry.load_baseline(name).pretraining is not None:
                resolve("pretraining", "maco", name, settings)
        for task in registry.task_names():
            if task != "pretraining":
                resolve(task, next(iter(registry.load_task(task).variants)), "maco", settings)


def test_stored_images_are_never_enlarged_for_a_model() -> None:
    from benchmark.cells import resolve
    from benchmark.settings import Settings

    paper = Settings(profile="paper")
    assert resolve("rsna_classification", "maco", "maco", paper).store_side == 512
    assert resolve("rsna_detection", "maco", "maco", paper).store_side == 1024


def test_an_untrained_baseline_stays_untrained() -> None:
    from benchmark.cells import resolve
    from benchmark.settings import Settings

    recipe = resolve("pretraining", "maco", "random_init", Settings(profile="toy")).recipe
    assert recipe.epochs == 0  # type: ignore[attr-defined]


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "timm", "transformers", "mmdet"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
from benchmark import registry
for name in registry.task_names():
    registry.load_task(name)
for name in registry.baseline_names():
    registry.load_baseline(name)
for name in registry.source_names():
    registry.load_source(name)
import benchmark.records, benchmark.plan, benchmark.reporting, benchmark.cli
assert "torch" not in sys.modules
"""


def test_tasks_and_baselines_import_without_torch() -> None:
    python(BLOCKED)


def test_importing_the_engine_loads_neither_torch_nor_pandas() -> None:
    python("import benchmark, sys; assert not {'torch', 'pandas'} & set(sys.modules)")


@pytest.mark.parametrize("kind", ["tasks", "baselines", "datasets", "suites", "profiles"])
def test_listing_is_fast_and_light(kind: str) -> None:
    code = (
        "import sys\nfrom benchmark.cli import main\n"
        "code = main(['list', sys.argv[1], '--json'])\n"
        "assert code == 0 and not {'torch', 'pandas'} & set(sys.modules)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert json.loads(python(code, kind))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time, not wall time: the promise is about the work, not about the neighbours' load.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_a_name_that_is_not_its_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tasks"
    folder.mkdir()
    text = (registry.CHECKOUT / "tasks" / "nih_zero_shot.py").read_text()
    (folder / "copied_task.py").write_text(text)
    (folder / "empty_task.py").write_text("TASK = 1\n")
    registry.add_search_root(tmp_path)
    try:
        with pytest.raises(UsageError, match="names itself `nih_zero_shot`"):
            registry.load_task("copied_task")
        with pytest.raises(UsageError, match="TASK"):
            registry.load_task("empty_task")
    finally:
        registry.remove_search_root(tmp_path)


def test_a_package_is_a_baseline_and_private_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "baselines" / "packed").mkdir(parents=True)
    (tmp_path / "baselines" / "packed" / "__init__.py").touch()
    (tmp_path / "baselines" / "_template.py").touch()
    (tmp_path / "baselines" / "plain_folder").mkdir()
    registry.add_search_root(tmp_path)
    try:
        names = registry.baseline_names()
    finally:
        registry.remove_search_root(tmp_path)
    assert "packed" in names
    assert not {"_template", "plain_folder"} & set(names)


@pytest.mark.parametrize(
    ("folder", "text", "fault"),
    [
        ("benchmark/profiles", 'model_sizes = "toy"', "model_size"),
        ("benchmark/profiles", "model_size = ", "not valid TOML"),
        ("leaderboards/suites", 'title = "x"\n[[entries]]\ntasks = "a"', "task"),
        ("leaderboards/suites", 'name = "other"\ntitle = "x"', "names itself"),
    ],
)
def test_a_wrong_toml_file_is_refused(tmp_path: Path, folder: str, text: str, fault: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "wrong.toml").write_text(text)
    load = registry.load_profile if "profiles" in folder else registry.load_suite
    registry.add_search_root(tmp_path)
    try:
        with pytest.raises(UsageError, match=fault):
            load("wrong")
    finally:
        registry.remove_search_root(tmp_path)


def test_tasks_and_baselines_are_found_from_any_folder(tmp_path: Path) -> None:
    code = (
        "import sys, types\nsys.modules['tasks'] = types.ModuleType('tasks')\n"
        f"sys.path.insert(0, {str(registry.CHECKOUT)!r})\n"
        "from benchmark import registry\nprint(registry.load_task('nih_zero_shot').name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "nih_zero_shot", done.stderr


def test_a_name_may_carry_options() -> None:
    plain = registry.load_baseline("maco")
    changed = registry.load_baseline("maco+mask_ratio=0.75+weighting=v1")
    assert changed.name == "maco+mask_ratio=0.75+weighting=v1"
    assert changed.base == plain.base == "maco"
    assert changed.options == {**plain.options, "mask_ratio": 0.75, "weighting": "v1"}
    assert "mask_ratio=0.75" in changed.title
    assert registry.baseline_module(changed.name) is registry.baseline_module("maco")
    with pytest.raises(UsageError, match="mask_ratio"):
        registry.load_baseline("maco+mask_rato=0.5")
    with pytest.raises(UsageError, match="mask_ratio"):
        registry.load_baseline("maco+mask_ratio=half")
    with pytest.raises(UsageError, match="maco"):
        registry.load_baseline("maca+mask_ratio=0.5")


def test_starts_are_no_methods_to_compare() -> None:
    assert {"house_text", "house_vit"} <= registry.start_names()
    methods = registry.method_names()
    assert {"maco", "clip_vit", "random_init"} <= set(methods)
    assert not registry.start_names() & set(methods)
    assert not {"oracle", "chance"} & set(methods)
