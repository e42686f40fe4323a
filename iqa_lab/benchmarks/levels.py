"""A benchmark that needs no download: photographs that scikit-image and scikit-learn ship, distorted in known steps.

The opinion is minus the level of the distortion. It is **no human judgement**: it tells whether a metric puts the five
steps of a distortion in order, not how much a person minds them.
"""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from iqa_lab.benchmarks.benchmark import Benchmark, assemble
from iqa_lab.benchmarks.distortions import DISTORTIONS, Picture
from iqa_lab.benchmarks.elsewhere import made_folder
from iqa_lab.benchmarks.selection import selected
from iqa_lab.config import BenchmarkConfig, data_folder
from iqa_lab.errors import UserError
from iqa_lab.folders import in_one_step
from iqa_lab.progress import track

# A change of photographs, sizes or distortions is another benchmark: raise the number.
RECIPE = "recipe1"
WIDTH, HEIGHT = 384, 256


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of the benchmark; the images that are asked for are made once, into the cache folder.

    A folder of ``benchmark.path``, or one that an earlier version made in the data folder, is taken as it is: what is
    missing there is missing.
    """
    home = Path(config.path).expanduser() if config.path else data_folder() / config.folder
    rows = pd.DataFrame(
        [
            (f"{photograph}.png", f"{photograph}.{distortion}.{level}.png", distortion, level, -float(level))
            for photograph in PHOTOGRAPHS
            for distortion in DISTORTIONS
            for level in range(1, 6)
        ],
        columns=["reference", "distorted", "distortion", "level", "opinion"],
    )
    folder = home / RECIPE
    if config.path and not folder.is_dir():
        _make(folder, set(rows["distorted"]))
    elif not folder.is_dir():
        folder = made_folder() / RECIPE
        _make(folder, set(selected(config, rows)["distorted"]))
    files = rows.assign(
        reference_file="reference/" + rows["reference"], distorted_file="distorted/" + rows["distorted"]
    )
    return assemble(config, files, folder)


def _make(folder: Path, wanted: Collection[str]) -> None:
    """Write those of the distorted images, and their references, that are not there; each in one step.

    Raises:
        UserError: the folder cannot be written.
    """
    for name, photograph in track(list(PHOTOGRAPHS.items()), "making the benchmark levels"):
        number = list(PHOTOGRAPHS).index(name)
        files = {
            f"{name}.{distortion}.{level}.png": (kind, distortion, level)
            for kind, distortion in enumerate(DISTORTIONS)
            for level in range(1, 6)
        }
        missing = [file for file in files if file in wanted and not (folder / "distorted" / file).is_file()]
        reference = folder / "reference" / f"{name}.png"
        if not missing and (reference.is_file() or not set(files) & set(wanted)):
            continue
        image = _centre(photograph())
        if not reference.is_file():
            _write(reference, image)
        for file in missing:
            kind, distortion, level = files[file]
            function, strengths = DISTORTIONS[distortion]
            distorted = function(image, strengths[level - 1], np.random.default_rng([number, kind, level]))
            _write(folder / "distorted" / file, distorted)


def _write(file: Path, image: Picture) -> None:
    """Write an image: never half of one, whoever else makes it."""
    try:
        with in_one_step(file) as unfinished:
            Image.fromarray(image).save(unfinished, format="png", compress_level=1)  # a third of the time
    except OSError as error:
        why = f"{error.strerror or error}; $IQA_LAB_CACHE names another folder"
        raise UserError(f"the images of levels cannot be written to {file.parent}: {why}") from error


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
