"""Human judgements on disk -> Benchmark. One module a family of databases, one YAML a benchmark."""

from omegaconf import OmegaConf

from iqa_lab.benchmarks.benchmark import CHOICE, MOS, Benchmark
from iqa_lab.config import BenchmarkConfig, configuration_folder, option_files
from iqa_lab.errors import UserError, choices
from iqa_lab.imports import import_object

__all__ = ["Benchmark", "load_benchmark", "load_benchmark_named"]


def load_benchmark(config: BenchmarkConfig) -> Benchmark:
    """The benchmark of one run: its pairs, complete and checked. No image is decoded here.

    Raises:
        UserError: the benchmark is not there, incomplete or damaged.
    """
    if config.protocol not in (MOS, CHOICE):
        raise UserError(f"benchmark.protocol={config.protocol}: choose {MOS} or {CHOICE}")
    own = "." not in config.family
    load = import_object(f"iqa_lab.benchmarks.{config.family}.load" if own else config.family, "benchmark.family")
    benchmark: Benchmark = load(config)
    return benchmark


def load_benchmark_named(name: str, allow_missing: bool) -> Benchmark:
    """The benchmark of an option in ``conf/benchmark``, as it stands there.

    Raises:
        UserError: there is no such option, or the benchmark is not there, incomplete or damaged.
    """
    files = option_files("benchmark", [configuration_folder()])
    if name not in files:
        raise UserError(f"there is no benchmark {name}; choose from {choices(name, files)}")
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(BenchmarkConfig), OmegaConf.load(files[name])))
    assert isinstance(config, BenchmarkConfig)
    config.allow_missing = allow_missing
    return load_benchmark(config)
