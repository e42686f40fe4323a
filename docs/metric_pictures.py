"""The pictures of docs/metric.md: a JPEG of the cat of scikit-image, improved by descending through three networks.

Takes the folder of the converted weights in `IQA_LAB_WEIGHTS`; writes `docs/images/metric_descent.png`. The cat is
Chelsea, by Stefan van der Walt, in the public domain (CC0).
"""

import io
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw

import iqa_lab

NETWORKS = {
    "SqueezeNet": {"architecture": "squeezenet1_0", "weights": "squeezenet1_0.deepcompressed", "layers": {"last": 8}},
    "MobileNetV2": {"architecture": "mobilenetv2_tf", "layers": [0, 1, 2, 3]},
    "MobileNetV2, birds": {"dataset": "inat_birds", "architecture": "mobilenetv2_tf", "layers": [0, 1, 2, 3]},
}
QUALITY, SIDE, STEPS, SHOWN = 8, 160, 150, 200


def compressed(image: np.ndarray) -> np.ndarray:
    """The image after JPEG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", quality=QUALITY)
    return np.asarray(Image.open(file))


def descend(metric: torch.nn.Module, reference: torch.Tensor, start: torch.Tensor) -> tuple[torch.Tensor, float, float]:
    """The image that a descent from ``start`` ends at, and the distances before and after."""
    image = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([image], lr=0.01)
    before = float(metric(reference, start))
    for _ in range(STEPS):
        optimiser.zero_grad()
        distance = metric(reference, image).sum()
        distance.backward()
        optimiser.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach(), before, float(metric(reference, image.detach()))


def main() -> None:
    """Descend, print the distances, write the picture."""
    original = skimage.data.chelsea()[60 : 60 + SIDE, 130 : 130 + SIDE].copy()
    reference, start = (
        torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255 for image in (original, compressed(original))
    )
    tiles = {"original": reference, f"JPEG, quality {QUALITY}": start}
    for name, words in NETWORKS.items():
        metric = iqa_lab.load_metric(readout="lpips", **words)
        tiles[name], before, after = descend(metric, reference, start)
        rmse = [255 * float((one - reference).square().mean().sqrt()) for one in (start, tiles[name])]
        print(
            f"{name}: distance {before:.4f} -> {after:.4f}, RMSE {rmse[0]:.2f} -> {rmse[1]:.2f} grey levels; {metric}"
        )
    sheet = Image.new("RGB", (len(tiles) * (SHOWN + 6), SHOWN + 16), "white")
    for place, (name, image) in enumerate(tiles.items()):
        pixels = (image[0].permute(1, 2, 0) * 255).round().byte().numpy()
        left = place * (SHOWN + 6)
        sheet.paste(Image.fromarray(pixels).resize((SHOWN, SHOWN), Image.Resampling.NEAREST), (left, 16))
        ImageDraw.Draw(sheet).text((left + 2, 2), name, fill="black")
    out = Path(__file__).parent / "images" / "metric_descent.png"
    out.parent.mkdir(exist_ok=True)
    sheet.quantize(128).save(out, optimize=True)
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
