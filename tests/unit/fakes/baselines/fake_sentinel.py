"""A sentinel for the fake protocol."""

from benchmark.specs import BaselineSpec

BASELINE = BaselineSpec(
    name="fake_sentinel",
    version=1,
    title="Fake sentinel",
    kind="sentinel",
    source="none",
    protocols=("fake_score",),
)


def predict(samples, truth, generator):  # type: ignore[no-untyped-def]
    """Never called by the fake protocol."""
    raise NotImplementedError
