"""Human judgements on disk -> Benchmark. One module a family of databases, one YAML a benchmark."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from iqa_lab.benchmarks.benchmark import Benchmark, own_folders
from iqa_lab.benchmarks.elsewhere import MADE
from iqa_lab.benchmarks.index import examine
from iqa_lab.benchmarks.made import load as load_made
from iqa_lab.benchmarks.opinions import THRESHOLDS, check_settings
from iqa_lab.config import BenchmarkConfig, ColumnsConfig, configuration_folder, option_files
from iqa_lab.config.check import make
from iqa_lab.config.options import read_option, shipped_option
from iqa_lab.config.schema import PUBLISHER
from iqa_lab.errors import FOREIGN, UserError, choices, pass_on_interrupt
from iqa_lab.imports import callable_package, import_object

TABLE = "table"  # the family whose images lie where the settings say

__all__ = [
    "Benchmark", "benchmark_options", "examine", "is_present", "load_benchmark", "load_benchmark_named", "problem_of",
]  # fmt: skip


callable_package(__name__)


def load_benchmark(config: BenchmarkConfig) -> Benchmark:
    """The benchmark of one run: its pairs, complete and checked. No image is decoded here.

    Raises:
        UserError: the benchmark is not there, incomplete or damaged.
    """
    check_settings(config)
    if config.protocol == THRESHOLDS:
        return load_made(config)
    own = "." not in config.family  # of ours
    if own and config.family != TABLE:
        _check_published(config)
    load = import_object(f"iqa_lab.benchmarks.{config.family}.load" if own else config.family, "benchmark.family")
    try:
        benchmark = load(config)
    except (UserError, OSError):
        raise
    except FOREIGN as error:
        if own:
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"benchmark {config.name}: its loader {config.family} fails: {reason}") from error
    if not isinstance(benchmark, Benchmark):
        raise UserError(
            f"benchmark {config.name}: its loader {config.family} gives {type(benchmark).__name__}, not what "
            "iqa_lab.benchmarks.benchmark.assemble gives"
        )
    return benchmark


def _check_published(config: BenchmarkConfig) -> None:
    """Nothing, if the settings of a published database are of that database, and none is of a table of one's own.

    Raises:
        UserError: another benchmark has its name; or a setting would change nothing.
    """
    ours = shipped_option("benchmark", config.name) or {}
    if ours.get("family", config.family) != config.family:
        raise UserError(
            f"benchmark.name={config.name} is the name of another benchmark: benchmark={config.name} chooses that one; "
            "or give this one another name"
        )
    if config.reference_root or config.distorted_root:
        raise UserError(
            f"benchmark.reference_root and distorted_root are for benchmark=table: {config.name} has its own"
        )
    if config.columns != ColumnsConfig():
        raise UserError(f"benchmark.columns is for benchmark=table: {config.name} has its own")
    if ours and ours.get("opinions") is None and config.opinions is not None:
        raise UserError(
            f"benchmark.opinions={config.opinions}: {config.name} has a list of its own; other opinions of its images "
            "go into a table, benchmark=table"
        )


def load_benchmark_named(name: str, allow_missing: bool) -> Benchmark:
    """The examined benchmark of an option in ``conf/benchmark``, as it stands there.

    Raises:
        UserError: there is no such option, or the benchmark is not there, incomplete or damaged.
    """
    options = benchmark_options([configuration_folder()])
    if name not in options:
        raise UserError(f"there is no benchmark {name}; choose from {choices(name, options)}")
    return examine(load_benchmark(replace(options[name](), allow_missing=allow_missing)))


def benchmark_options(folders: Sequence[Path]) -> dict[str, Callable[[], BenchmarkConfig]]:
    """Every benchmark that the configuration folders offer, by its name: a function that reads its settings."""

    def read(file: Path) -> BenchmarkConfig:
        return make(BenchmarkConfig, read_option(file, "benchmark"), prefix="benchmark.")

    return {name: partial(read, file) for name, file in option_files("benchmark", folders).items()}


def is_present(config: BenchmarkConfig) -> bool:
    """Whether the folders of a benchmark are in the data folder; what lies in them is not looked at."""
    if config.protocol == THRESHOLDS:
        return True
    if config.path is not None:
        return Path(config.path).exists()
    home, *elsewhere = own_folders(config)
    if any(place.is_dir() for place in elsewhere):
        return True
    sources = {archive.source for archive in config.archives} or {PUBLISHER}
    return home.exists() and any(
        all((home / archive.into).is_dir() for archive in config.archives if archive.source == source)
        for source in sources
    )


def problem_of(config: BenchmarkConfig) -> str | None:
    """Why a benchmark cannot be read although a folder of it is there, in one line; None where it can, or none is.

    Its opinions are read and its images are looked for, but not decoded. A loader of one's own is not called, nor one
    that would make the images.
    """
    if (
        "." in config.family
        or config.protocol == THRESHOLDS
        or config.family == MADE
        or (config.family == TABLE and config.opinions is None)
    ):
        return None
    if not any(place.exists() for place in own_folders(config)):
        return None
    try:
        load_benchmark(config)
    except (UserError, OSError) as error:
        pass_on_interrupt(error)
        return " ".join(str(error).split())
    return None
