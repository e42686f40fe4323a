"""What is said of memory before a pass is at least what the process has held after it."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from iqa_lab.benchmarks.images import Decoded
from iqa_lab.scoring import cost
from iqa_lab.scoring.settings import Settings

PROGRAM = """
import sys
import pandas as pd, torch
from iqa_lab.benchmarks import examine, load_benchmark
from iqa_lab.scoring.columns import plan_columns
from iqa_lab.scoring.cost import foreseen_cost, foreseen_memory, settings_of
from iqa_lab.scoring.memory import keep_freed_memory, peak_memory_mib
from iqa_lab.scoring.score import score
from tests.conftest import composed, untrained

torch.set_num_threads(1)
keep_freed_memory()
for name in ("squeezenet1_1", "mobilenet_v2", "resnet18"):
    config = composed("goal=untrained", "dataset=none", f"architecture={name}", "readout=[plain,lpips,mean]",
                      "benchmark=table", f"benchmark.path={sys.argv[1]}", "runtime.batch_size=4")
    network = untrained(name)
    benchmark = examine(load_benchmark(config.benchmark))
    plan = plan_columns(config, network)
    settings = settings_of(config, network, benchmark, plan)
    foreseen_cost(plan, network, benchmark, settings)
    foreseen = foreseen_memory(plan, network, benchmark, settings)
    score(network, benchmark.pairs, plan.passed, settings)
    print(name, foreseen // 2**20, peak_memory_mib(settings.device))
"""


@pytest.mark.parametrize(
    ("device", "size", "of_image", "free", "expected"),
    [
        ("cpu", (384, 256), 9.4, 10**5, 64),  # MobileNetV2
        ("cpu", (384, 256), 25.2, 10**5, 25),  # VGG-16: the largest response is limited
        ("cpu", (384, 256), 9.4, 1200, 10),  # half of the memory that is free, six copies
        ("cpu", (768, 512), 37.6, 10**5, 17),
        ("cpu", (192, 128), 2.4, 10**5, 256),
        ("cpu", (16, 16), 0.01, 10**5, 512),
        ("cpu", (384, 256), 9.4, 0, 1),
        ("cpu", (384, 256), 2000, 10**6, 1),
        ("cuda", (384, 256), 25.2, 10**5, 256),
        ("cuda", (384, 256), 25.2, 3000, 9),
    ],
)
def test_how_many_images_are_forwarded_at_once(
    device: str, size: tuple[int, int], of_image: float, free: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "bytes_per_image", lambda *_: int(of_image * 2**20))
    monkeypatch.setattr(cost, "kept_bytes", lambda *_: 0)
    monkeypatch.setattr(cost, "free_memory", lambda _: free * 2**20)
    benchmark = SimpleNamespace(
        pairs=pd.DataFrame({"reference_path": ["x"]}), decode=lambda *_: Decoded(np.zeros((*size, 3), np.uint8), None)
    )
    settings = Settings(device=torch.device(device))
    assert cost.choose_batch_size(None, None, benchmark, settings) == expected  # type: ignore[arg-type]


def test_the_estimate_is_at_least_what_three_networks_took(small_pairs: pd.DataFrame, tmp_path) -> None:
    table = small_pairs.rename(columns={"reference_path": "reference", "distorted_path": "distorted", "distorted": "_"})
    table.assign(opinion=-table["level"])[["reference", "distorted", "opinion"]].to_csv(tmp_path / "p.csv", index=False)
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "p.csv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 3
    for name, foreseen, peak in lines:
        assert 300 < int(peak) <= int(foreseen) < 2 * int(peak), name
