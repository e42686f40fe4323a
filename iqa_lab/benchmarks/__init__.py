"""Human judgements on disk -> Benchmark. One module a family of databases, one YAML a benchmark."""

from iqa_lab.benchmarks.benchmark import Benchmark
from iqa_lab.config import BenchmarkConfig
from iqa_lab.imports import import_object

__all__ = ["Benchmark", "load_benchmark"]


def load_benchmark(config: BenchmarkConfig) -> Benchmark:
    """The benchmark of one run: its pairs, complete and checked. No image is decoded here.

    Raises:
        UserError: the benchmark is not there, incomplete or damaged.
    """
    own = "." not in config.family
    load = import_object(f"iqa_lab.benchmarks.{config.family}.load" if own else config.family, "benchmark.family")
    benchmark: Benchmark = load(config)
    return benchmark
