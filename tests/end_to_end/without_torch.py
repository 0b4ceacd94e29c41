"""An environment for subprocesses in which the packages of the extras cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.runs import CHECKOUT, environment

BLOCKED = (
    "cv2", "huggingface_hub", "mmcv", "mmdet", "mmengine", "open_clip", "safetensors",
    "segmentation_models_pytorch", "sklearn", "tensorboard", "timm", "tokenizers", "torch",
    "torchvision", "transformers",
)  # fmt: skip

_SITE = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {set(BLOCKED)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def write_site(folder: Path) -> Path:
    """Write the `sitecustomize.py` that makes the packages absent; the folder is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SITE)
    return folder


def run_light(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in that environment, from the root of the checkout."""
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        env={**environment(), "PYTHONPATH": os.pathsep.join(paths)},
    )
