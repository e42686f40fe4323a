"""Units that somebody else could have made: written by the store, with whatever names and configuration."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from iqa_lab.config import Config
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.signature import signature
from tests.conftest import composed

HOSTILE = (
    "<!--<script>", "</script><script>document.body.dataset.errors = 'run'</script>", "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>', "]]>", "two\nlines", "{{ 7 * 7 }}", "${oc.env:HOME}", "a\u2028b\u2029c", "=1+1",
    "%$&#_{}~^\\ |*`[x](javascript:alert(1))", "[/red]", "&lt;b&gt;", "../../../ESC", "null", "\u202eesrever",
)  # fmt: skip


@cache
def plain_config() -> Config:
    """The configuration of a table of one's own, scored by an untrained network."""
    return composed("benchmark=table", "goal=untrained", "dataset=none", "architecture=squeezenet1_1")


def config_text(change: Callable[[Any], None] = lambda _: None) -> str:
    """``config.yaml``, with a change to what it holds."""
    values = OmegaConf.to_container(OmegaConf.structured(plain_config()), resolve=True)
    change(values)
    return OmegaConf.to_yaml(OmegaConf.create({"all": values}, flags={"allow_objects": True})["all"])


@cache
def plain_text() -> str:
    """``config.yaml`` as it is."""
    return config_text()


def make_unit(
    results: Path,
    architecture: str = "squeezenet1_1",
    *,
    config: str | None = None,
    benchmark: str = "table",
    digest: str = "0123456789ab",
    seed: int = 0,
    words: Mapping[str, str] | None = None,
    names: tuple[str, ...] = ("r{}", "d{}", "blur", "noise"),
    facts: Mapping[str, Any] | None = None,
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
) -> Path:
    """A finished unit of 40 pairs of 8 references, two layers and two readouts; returns its folder.

    Args:
        results: the results folder.
        architecture: its name.
        config: the text of ``config.yaml``.
        benchmark: what its rows call their benchmark.
        digest: of the benchmark.
        seed: of its scores.
        words: of its rows, as ``layer`` or ``weights``, in place of the usual ones.
        names: of references, distorted images, and two distortions.
        facts: of ``result.json``.
        change: of its rows.
    """
    generator = np.random.default_rng(seed)
    reference, distorted, *distortions = names
    pairs = pd.DataFrame(
        {
            "reference": [reference.replace("{}", str(number // 5)) for number in range(40)],
            "distorted": [distorted.replace("{}", str(number)) for number in range(40)],
            "distortion": [distortions[number % 2] for number in range(40)],
            "level": np.arange(40) % 5,
            "opinion": np.arange(40) % 5 + generator.normal(0, 0.5, 40),
        }
    )
    layers = (words or {}).get("layer", "conv1"), "conv2"
    columns = {
        f"{readout}@{layer}": {"layer": layer, "depth": float(depth), "readout": readout}
        for readout in ((words or {}).get("readout", "plain"), "mean")
        for depth, layer in enumerate(layers)
    }
    noise = generator.normal(0, 1.5, (40, len(columns)))
    scores = pd.DataFrame((noise - pairs[["opinion"]].to_numpy()).astype("float32"), columns=list(columns))
    value = srcc(-scores.to_numpy(dtype=float), pairs["opinion"].to_numpy())
    shared = {"benchmark": benchmark, "goal": "untrained", "dataset": "none", "architecture": architecture,
              "weights": "seed0", "input": "rgb 0..1, no resize", "n": 40}  # fmt: skip
    rows = pd.DataFrame(
        [
            {
                **shared,
                **(words or {}),
                **columns[name],
                "srcc": one,
                "srcc_low": one - 0.1,
                "srcc_high": min(one + 0.1, 1),
            }
            for name, one in zip(columns, value, strict=True)
        ]
    )
    folder = (
        results / "table" / f"untrained-none-{architecture}" / signature({"a": architecture, "d": digest, "s": seed})
    )
    result = {"signature": folder.name, "hashed": {"index_digest": digest}, "n_scored": 40, "n_expected": 40,
              "forwards": 48, "layers": list(layers), **(facts or {})}  # fmt: skip
    text = plain_text() if config is None else config
    UnitFolder(folder).write(pd.concat([pairs, scores], axis=1), columns, result, text, lambda *_: change(rows))
    return folder


def table_benchmark(**changes: Any) -> Any:
    """The benchmark of these units, as a user's own configuration would describe it."""
    return replace(plain_config().benchmark, **changes)


def without_drawing(patch: pytest.MonkeyPatch) -> None:
    """Let reports write a few bytes in place of each figure's files, for tests of what else they hold.

    Drawing takes most of a report's time; the study ``quick`` and tests/report/test_figures.py draw every figure.
    """
    patch.setattr("iqa_lab.report.page.save", lambda _chart, folder, name: [_touched(folder, name)] * 3)


def without_pages_of_units(patch: pytest.MonkeyPatch) -> None:
    """Let reports make no page of a single unit, half of their time, for tests of what compares several."""
    patch.setattr("iqa_lab.report.collect._pages", lambda *_: ((), []))


def _touched(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.pdf").write_bytes(b"%PDF")
    return folder / f"{name}.pdf"
