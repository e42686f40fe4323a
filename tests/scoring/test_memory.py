"""What is said of memory before a pass is at least what the process has held after it."""

import subprocess
import sys

import pandas as pd

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


def test_the_estimate_is_at_least_what_three_networks_took(small_pairs: pd.DataFrame, tmp_path) -> None:
    table = small_pairs.rename(columns={"reference_path": "reference", "distorted_path": "distorted", "distorted": "_"})
    table.assign(opinion=-table["level"])[["reference", "distorted", "opinion"]].to_csv(tmp_path / "p.csv", index=False)
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "p.csv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 3
    for name, foreseen, peak in lines:
        assert 300 < int(peak) <= int(foreseen) < 2 * int(peak), name
