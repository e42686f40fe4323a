"""On a GPU: the processor never waits for it from batch to batch, and processes that decode change no score."""

import importlib
import os
import time
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch

from iqa_lab.benchmarks import decoding
from iqa_lab.benchmarks.decoding import in_processes
from iqa_lab.networks import build_network
from iqa_lab.scoring.columns import plan_columns
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from tests.conftest import composed

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@pytest.mark.parametrize("architecture", ["squeezenet1_1", "vit_small_patch16_224"])
def test_more_batches_are_no_more_waits(architecture: str, small_pairs: pd.DataFrame) -> None:
    """Waits are those of the beginning and the end: as many for three times the batches."""
    config = composed("goal=untrained", "dataset=none", f"architecture={architecture}", "readout=all")
    network = build_network(config)
    plan = plan_columns(config, network)
    # one size, so that the batches differ in nothing
    pairs = small_pairs[small_pairs["reference_path"].str.endswith("r0.png")]
    settings = Settings(device=torch.device("cuda"), batch_size=len(pairs) + 1)

    def waits(times: int) -> Counter[tuple[str, int]]:
        several = pd.concat([pairs] * times, ignore_index=True)
        score(network, several, plan.passed, settings)  # what is compiled or allocated once
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                score(network, several, plan.passed, settings)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return Counter(
            (entry.filename, entry.lineno) for entry in seen if "called a synchronizing" in str(entry.message)
        )

    assert waits(3) == waits(1)


def test_images_decoded_by_processes_have_the_same_scores(
    small_pairs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = composed("goal=untrained", "dataset=none", "architecture=squeezenet1_1", "readout=all")
    network = build_network(config)
    plan = plan_columns(config, network)
    settings = Settings(device=torch.device("cuda"), batch_size=4)
    expected = score(network, small_pairs, plan.passed, settings)
    monkeypatch.setattr(importlib.import_module("iqa_lab.scoring.score"), "ENOUGH", 1)
    in_processes(settings.workers)
    for process in decoding._started(os.getpid())[1]:
        while not process.is_ready():
            time.sleep(0.01)
    monkeypatch.setattr(decoding, "decode", None)  # nothing is decoded here
    np.testing.assert_array_equal(score(network, small_pairs, plan.passed, settings).values, expected.values)
