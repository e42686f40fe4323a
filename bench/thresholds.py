"""How long ModelFest takes: `python bench/thresholds.py`. MobileNetV2, all layers and three readouts in one pass.

Seconds of the stimuli, of the pass and of the statistics with 2000 resamples of stimuli and of observers.
"""

from time import perf_counter

import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from iqa_lab.benchmarks import examine, load_benchmark
from iqa_lab.config import Config, configuration_folder, register_schema
from iqa_lab.networks import build_network
from iqa_lab.scoring.columns import plan_columns
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.store.tabulate import summarise, tabulate

OVERRIDES = [
    "benchmark=modelfest", "goal=untrained", "dataset=none", "architecture=mobilenet_v2",
    "readout=[plain,cosine,mean]",
]  # fmt: skip


def main() -> None:
    """Time each step once and print it."""
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", overrides=OVERRIDES))
    assert isinstance(config, Config)
    network = build_network(config)
    started = perf_counter()
    benchmark = examine(load_benchmark(config.benchmark))
    made = perf_counter()
    plan = plan_columns(config, network)
    found = score(network, benchmark.pairs, plan.passed, Settings(batch_size=8), decode=benchmark.decode)
    passed = perf_counter()
    names = [column.name for column in found.columns]
    frame = pd.concat([benchmark.pairs, pd.DataFrame(found.values, columns=names)], axis=1)
    table = tabulate(frame, {name: plan.definitions[name] for name in names}, config, "", "")
    summarise(frame, table, config)
    print(
        f"ModelFest, {found.forwards} forwards, {len(names)} columns: stimuli {made - started:.1f} s, "
        f"pass {passed - made:.1f} s, statistics {perf_counter() - passed:.1f} s"
    )


if __name__ == "__main__":
    main()
