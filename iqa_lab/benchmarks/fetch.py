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
from iqa_lab.benchmarks.wrappers import lay_out
from iqa_lab.config import ArchiveConfig, BenchmarkConfig, data_folder
from iqa_lab.config.schema import PUBLISHER
from iqa_lab.downloads.archives import is_archive, unpack
from iqa_lab.downloads.files import download
from iqa_lab.errors import UnitFailed, UserError, choices, first_names, pass_on_interrupt
from iqa_lab.progress import say


def fetch_benchmarks(names: Sequence[str], folders: Sequence[Path]) -> None:
    """Bring databases with human judgements into the data folder, and check that they are whole.

    Files are downloaded and unpacked beside their place, read by the benchmark's own loader, and only then moved there.
    Nothing that is there is touched. The first source that makes a whole database is taken. Where there is none, as
    where a form stands before a database, the steps to it are printed.

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
            pass_on_interrupt(error)
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
    sources = _sources(config)
    home = data_folder() / config.folder
    try:
        return f"already here, {_counted(load_benchmark(config))}"
    except UserError as error:
        pass_on_interrupt(error)
        there = [place for place in (home / archive.into for archive in config.archives) if _has_entries(place)]
        if there:
            raise UserError(
                f"{there[0]} is there, but not as it should be ({error}); move it away: nothing is overwritten"
            ) from error
    steps = f"it needs you. {config.steps}" if config.steps else ""
    if not sources:
        raise UserError(steps or "it has no public address")
    say(f"{config.name}: its licence: {config.licence}; see {config.url}")
    downloads = data_folder() / ".downloads" / config.name
    unfinished = data_folder() / f".unfinished-{config.name}"
    refused: list[str] = []
    for source, archives in sources.items():
        try:
            done = _fetch_from(source, archives, config, unfinished)
        except UserError as error:
            pass_on_interrupt(error)
            refused.append(f"{source}: {error}" if len(sources) > 1 else str(error))
            if len(refused) < len(sources):
                say(f"{config.name}: not from {source}: {error}", "yellow")
        except OSError as error:
            reason = error.strerror or error
            raise UserError(
                f"cannot write to {data_folder()}: {reason}; what was downloaded is kept in {downloads}"
            ) from error
        else:
            shutil.rmtree(downloads, ignore_errors=True)
            return done
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    kept = f"; what was downloaded is kept in {downloads}" if _has_entries(downloads) else ""
    reasons = "; ".join(refused) + kept
    raise UserError(f"{steps} ({reasons})" if steps else reasons)


def _sources(config: BenchmarkConfig) -> dict[str, list[ArchiveConfig]]:
    """The files of each source, in the order in which sources are first named.

    Raises:
        UserError: an address ends in no name, or two files of one source have the same.
    """
    sources: dict[str, list[ArchiveConfig]] = {}
    for archive in config.archives:
        sources.setdefault(archive.source, []).append(archive)
    for archives in sources.values():
        names = [_file_name(archive) for archive in archives]
        for archive, name in zip(archives, names, strict=True):
            if not name or names.count(name) > 1:
                raise UserError(f"benchmark {config.name}: {archive.url} does not end in a file's name of its own")
            inside(name, "benchmark.archives.url")
    return sources


def _file_name(archive: ArchiveConfig) -> str:
    """What a downloaded file is called, the last part of its address."""
    return PurePosixPath(urlparse(archive.url).path).name


def _fetch_from(source: str, archives: Sequence[ArchiveConfig], config: BenchmarkConfig, unfinished: Path) -> str:
    """The whole database from one source to its place, and that in words.

    Args:
        source: by its name.
        archives: its files.
        config: of the benchmark.
        unfinished: a folder of its own, in which everything is made.

    Raises:
        UserError: a file cannot be had, or they do not make a whole database.
        OSError: the disk cannot be written.
    """
    downloads = data_folder() / ".downloads" / config.name
    if source != PUBLISHER:
        downloads /= source
    shutil.rmtree(unfinished, ignore_errors=True)
    for terms in dict.fromkeys(archive.terms for archive in archives if archive.terms):
        say(f"{config.name}: from {source}: {terms}")
    boxes = []
    for number, archive in enumerate(archives):
        file = download(archive.url, downloads / _file_name(archive), archive.checksum)
        box = unfinished / "unpacked" / str(number)
        box.mkdir(parents=True)
        if is_archive(file.name):
            unpack(file, box)
        else:
            shutil.copyfile(file, box / file.name)
        boxes.append(box)
    whole = lay_out(config, archives, boxes, unfinished / "whole")
    counted = _counted(examine(load_benchmark(replace(config, path=str(whole)))))
    _move_into_place(whole, data_folder() / config.folder, [archive.into for archive in archives])
    verified = sum(archive.checksum is not None for archive in archives)
    return f"fetched, {counted}; {verified} of {len(archives)} files had a checksum to verify them with"


def _counted(benchmark: Benchmark) -> str:
    rows = 2 if benchmark.config.protocol in CHOICES else 1
    kind = questions(benchmark.config.protocol)
    place = "made on the spot" if benchmark.experiment else f"in {data_folder() / benchmark.config.folder}"
    return f"{len(benchmark.pairs) // rows} {kind} {place}"


def _has_entries(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _move_into_place(unfinished: Path, home: Path, parts: Sequence[str]) -> None:
    """The finished database to its place; to an existing folder, which other parts share, only what it lacks."""
    if not _has_entries(home):
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)  # an empty folder
        os.rename(unfinished, home)
        return
    for part in dict.fromkeys(parts):
        (home / part).parent.mkdir(parents=True, exist_ok=True)
        os.rename(unfinished / part, home / part)
