"""Sentences beside the findings: normal anatomy, denials, devices, remarks on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.phantom import grammar, grammar_general
from benchmark.phantom.words import WORDS, pick

if TYPE_CHECKING:
    import numpy as np

    from benchmark.phantom.truth import Study


def normal_sentences(present: set[str], generator: np.random.Generator) -> list[str]:
    """Statements of normal anatomy that no present finding contradicts; one a region at most."""
    share = 0.55 if not present else 0.3
    sentences = []
    said: set[str] = set()
    for index in generator.permutation(len(grammar_general.NORMAL)):
        statement = grammar_general.NORMAL[index]
        regions = set(statement.region.split("_and_"))
        if present & statement.contradicted_by or said & regions:
            continue
        if generator.random() < share:
            said |= regions
            sentences.append(pick(generator, statement.sentences))
    return sentences


def denials(
    present: set[str],
    denied: set[str],
    mentions: dict[str, float],
    generator: np.random.Generator,
) -> list[str]:
    """Sentences that deny absent findings (and those that label noise denies).

    Args:
        present: Findings that are there and may not be denied.
        denied: Findings that label noise denies.
        mentions: Takes a 0 for each denied finding.
        generator: Draws names, their order and the words.
    """
    hidden = set(present)
    for group in grammar_general.LOOK_ALIKES:
        if group & present:
            hidden |= group
    names = [n for n in grammar_general.DENIED_OFTEN if n not in hidden]
    names = [name for name in names if generator.random() < 0.55]
    for name in grammar_general.DENIED_SELDOM:
        if name not in hidden and generator.random() < 0.08:
            names.append(name)
    names += [name for name in sorted(denied) if name not in names]
    order = generator.permutation(len(names))
    names = [names[index] for index in order]
    sentences = []
    while names:
        count = min(len(names), int(generator.integers(1, 4)))
        together, names = names[:count], names[count:]
        forms = (
            grammar_general.DENIALS_OF_ONE,
            grammar_general.DENIALS_OF_TWO,
            grammar_general.DENIALS_OF_THREE,
        )[count - 1]
        words = {
            f"d{index}": pick(generator, WORDS[name].denied_as)
            for index, name in enumerate(together)
        }
        sentences.append(grammar.finish(pick(generator, forms).format(**words)))
        mentions.update({name: 0.0 for name in together})
    return sentences


def device_sentences(study: Study, generator: np.random.Generator) -> list[str]:
    """A sentence for most devices in any view of the study."""
    devices = dict.fromkeys(device for view in study.views for device in view.devices)
    sentences = []
    for device in devices:
        if generator.random() < 0.75:
            plain = f"{device.replace('_', ' ').capitalize()} in place."
            sentences.append(pick(generator, grammar_general.DEVICES.get(device, (plain,))))
    return sentences


def remarks(study: Study, generator: np.random.Generator) -> list[str]:
    """Remarks on how the first view was taken, where there is something to remark."""
    view = study.views[0]
    true = {
        "rotated": abs(view.rotation_degrees) > 4,
        "large": study.patient.habitus > 0.6,
        "noisy": view.noise > 0.85,
        "exposure": abs(view.exposure) > 0.85,
    }
    return [
        pick(generator, grammar_general.REMARKS[name])
        for name, holds in true.items()
        if holds and generator.random() < 0.6
    ]
