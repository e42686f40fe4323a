"""What a report costs: `python bench/report.py`, which makes two hundred units, reports them and opens the page.

Scores, correlations and images are made up; their number and size are those of a study on TID2013: 3000 pairs of 25
references, 40 layers x 4 readouts. The page is opened in Chromium, as somebody who double-clicks it does.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from PIL import Image

from iqa_lab.config import configuration_folder, register_schema
from iqa_lab.progress import track
from iqa_lab.report.collect import collect
from iqa_lab.report.page import write_report
from iqa_lab.report.study import EVERYTHING, Study
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.signature import signature

LAYERS, READOUTS = 40, ("plain", "lpips", "cosine", "mean")
REFERENCES, DISTORTIONS, LEVELS = 25, 24, 5
GOALS = ("classification", "segmentation", "jigsaw", "rotation", "colorization")
DATASETS = ("imagenet1k", "places365", "cifar10", "voc")


def make_images(folder: Path, references: int) -> Path:
    """A table of 120 pairs a reference, with images of noise that a JPEG finds as hard as photographs."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = []
    for reference in track(range(references), "making images"):
        coarse = Image.fromarray(generator.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        clean = np.asarray(coarse.resize((256, 192), Image.Resampling.BICUBIC), dtype=float)
        Image.fromarray(clean.astype(np.uint8)).save(folder / f"i{reference:02}.png")
        for distortion in range(DISTORTIONS):
            for level in range(1, LEVELS + 1):
                name = f"i{reference:02}_{distortion + 1:02}_{level}.png"
                noise = generator.normal(0, 4 * level, clean.shape)
                Image.fromarray(np.clip(clean + noise, 0, 255).astype(np.uint8)).save(folder / name)
                opinion = 6 - level + generator.normal(0, 0.7)
                rows.append((f"i{reference:02}.png", name, str(distortion + 1), level, round(opinion, 4)))
    table = pd.DataFrame(rows, columns=["reference", "distorted", "distortion", "level", "opinion"])
    table.to_csv(folder / "pairs.csv", index=False)
    return folder / "pairs.csv"


def make_units(results: Path, pairs: Path, units: int) -> None:
    """That many finished units, written by the store."""
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        config = compose("config", ["benchmark=table", f"benchmark.path={pairs}"])
    text = OmegaConf.to_yaml(config, resolve=True)
    table = pd.read_csv(pairs, dtype={"distortion": str})
    generator = np.random.default_rng(1)
    for number in track(range(units), "making units"):
        cell = {"goal": GOALS[number % 5], "dataset": DATASETS[number // 5 % 4], "architecture": f"net{number // 20}"}
        folder = results / "table" / "-".join(cell.values()) / signature(cell)
        columns = {
            f"{readout}@stage{layer}": {"layer": f"stage{layer}", "depth": layer / (LAYERS - 1), "readout": readout}
            for readout in READOUTS
            for layer in range(LAYERS)
        }
        agreement = dict(zip(columns, generator.uniform(0.4, 0.8, len(columns)), strict=True))
        noise = generator.normal(9, 1, (len(table), len(columns)))
        scores = noise - 1.5 * np.outer(table["opinion"], list(agreement.values()))
        shared = {"benchmark": "table", **cell, "weights": "made/up", "input": "rgb 0..255, as it is", "n": len(table)}
        names = ("srcc", "plcc", "plcc_logistic", "krcc", "srcc_within_distortion")
        rows = [
            {**shared, **columns[name], "srcc_low": srcc - 0.03, "srcc_high": srcc + 0.03, **dict.fromkeys(names, srcc)}
            for name, srcc in agreement.items()
        ]
        facts = {
            "signature": folder.name,
            "hashed": {"index_digest": signature(cell)},
            "n_scored": len(table),
            "n_expected": len(table),
            "forwards": 3025,
        }
        everything = pd.concat([table, pd.DataFrame(scores.astype("float32"), columns=list(columns))], axis=1)
        UnitFolder(folder).write(everything, columns, facts, text, lambda *_, rows=rows: pd.DataFrame(rows))


@contextmanager
def timed(what: str) -> Iterator[None]:
    """One line."""
    before = time.perf_counter(), time.process_time()
    yield
    print(f"{what}: {time.perf_counter() - before[0]:.1f} s, {time.process_time() - before[1]:.1f} s of processor")


def open_page(page: Path, where: str = "") -> None:
    """How long Chromium takes until the page has opened and until the first figures are drawn."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("the page was not opened: there is no Chromium here")
        return
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1100,900", "--dump-dom",
               "--timeout=15000", page.as_uri() + where]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    body = re.search(r"<body[^>]*>", dom)
    opened = re.search(r'data-opened="(\d+)"', body[0] if body else "")
    drawn = sorted(int(at) for at in re.findall(r'data-at="(\d+)"', dom))
    said = (
        f"first figure drawn after {drawn[0]} ms, {len(drawn)} of them after {drawn[-1]} ms" if drawn else "none drawn"
    )
    print(f"open {where or 'the page'}: {opened[1] if opened else '?'} ms, {said}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="keep what is made here, and use what is there")
    parser.add_argument("--quick", action="store_true", help="two units of few images: does it run?")
    options = parser.parse_args()
    references = REFERENCES
    if options.quick:
        options.units, references = 2, 2
    with tempfile.TemporaryDirectory(prefix="iqa-bench-") as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "results").is_dir():
            make_units(folder / "results", make_images(folder / "images", references), options.units)
        with timed(f"gather {options.units} units"):
            report = collect(folder / "results", Study("bench", EVERYTHING))
        with timed("write the page"):
            page = write_report(report, folder / "page")
        print(f"the page: {page.stat().st_size / 1e6:.1f} MB")
        open_page(page)
        open_page(page, "#u=" + report.units[0].unit.replace("/", "--"))


if __name__ == "__main__":
    main()
