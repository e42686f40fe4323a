"""Maps of differences: they add up to the scores of the pass, lie where the images differ, and can be read."""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.color import rgb2lab

from iqa_lab.errors import UserError
from iqa_lab.explain.colours import brightest, colours, scaled
from iqa_lab.explain.drawing import layer_picture, overlay, sheet
from iqa_lab.explain.files import write_explanation
from iqa_lab.explain.maps import Explanation, difference_maps, explain
from iqa_lab.explain.page import page
from iqa_lab.explain.policy import policy
from iqa_lab.networks.network import PIXELS
from iqa_lab.readouts import load_distance
from iqa_lab.scoring.batches import Batch, pictures
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.store.made import MADE
from tests.browser import rendered
from tests.conftest import Finished, composed, noisy, picture, untrained

# a frame as narrow as a phone, in which the slider is moved once the pictures are there
FRAME = """<!DOCTYPE html><iframe src="{address}" width="390" height="800"></iframe><script>
document.querySelector("iframe").onload = () => {{
  const page = document.querySelector("iframe").contentDocument, slider = page.querySelector("input");
  slider.value = "0.25";
  slider.dispatchEvent(new Event("input"));
  const pictures = [...page.images], map = page.querySelector(".map img");
  document.body.dataset.found = [
    page.documentElement.scrollWidth <= 390, pictures.length, pictures.every((image) => image.naturalWidth > 0),
    page.defaultView.getComputedStyle(map).opacity,
  ];
}};
</script>"""

