"""How long benchmarks of stimuli take: `python bench/thresholds.py [BENCHMARK ..]`; without names ModelFest.

MobileNetV2, all layers and three readouts in one pass. Seconds of the stimuli, of the pass and of the statistics with
2000 resamples. `contrast` stands for all contrast tests, `property` for all properties.
"""

import argparse
from collections.abc import Iterator
from time import perf_counter

import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from iqa_lab.benchmarks import examine, load_benchmark
from iqa_lab.config import Config, configuration_folder, register_schema
from iqa_lab.errors import counted
from iqa_lab.networks import build_network
from iqa_lab.scoring.columns import plan_columns
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.store.tabulate import summarise, tabulate

OVERRIDES = ["goal=untrained", "dataset=none", "architecture=mobilenet_v2", "readout=[plain,cosine,mean]"]
QUICK = ["architecture=squeezenet1_1", "layers=[0]", "readout=plain", "statistics.resamples=20"]


def main() -> None:
    """Time each step of each benchmark once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", default=["modelfest"])
    parser.add_argument("--quick", action="store_true", help="the first layer of a small network: does it run?")
    options = parser.parse_args()
    register_schema()
    started = perf_counter()
    names = list(named(options.benchmarks))
    for name in names:
        time_one(name, [*OVERRIDES, *(QUICK if options.quick else [])])
    print(f"{counted(len(names), 'benchmark')}: {perf_counter() - started:.1f} s")


def named(asked: list[str]) -> Iterator[str]:
    """The benchmarks asked for; the beginning of a family of names stands for all of it."""
    for name in asked:
        family = sorted(file.stem for file in (configuration_folder() / "benchmark").glob(f"{name}_*.yaml"))
        yield from family if name in ("contrast", "property") else [name]


def time_one(name: str, overrides: list[str]) -> None:
    """Time each step of one benchmark, scored as the overrides say, and print it."""
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", overrides=[f"benchmark={name}", *overrides]))
    assert isinstance(config, Config)
    network = build_network(config)
    started = perf_counter()
    benchmark = examine(load_benchmark(config.benchmark))
    made = perf_counter()
    plan = plan_columns(config, network)
    found = score(network, benchmark.pairs, plan.passed, Settings(batch_size=8), decode=benchmark.decode)
    passed = perf_counter()
    columns = [column.name for column in found.columns]
    frame = pd.concat([benchmark.pairs, pd.DataFrame(found.values, columns=columns)], axis=1)
    table = tabulate(frame, {column: plan.definitions[column] for column in columns}, config, "", "")
    summarise(frame, table, config)
    print(
        f"{name}, {found.forwards} forwards, {len(columns)} columns: stimuli {made - started:.1f} s, "
        f"pass {passed - made:.1f} s, statistics {perf_counter() - passed:.1f} s"
    )


if __name__ == "__main__":
    main()
