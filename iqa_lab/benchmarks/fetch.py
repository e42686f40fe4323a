"""Databases from their public addresses into the data folder: verified, read by their own loader, never half there."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from iqa_lab.benchmarks import Benchmark, benchmark_options, examine, load_benchmark
from iqa_lab.benchmarks.benchmark import CHOICES, questions
from iqa_lab.benchmarks.names import inside
from iqa_lab.benchmarks.opinions import check_settings
from iqa_lab.config import ArchiveConfig, BenchmarkConfig, data_folder
from iqa_lab.downloads.archives import is_archive, unpack
from iqa_lab.downloads.files import download
from iqa_lab.errors import UnitFailed, UserError, choices, first_names
from iqa_lab.progress import say


def fetch_benchmarks(names: Sequence[str], folders: Sequence[Path]) -> None:
    """Bring databases with human judgements into the data folder, and check that they are whole.

    Files are downloaded and unpacked beside their place, read by the benchmark's own loader, and only then moved there.
    Nothing that is there is touched. Where a form or a login stands before a database, the steps to it are printed.

    Args:
        names: of the benchmarks.
        folders: configuration folders, the first one wins.

    Raises:
        UserError: there is no such benchmark.
        UnitFailed: some could not be had, or need a person.
    """
    options = benchmark_options(folders)
    unknown = [name for name in names if name not in options]
    if unknown:
        raise UserError(f"there is no benchmark {unknown[0]}; choose from {choices(unknown[0], options)}")
    failed = []
    for name in names:
        try:
            say(f"{name}: {_fetch(options[name]())}")
        except UserError as error:
            failed.append(name)
            say(f"{name}: not fetched: {error}", "red")
    if failed:
        raise UnitFailed(f"{len(failed)} of {len(names)} benchmarks could not be fetched ({first_names(failed)})")


def _fetch(config: BenchmarkConfig) -> str:
    """What was done for one benchmark, in words.

    Raises:
        UserError: it could not be had; nothing half-made is left in its place.
    """
    check_settings(config)  # before any of its names becomes a path
    names = [_file_name(archive, config) for archive in config.archives]
    home = data_folder() / config.folder
    try:
        return f"already here, {_counted(load_benchmark(config))}"
    except UserError as error:
        there = [place for place in (home / archive.into for archive in config.archives) if _has_entries(place)]
        if there:
            raise UserError(
                f"{there[0]} is there, but not as it should be ({error}); move it away: nothing is overwritten"
            ) from error
    if not config.archives:
        raise UserError(f"it needs you. {config.steps}" if config.steps else "it has no public address")
    say(f"{config.name}: its licence: {config.licence}; see {config.url}")
    downloads = data_folder() / ".downloads" / config.name
    unfinished = data_folder() / f".unfinished-{config.name}"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        for archive, name in zip(config.archives, names, strict=True):
            file = download(archive.url, downloads / name, archive.checksum)
            _lay_out(file, unfinished, archive)
        counted = _counted(examine(load_benchmark(replace(config, path=str(unfinished)))))
        _move_into_place(unfinished, home, [archive.into for archive in config.archives])
    except OSError as error:
        raise UserError(
            f"cannot write to {data_folder()}: {error.strerror or error}; what was downloaded is kept in {downloads}"
        ) from error
    except UserError as error:
        if downloads.is_dir() and any(downloads.iterdir()):
            raise UserError(f"{error}; what was downloaded is kept in {downloads}") from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(downloads, ignore_errors=True)
    verified = sum(archive.checksum is not None for archive in config.archives)
    return f"fetched, {counted}; {verified} of {len(config.archives)} files had a checksum to verify them with"


def _file_name(archive: ArchiveConfig, config: BenchmarkConfig) -> str:
    """What a downloaded file is called, the last part of its address.

    Raises:
        UserError: that is no name, or two files of the benchmark have the same.
    """
    name = PurePosixPath(urlparse(archive.url).path).name
    same = [other for other in config.archives if PurePosixPath(urlparse(other.url).path).name == name]
    if not name or len(same) > 1:
        raise UserError(f"benchmark {config.name}: {archive.url} does not end in a file's name of its own")
    inside(name, "benchmark.archives.url")
    return name


def _counted(benchmark: Benchmark) -> str:
    rows = 2 if benchmark.config.protocol in CHOICES else 1
    kind = questions(benchmark.config.protocol)
    return f"{len(benchmark.pairs) // rows} {kind} in {data_folder() / benchmark.config.folder}"


def _has_entries(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _lay_out(file: Path, unfinished: Path, archive: ArchiveConfig) -> None:
    """Put a downloaded file, or what it holds, into its folder of the unfinished database."""
    folder = unfinished / archive.into
    folder.mkdir(parents=True, exist_ok=True)
    if not is_archive(file.name):
        shutil.copyfile(file, folder / file.name)
        return
    unpacked = unfinished / ".unpacked"
    unpack(file, unpacked)
    inner = _without_wrapper(unpacked, Path(archive.into).name.lower())
    for entry in inner.iterdir():
        os.rename(entry, folder / entry.name)
    shutil.rmtree(unpacked)


def _without_wrapper(folder: Path, name: str) -> Path:
    """The folder that an archive really is about: publishers wrap a database into folders, or do not.

    Args:
        folder: where it was unpacked.
        name: of the only wrapper to go into; empty: into all.
    """
    entries = [entry for entry in folder.iterdir() if entry.name not in ("__MACOSX", ".DS_Store")]
    if len(entries) == 1 and entries[0].is_dir() and (not name or entries[0].name.lower() == name):
        return entries[0] if name else _without_wrapper(entries[0], name)
    return folder


def _move_into_place(unfinished: Path, home: Path, parts: Sequence[str]) -> None:
    """The finished database to its place; to an existing folder, which other parts share, only what it lacks."""
    if not _has_entries(home):
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)  # an empty folder
        os.rename(unfinished, home)
        return
    for part in parts:
        (home / part).parent.mkdir(parents=True, exist_ok=True)
        os.rename(unfinished / part, home / part)
