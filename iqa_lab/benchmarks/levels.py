"""A benchmark that needs no download: photographs that scikit-image and scikit-learn ship, distorted in known steps.

The opinion is minus the level of the distortion. It is **no human judgement**: it tells whether a metric puts the five
steps of a distortion in order, not how much a person minds them.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from iqa_lab.benchmarks.benchmark import Benchmark, assemble
from iqa_lab.benchmarks.distortions import DISTORTIONS, Picture
from iqa_lab.config import BenchmarkConfig, data_folder
from iqa_lab.progress import track

# A change of photographs, sizes or distortions is another benchmark: raise the number.
RECIPE = "recipe1"
WIDTH, HEIGHT = 384, 256


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of the benchmark; the images are made once, into the data folder."""
    home = Path(config.path).expanduser() if config.path else data_folder() / config.folder
    folder = home / RECIPE
    if not folder.is_dir():
        _make(folder)
    rows = pd.DataFrame(
        [
            (f"{photograph}.png", f"{photograph}.{distortion}.{level}.png", distortion, level, -float(level))
            for photograph in PHOTOGRAPHS
            for distortion in DISTORTIONS
            for level in range(1, 6)
        ],
        columns=["reference", "distorted", "distortion", "level", "opinion"],
    )
    files = rows.assign(
        reference_file="reference/" + rows["reference"], distorted_file="distorted/" + rows["distorted"]
    )
    return assemble(config, files, folder)


def _make(folder: Path) -> None:
    """Write all images beside their place, then move them there in one step: never a half-made folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{RECIPE}-", dir=folder.parent))
    try:
        (unfinished / "reference").mkdir()
        (unfinished / "distorted").mkdir()
        for number, (name, photograph) in enumerate(track(list(PHOTOGRAPHS.items()), "making the benchmark levels")):
            image = _centre(photograph())
            _save(image, unfinished / "reference" / f"{name}.png")
            for kind, (distortion, (function, strengths)) in enumerate(DISTORTIONS.items()):
                for level, strength in enumerate(strengths, 1):
                    distorted = function(image, strength, np.random.default_rng([number, kind, level]))
                    _save(distorted, unfinished / "distorted" / f"{name}.{distortion}.{level}.png")
        unfinished.chmod(0o755)
        try:
            os.rename(unfinished, folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was faster, and made the same images
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _save(image: Picture, path: Path) -> None:
    Image.fromarray(image).save(path, compress_level=1)  # a third of the time, files a tenth larger


def _centre(image: Picture) -> Picture:
    top, left = (image.shape[0] - HEIGHT) // 2, (image.shape[1] - WIDTH) // 2
    return np.ascontiguousarray(image[top : top + HEIGHT, left : left + WIDTH, :3])


def _scikit_image(name: str) -> Callable[[], Picture]:
    def photograph() -> Picture:
        import skimage.data

        return np.asarray(getattr(skimage.data, name)())

    return photograph


def _scikit_learn(name: str) -> Callable[[], Picture]:
    def photograph() -> Picture:
        from sklearn.datasets import load_sample_image

        return np.asarray(load_sample_image(name))

    return photograph


def _motorcycle() -> Picture:
    import skimage.data

    left, _, _ = skimage.data.stereo_motorcycle()
    return np.asarray(left)


PHOTOGRAPHS: dict[str, Callable[[], Picture]] = {
    "astronaut": _scikit_image("astronaut"),
    "chelsea": _scikit_image("chelsea"),
    "coffee": _scikit_image("coffee"),
    "rocket": _scikit_image("rocket"),
    "motorcycle": _motorcycle,
    "china": _scikit_learn("china.jpg"),
    "flower": _scikit_learn("flower.jpg"),
}
