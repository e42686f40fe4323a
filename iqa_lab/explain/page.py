"""The maps of an explanation -> one HTML page that needs nothing else."""

from base64 import b64encode
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image

from iqa_lab import __version__
from iqa_lab.explain.colours import Image as Pixels
from iqa_lab.explain.colours import brightest, colours, grey, scaled
from iqa_lab.explain.drawing import OPACITY, caption
from iqa_lab.explain.maps import Explanation, LayerMap
from iqa_lab.explain.policy import policy

_STYLE = """
:root { --opacity: OPACITY; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 96rem; padding: 1rem; font: 16px/1.45 system-ui, sans-serif; color: #1a1a1a; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; }
p { margin: .3rem 0; max-width: 48rem; }
.controls { position: sticky; top: 0; z-index: 1; padding: .6rem 0; background: #fff; border-bottom: 1px solid #ddd;
  display: flex; flex-wrap: wrap; gap: .4rem 1.5rem; align-items: center; }
.controls label { display: flex; gap: .5rem; align-items: center; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: 1.2rem;
  margin-top: 1rem; }
figure { margin: 0; }
figure > div { position: relative; background-size: 100% 100%; aspect-ratio: WIDTH / HEIGHT; overflow: hidden; }
figure > div img { position: absolute; top: 0; left: 0; width: 100%; height: 100%; }
SIZES.beneath { background-image: url(BENEATH); }
.map img { opacity: var(--opacity); }
figcaption b, h1 { overflow-wrap: anywhere; }
figcaption span { color: #606060; font-size: .85rem; display: block; }
.scale { display: flex; gap: .4rem; align-items: center; font-size: .85rem; color: #606060; }
.scale i { flex: 0 0 7rem; height: .6rem; background: linear-gradient(to right, RAMP); }
"""

_SLIDER = '<input type="range" min="0" max="1" step="0.05" value="OPACITY">'

_SCRIPT = """
document.querySelector("input").addEventListener("input", event => {
  document.documentElement.style.setProperty("--opacity", event.target.value);
});
"""


def page(explanation: Explanation) -> str:
    """The page: both images, then every layer's map over the distorted image in grey, with its score and scale.

    The maps are stored in the layers' own size and enlarged by the browser, so that a page of 50 layers stays small.
    """
    height, width, _ = explanation.reference.shape
    ramp = ", ".join("#" + bytes(colour).hex() for colour in colours(np.linspace(0, 1, 16)))
    sizes = {entry.covers: _size(entry.covers, (height, width)) for entry in explanation.maps}
    classes = {covers: f"size{number}" for number, covers in enumerate(sizes)}
    style = _STYLE
    for word, value in {
        "OPACITY": str(OPACITY),
        "WIDTH": str(width),
        "HEIGHT": str(height),
        "RAMP": ramp,
        "SIZES": "".join(f"figure > div img.{classes[covers]} {{ {size} }}\n" for covers, size in sizes.items()),
        "BENEATH": _data(grey(explanation.distorted)),  # the last: the text of an image may hold any word
    }.items():
        style = style.replace(word, value)
    title = f"{explanation.distorted_name}: where {explanation.network} sees the difference"
    figures = [
        _photograph(explanation.reference, "reference", explanation.reference_name),
        _photograph(explanation.distorted, "distorted", explanation.distorted_name),
        *(_map(entry, classes[entry.covers]) for entry in explanation.maps),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy([_SCRIPT], [style])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(explanation.distorted_name)} against {escape(explanation.reference_name)}, {width} x {height} pixels, as the
network was given them. Each map shows what differs at each position of a layer: dark is none, light are the highest
1 % of its own positions, which begin at the value beside its scale. Scales differ from layer to layer.</p>
<p>Readout <b>{escape(explanation.readout)}</b>: {escape(explanation.formula)}. The score is the readout's distance
between the two images in that layer. Made with iqa_lab {__version__}.</p>
<div class="controls">
<label>Image {_SLIDER.replace("OPACITY", str(OPACITY))} Map</label>
</div>
<main>
{"".join(figures)}</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _photograph(image: Pixels, label: str, name: str) -> str:
    shown = f'<div><img src="{_data(image)}" alt="the {label} image"></div>'
    return f"<figure>{shown}<figcaption><b>{label}</b><span>{escape(name)}</span></figcaption></figure>\n"


def _size(covers: tuple[int, int], whole: tuple[int, int]) -> str:
    """The size of a map that covers so many pixels of an image, as a style; patches may reach beyond its edge."""
    down, across = (100 * covered / side for covered, side in zip(covers, whole, strict=True))
    return f"width: {across:.4g}%; height: {down:.4g}%"


def _map(entry: LayerMap, size: str) -> str:
    name, facts = (escape(text) for text in caption(entry))
    image = f'<img class="{size}" src="{_data(colours(scaled(entry.values)))}" alt="map of layer {name}">'
    scale = f'<div class="scale">0 <i></i> {brightest(entry.values):.3g}</div>'
    shown = f'<div class="map beneath">{image}</div>'
    return f"<figure>{shown}<figcaption><b>{name}</b><span>{facts}</span>{scale}</figcaption></figure>\n"


def _data(image: Pixels) -> str:
    """A PNG file as an address that holds it."""
    file = BytesIO()
    Image.fromarray(image).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + b64encode(file.getvalue()).decode()