Command = Callable[..., Finished]
UNTRAINED = ("goal=untrained", "dataset=none")
SQUEEZENET = (*UNTRAINED, "architecture=squeezenet1_1")
# squeezenet changes responses in place after a layer; vit is a transformer
ARCHITECTURES = ("squeezenet1_1", "mobilenetv2_tf", "vit_tiny_patch16_224")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A reference, and the same with noise in its lower right quarter only."""
    folder = tmp_path_factory.mktemp("images")
    reference = picture(5, 96, 128)
    distorted = reference.copy()
    distorted[48:, 64:] = noisy(reference, 6, 40)[48:, 64:]
    for name, pixels in [("lake.png", reference), ("lake_noise.png", distorted)]:
        Image.fromarray(pixels).save(folder / name)
    return folder / "lake.png", folder / "lake_noise.png"


def paths(images: tuple[Path, Path]) -> pd.DataFrame:
    return pd.DataFrame(
        {"reference_path": [str(images[0])], "distorted_path": [str(images[1])], "distorted": [images[1].name]}
    )


def explained(images: tuple[Path, Path], architecture: str, *overrides: str) -> Explanation:
    return explain(*images, composed(*UNTRAINED, f"architecture={architecture}", *overrides))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_map_adds_up_to_the_score_of_the_pass_and_lies_where_the_images_differ(
    architecture: str, images: tuple[Path, Path]
) -> None:
    config, network = composed("readout=[plain,lpips]"), untrained(architecture)
    layers = [layer for layer in network.layers if layer.spatial]
    pair = Batch(tuple(pictures(paths(images), 1, None)))
    columns = [
        Column(layer=layer, readout=name, terms={layer.name: load_distance(readout)})
        for name, readout in config.readouts.items()
        for layer in (PIXELS, *layers)
    ]
    expected = score(network, paths(images), columns, Settings()).values[0].reshape(2, -1)
    for row, (name, readout) in zip(expected, config.readouts.items(), strict=True):
        maps = difference_maps(network, pair, layers, name, readout, Settings())
        assert [entry.layer for entry in maps] == [PIXELS, *layers]
        for entry, value in zip(maps, row, strict=True):
            values = entry.values.astype(np.float64)
            together = np.sqrt(np.square(values).sum()) if name == "plain" else values.mean()
            assert together == pytest.approx(value, rel=1e-5), entry.layer.name
            assert entry.score == pytest.approx(value, rel=1e-5), entry.layer.name
        for entry in maps[:2]:  # later layers see far beyond their own position
            height, width = entry.values.shape
            quarters = entry.values[: height // 2 * 2, : width // 2 * 2].reshape(2, height // 2, 2, width // 2)
            upper_left, upper_right, lower_left, lower_right = quarters.mean((1, 3)).flat
            assert lower_right > 2 * max(upper_left, upper_right, lower_left), entry.layer.name


def test_patches_that_reach_beyond_the_image_are_cut_not_squeezed(tmp_path: Path) -> None:
    """Of 120 pixels in patches of 16 the eighth is half padding: a difference there lies at the right edge."""
    reference = picture(7, 64, 120)
    distorted = reference.copy()
    distorted[:, 112:] = 255 - distorted[:, 112:]
    for name, pixels in [("a.png", reference), ("b.png", distorted)]:
        Image.fromarray(pixels).save(tmp_path / name)
    found = explained((tmp_path / "a.png", tmp_path / "b.png"), "vit_tiny_patch16_224", "layers=[0]")
    pixels, patches = found.maps
    assert pixels.covers == (64, 120) and patches.values.shape == (4, 8) and patches.covers == (64, 128)
    assert patches.values[:, :7].max() < 0.2 * patches.values[:, 7].min()
    lightness = overlay(patches, np.zeros_like(reference)).sum(2).mean(0)
    assert lightness.argmax() >= 112 and lightness[:100].max() < 0.05 * lightness.max()
    size = re.search(r"img\.(size\d) { width: 106.7%; height: 100% }", page(found))
    assert size is not None and page(found).count(f'<img class="{size[1]}"') == 1


def test_identical_images_have_maps_and_scores_of_zero(images: tuple[Path, Path]) -> None:
    found = explained((images[0], images[0]), "squeezenet1_1", "readout=lpips")
    assert all(entry.score == 0 and not entry.values.any() for entry in found.maps)
    assert (np.asarray(sheet(found)) == 255).any() and "score 0" in page(found)


def test_the_policy_of_the_page_names_its_script_and_style_and_nothing_else(images: tuple[Path, Path]) -> None:
    """A picture may be called anything, and its text in the page may hold any word."""
    found = explained(images, "squeezenet1_1", "layers=[0]")
    text = page(replace(found, distorted_name="</style><script>alert(1)</script><img src=x onerror=alert(1)>.png"))
    scripts, styles = (re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL) for kind in ("script", "style"))
    (said,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert said == policy(scripts, styles) and len(scripts) == len(styles) == 1 and "unsafe" not in said
    assert not re.search(r"<[a-z][^>]* (?:style|on[a-z]+)=", text) and "<img src=x" not in text
    beneath = re.search(r"url\(data:image/png;base64,([^)]+)\)", styles[0])
    assert beneath is not None and Image.open(BytesIO(b64decode(beneath[1], validate=True))).size == (128, 96)


def test_colours_grow_evenly_in_lightness() -> None:
    """So that they can be read in grey and whatever colours a person sees.

    magma is even in the uniform space of CAM02; in that of CIELAB it is nearly a straight line.
    """
    lightness = rgb2lab(colours(np.linspace(0, 1, 256))[None])[0, :, 0]
    assert (np.diff(lightness) > 0).all() and lightness[0] < 1 and lightness[-1] > 97
    assert np.abs(lightness - np.linspace(lightness[0], lightness[-1], 256)).max() < 6  # of 98


def test_the_highest_positions_share_the_lightest_colour() -> None:
    values = np.arange(1000, dtype=np.float32).reshape(20, 50)
    top = brightest(values)
    assert (values >= top).mean() == pytest.approx(0.01) and (scaled(values) == 1).sum() == 10
    lonely = np.zeros((20, 20), np.float32)
    lonely[3, 4] = 7
    assert brightest(lonely) == 7 and scaled(lonely)[3, 4] == 1


def test_pictures_show_every_layer_at_the_size_of_the_image(images: tuple[Path, Path]) -> None:
    found = explained(images, "squeezenet1_1")
    for entry in found.maps:
        assert overlay(entry, found.distorted).shape == found.distorted.shape
        assert layer_picture(entry, found).width == 3 * 128  # enlarged until the caption fits
    together, tiles = sheet(found), 2 + len(found.maps)
    assert (together.width // 320) * (together.height // (320 * 96 // 128)) >= tiles
    assert len(found.maps) == 1 + len(untrained("squeezenet1_1").layers)


def test_the_command_writes_pictures_and_a_page_that_needs_nothing_else(
    iqa_lab: Command, images: tuple[Path, Path]
) -> None:
    arguments = ["explain", *map(str, images), *SQUEEZENET, "layers=[0,-1]"]
    done = iqa_lab(*arguments)
    assert done.code == 0, done.err
    assert "pixels" in done.out and "index.html" in done.out
    (folder,) = Path("explained").iterdir()
    assert folder.name == "lake_noise-untrained-none-squeezenet1_1-seed0-plain"
    layers = [layer.name for layer in untrained("squeezenet1_1").layers]
    numbered = ["00-pixels.png", f"01-{layers[0]}.png", f"{len(layers):02d}-{layers[-1]}.png"]
    assert sorted(path.name for path in folder.iterdir()) == [MADE, *numbered, "index.html", "sheet.png"]
    text = (folder / "index.html").read_text()
    sources = re.findall(r"""(?:src="|href="|url\()([^")]*)""", text)
    assert len(sources) == 6 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert layers[0] in text and "lake_noise.png" in text and "http" not in text.replace("http-equiv", "")
    elsewhere = iqa_lab(*arguments, "--out", "here", "readout=lpips")
    assert elsewhere.code == 0 and Path("here/sheet.png").exists() and len(list(Path("explained").iterdir())) == 1


def test_the_page_fits_a_phone_and_its_slider_works(images: tuple[Path, Path], tmp_path: Path) -> None:
    explanation = explained(images, "squeezenet1_1", "layers=[0,1]")
    longer = replace(explanation, maps=(*explanation.maps, replace(explanation.maps[-1], number=7)))
    write_explanation(longer, tmp_path / "explained")
    (index, *beside) = write_explanation(explanation, tmp_path / "explained")
    pictures = {path for path in (tmp_path / "explained").iterdir() if path.suffix == ".png"}
    assert pictures == {*beside}  # those of the longer one are gone
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(address=index.as_uri()))
    dom, _ = rendered(frame.as_uri(), tmp_path / "profile", 5, "--allow-file-access-from-files")
    found = re.search(r'data-found="([^"]*)"', dom)
    assert found is not None and found[1] == "true,5,true,0.25", dom[:500]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (("goal=baseline", "dataset=none", "architecture=psnr"), "is a baseline, which has no layers to show"),
        ((*SQUEEZENET, "readout=gram"), "readout gram cannot be shown in the image"),
        (
            (*SQUEEZENET, "readout=[plain,lpips]"),
            "one readout can be shown at a time, not 2",
        ),
        ((*UNTRAINED, "architecture=vit_tiny_patch16_224", "tokens=class"), "have no positions"),
        ((*SQUEEZENET, "layers=[nowhere]"), "no such layer: nowhere"),
    ],
)
def test_what_cannot_be_shown_is_refused(overrides: tuple[str, ...], says: str, images: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match=says):
        explain(*images, composed(*overrides))


def test_the_command_refuses_in_one_line(iqa_lab: Command, images: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(picture(1, 64, 64)).save(tmp_path / "small.png")
    network = [*SQUEEZENET]
    other_size = iqa_lab("explain", str(images[0]), str(tmp_path / "small.png"), *network)
    assert other_size.code == 2 and "differ in size" in other_size.error_line
    missing = iqa_lab("explain", str(images[0]), "nothing.png", *network)
    assert missing.code == 2 and "nothing.png: there is no such image" in missing.error_line
    several = iqa_lab("explain", *map(str, images), "-m", "architecture=alexnet,vgg16")
    assert several.code == 2 and "one network at a time" in several.error_line
