"""The public functions in a notebook, with nothing but the package: the lines of the README, run by a kernel."""

from pathlib import Path

import nbformat
from jupyter_client import KernelManager

from tests.notebooks import run

LINES = """
import iqa_lab
import skimage.data

random = {"goal": "untrained", "dataset": "none", "architecture": "squeezenet1_1"}
metric = iqa_lab.load_metric(**random, layers=["features.4"], readout="lpips")
overrides = [f"{key}={value}" for key, value in random.items()]
overrides += ["layers=[features.1]", "benchmark=table", "benchmark.path=PAIRS"]
outcome = iqa_lab.evaluate(*overrides, "statistics.resamples=20", "tracker=none", readout=["plain", "lpips"])
best = iqa_lab.load_metric(outcome.folder, column="lpips@features.1")
reference = skimage.data.chelsea()[:64, :80]
d = metric(reference, reference // 2)
per_layer = best.layers(reference, reference // 2)
assert d.shape == (1,) and d > 0 and per_layer.shape == (1, 1)
assert len(outcome.scores) == 24 and len(iqa_lab.results("results")) == len(outcome.table)
assert len(iqa_lab.networks()) > 400 and len(iqa_lab.benchmarks()) > 40 and len(iqa_lab.readouts()) > 14
best
"""


def test_the_public_functions_work_in_a_notebook(rated: Path, tmp_path: Path, kernel: KernelManager) -> None:
    source = LINES.strip().replace("PAIRS", str(rated / "pairs.csv"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    (shown,) = [one for one in run(notebook, tmp_path, kernel) if one.output_type == "execute_result"]
    assert "found on table, 24 pairs: srcc" in shown["data"]["text/plain"]
