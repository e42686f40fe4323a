"""The pairs of a unit as small pictures, where the user's own configuration says where their images lie.

A result comes from anywhere. It names a benchmark and pairs, but it never says which file is opened or which code is
called: the loader and the folder are those of the user's own configuration, of the shipped benchmark of that name, or,
for a table, a file below the data folder.
"""

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from iqa_lab.benchmarks import benchmark_options, is_present, load_benchmark
from iqa_lab.benchmarks.elsewhere import made_folder
from iqa_lab.benchmarks.images import decode
from iqa_lab.config import BenchmarkConfig, configuration_folder, data_folder
from iqa_lab.errors import UserError, pass_on_interrupt

THUMBNAIL = 192  # pixels
TABLE = "table"  # the family of benchmarks that are one file of a user's own
LEVELS = "levels"  # the family that makes its images


class Pictures:
    """Small copies of images, each made once, by a short name; none where the benchmark is not at hand."""

    def __init__(self, own: Sequence[BenchmarkConfig] = ()) -> None:
        """``own``: benchmarks of the user's own configuration, which are loaded as it says."""
        self.encoded: dict[str, str] = {}
        self._own = {(benchmark.name, benchmark.path): benchmark for benchmark in own}
        self._paths: dict[tuple[str, str | None, str], dict[str, str]] = {}
        self._names: dict[str, str] = {}

    def of(self, benchmark: BenchmarkConfig) -> dict[str, str]:
        """Where the images of a result's benchmark lie, by their names; empty where that is not known or not here."""
        key = (benchmark.name, benchmark.path, benchmark.family)
        if key not in self._paths:
            self._paths[key] = self._found(benchmark)
        return self._paths[key]

    def _found(self, benchmark: BenchmarkConfig) -> dict[str, str]:
        own = self._own.get((benchmark.name, benchmark.path))
        known = own or known_benchmark(benchmark)
        if known is None:
            return {}
        try:
            pairs = load_benchmark(replace(known, allow_missing=True)).pairs
        except (UserError, OSError, ValueError) as error:  # incomplete, or not to be read: there are no pictures of it
            pass_on_interrupt(error)
            return {}
        references = dict(zip(pairs["reference"], pairs["reference_path"], strict=True))
        paths = references | dict(zip(pairs["distorted"], pairs["distorted_path"], strict=True))
        if own is None and known.family == TABLE:  # its rows may name files anywhere
            paths = {name: path for name, path in paths.items() if below_data(path) is not None}
        return paths

    def name(self, path: str | None) -> str | None:
        """The name of the small copy of an image."""
        if path is None:
            return None
        if path not in self._names:
            try:
                small = Image.fromarray(decode(path).pixels)
            except (UserError, OSError) as error:
                pass_on_interrupt(error)
                return None
            small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
            content = io.BytesIO()
            small.save(content, "jpeg", quality=85)
            self._names[path] = f"p{len(self._names)}"
            self.encoded[self._names[path]] = base64.b64encode(content.getvalue()).decode("ascii")
        return self._names[path]


def known_benchmark(benchmark: BenchmarkConfig) -> BenchmarkConfig | None:
    """What may be loaded to see the images of a benchmark that a result names, or None.

    Args:
        benchmark: as the result describes it; of a shipped benchmark nothing but its name is taken.
    """
    shipped = benchmark_options([configuration_folder()])
    if benchmark.path is None:
        option = shipped[benchmark.name]() if benchmark.name in shipped else None
        if option is None or option.family != LEVELS:
            return option
        if not is_present(option):
            return None
        here = (data_folder() / option.folder).is_dir()  # a folder that is named is taken as it is: nothing is made
        return option if here else replace(option, path=str(made_folder()))
    file = below_data(benchmark.path)
    if benchmark.family != TABLE or file is None:
        return None
    return replace(shipped[TABLE](), path=str(file), protocol=benchmark.protocol, opinion=benchmark.opinion,
                   columns=benchmark.columns, reference_root=benchmark.reference_root,
                   distorted_root=benchmark.distorted_root)  # fmt: skip


def below_data(path: str) -> Path | None:
    """The path without ``..``, where it lies below the data folder; links in the data folder are the user's own."""
    plain, data = Path(os.path.abspath(path)), Path(os.path.abspath(data_folder()))
    return plain if plain.is_relative_to(data) else None
