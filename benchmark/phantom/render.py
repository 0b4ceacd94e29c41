"""A radiograph of a study, with the exact mask of each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.phantom.anatomy import draw_anatomy, with_findings
from benchmark.phantom.body import draw_density
from benchmark.phantom.display import develop
from benchmark.phantom.findings import paint
from benchmark.phantom.heart import draw_centre
from benchmark.phantom.scene import build_scene
from benchmark.phantom.truth import Drawing

if TYPE_CHECKING:
    from benchmark.phantom.truth import Study, View


def render_view(study: Study, view: View, size: int) -> Drawing:
    """Render one view of a study.

    Args:
        study: From `benchmark.phantom.population.draw_study`.
        view: One of `study.views`.
        size: Side of the square picture in pixels, 64 or more; geometry does not depend on it.

    Returns:
        Pixels in [0, 1], bright = dense, the patient's left on the right of a frontal picture;
        masks by index into `study.findings`; in a lateral view both lungs are the same region.
    """
    anatomy = with_findings(draw_anatomy(study, view), study.findings)
    scene = build_scene(anatomy, size)
    centre = draw_centre(scene)
    masks = {index: paint(finding, scene, centre) for index, finding in enumerate(study.findings)}
    density = draw_density(scene, centre, study, view)
    covered = scene.inside > 0.5
    if anatomy.lateral:
        lungs = np.stack([covered, covered])
    else:
        lungs = np.stack([covered & scene.half(-1), covered & scene.half(1)])
    return Drawing(pixels=develop(density, scene, view), masks=masks, lungs=lungs)
