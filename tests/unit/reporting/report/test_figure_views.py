import base64

from benchmark.reporting.figures.model import MadeFigure
from benchmark.reporting.report.figure_views import figure_views


def test_a_figure_is_embedded_byte_for_byte_with_its_words(tmp_path):
    svg = tmp_path / "roc.svg"
    svg.write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    made = MadeFigure(
        kind="roc",
        name="roc-rsna_zero_shot@maco",
        title="ROC",
        caption="Per class.",
        task="rsna_zero_shot",
        variant="maco",
        data_id="d",
        files={"svg": svg},
        text=tmp_path / "roc.txt",
        keys=("k",),
        phantom=False,
        shows_images=False,
    )
    (view,) = figure_views([made])
    assert view.anchor == "figure-roc-rsna_zero_shot-maco"
    head, _, body = view.picture.uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(body) == svg.read_bytes()
    assert (view.picture.caption, view.keys) == ("Per class.", ("k",))
    assert view.picture.alternative == "ROC. Per class."
