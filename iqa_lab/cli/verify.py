"""Filters -> every training and benchmark that is here, checked; a table, a file to send back, and an exit code."""

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from iqa_lab import __version__
from iqa_lab.benchmarks import benchmark_options, examine, is_present, load_benchmark
from iqa_lab.cli.catalogue import Row, list_options
from iqa_lab.cli.printing import print_rows
from iqa_lab.config import BenchmarkConfig, WeightsConfig
from iqa_lab.downloads.answers import Answer, ask
from iqa_lab.errors import FOREIGN, UnitFailed, UserError, choices, counted, first_names, pass_on_interrupt
from iqa_lab.networks.cells import cells, is_by_hand
from iqa_lab.networks.sources import address_of
from iqa_lab.networks.verify import BY_HAND, FAULTLESS, NOT_HERE, NOT_LOADED, OK, verify
from iqa_lab.progress import say, track

_AT_ONCE = 8  # requests to servers, which are many
_PACKAGES = ("torch", "torchvision", "timm", "numpy", "safetensors", "huggingface_hub")


def verify_everything(filters: Mapping[str, str], folders: Sequence[Path], fetch: bool, out: Path) -> None:
    """Print and write the findings about all trainings that match; without filters about all benchmarks, too.

    Args:
        filters: columns of ``iqa-lab list weights`` and their values, ``*`` for any text; or ``benchmark``. With
            ``weights.path`` the file of the one training that they mean, which was got by hand, say.
        folders: configuration folders, the first one wins.
        fetch: download what is not here.
        out: the JSON file to write.

    Raises:
        UserError: nothing matches, or nothing of it is here.
        UnitFailed: something does not fit.
    """
    trainings, benchmarks = _chosen(filters, folders)
    found = [asdict(verify(name, cell, folders, fetch)) for name, cell in track(trainings, "trainings")]
    found += [_of_benchmark(config) for config in track(benchmarks, "benchmarks")]
    # what a person has to get is told where it is asked for
    quiet = (NOT_HERE,) if filters else (NOT_HERE, BY_HAND)
    told = [row for row in found if row["state"] not in quiet or (row["state"] == NOT_HERE and row["detail"])]
    failed = [row["training"] for row in found if row["state"] not in FAULTLESS]
    if told:
        print_rows([_shown(row) for row in told])
    _write(out, {"trainings": found})
    counts = Counter(row["state"] for row in found)
    print(f"{', '.join(f'{number} {state}' for state, number in counts.most_common())}; all facts are in {out}")
    if failed:
        raise UnitFailed(f"{len(failed)} of {len(found)} have a fault: {first_names(failed)}")
    if not counts[OK]:
        raise UserError(f"nothing was verified: none of {len(found)} is here; --fetch downloads those with an address")


def ask_addresses(filters: Mapping[str, str], folders: Sequence[Path], out: Path) -> None:
    """Ask whether the address of every training and benchmark that matches answers; nothing is downloaded.

    Args:
        filters: as of ``verify_everything``.
        folders: configuration folders, the first one wins.
        out: the JSON file to write.

    Raises:
        UserError: nothing matches, or nothing of it has an address.
        UnitFailed: an address does not answer.
    """
    wanted = dict(_addresses(*_chosen(filters, folders)))
    if not wanted:
        raise UserError("nothing that was asked for has an address: it comes in a package, in a folder or by hand")
    distinct = list(dict.fromkeys(wanted.values()))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(distinct, track(pool.map(ask, distinct), "addresses"), strict=True))
    rows = [_answered(what, url, answers[url]) for what, url in wanted.items()]
    failed = [row for row in rows if row["state"] != OK]
    _write(out, {"addresses": rows})
    for row in failed:
        say(f"{row['training']}: {row['address']}: {row['detail']}", "red")
    print(f"{len(rows) - len(failed)} of {len(rows)} addresses answer; all answers are in {out}")
    if failed:
        raise UnitFailed(
            f"{len(failed)} of {len(rows)} do not answer: {first_names(row['training'] for row in failed)}"
        )


def _chosen(
    filters: Mapping[str, str], folders: Sequence[Path]
) -> tuple[list[tuple[str, WeightsConfig]], list[BenchmarkConfig]]:
    """The trainings and the benchmarks that match.

    Raises:
        UserError: no such column or benchmark, or nothing matches.
    """
    others = {key: value for key, value in filters.items() if key not in ("benchmark", "weights.path")}
    trainings: list[tuple[str, WeightsConfig]] = []
    if others or not filters:
        rows = list_options("weights", dict(others), folders)
        names = {(row["goal"], row["dataset"], row["weights"]) for row in rows}
        trainings = [(name, cell) for name, cell in cells(folders) if (cell.goal, cell.dataset, name) in names]
        if not trainings:
            asked = " ".join(f"{key}={value}" for key, value in others.items())
            raise UserError(f"no training has {asked}: iqa-lab list weights shows what there is")
    if "weights.path" in filters:
        if len(trainings) != 1:
            raise UserError(f"weights.path=... is the file of one training, and {len(trainings)} were asked for")
        trainings = [(name, replace(cell, path=filters["weights.path"])) for name, cell in trainings]
    options = benchmark_options(folders)
    wanted = [name for name in filters.get("benchmark", "").split(",") if name] or ([] if others else list(options))
    unknown = [name for name in wanted if name not in options]
    if unknown:
        raise UserError(f"there is no benchmark {unknown[0]}; choose from {choices(unknown[0], options)}")
    return trainings, [options[name]() for name in wanted]


def _of_benchmark(config: BenchmarkConfig) -> Row:
    """The findings about one benchmark: whether it is here, complete and decodable."""
    row: Row = {"training": f"benchmark {config.name}", "state": NOT_HERE, "detail": ""}
    if not is_present(config):
        return row
    try:
        benchmark = examine(load_benchmark(config))
    except (UserError, *FOREIGN) as error:
        pass_on_interrupt(error)
        return {**row, "state": NOT_LOADED, "detail": " ".join(str(error).split()) or type(error).__name__}
    return {**row, "state": OK, "detail": counted(len(benchmark.pairs), "pair"), "digest": benchmark.index_digest()}


def _shown(row: Row) -> Row:
    """What the table shows of one training or benchmark."""
    layers, best = row.get("layers") or [], row.get("prediction") or []
    random = len(row.get("random") or [])
    return {
        "training": row["training"],
        "state": row["state"],
        "tensors": f"{row['tensors'] - random} of {row['tensors']}" if row.get("tensors") else None,
        "layers": len(layers) or None,
        "the cat is": f"class {best[0]['class']} ({best[0]['probability']:.2f})" if best else None,
        "detail": row["detail"] or None,
    }


def _addresses(
    trainings: Sequence[tuple[str, WeightsConfig]], benchmarks: Sequence[BenchmarkConfig]
) -> Iterator[tuple[str, str]]:
    """The address of each training and of each archive that has one."""
    for name, cell in trainings:
        url = None if is_by_hand(cell) else address_of(cell)
        if url is not None:
            yield f"{cell.goal}/{cell.dataset}/{name}", url
    for config in benchmarks:
        for archive in config.archives:
            yield f"benchmark {config.name}: {archive.url.rpartition('/')[2]}", archive.url


def _answered(what: str, url: str, answer: Answer) -> Row:
    state = OK if answer.ok else "no answer"
    return {"training": what, "state": state, "detail": answer.said, "address": url, "bytes": answer.size}


def _write(out: Path, content: Mapping[str, Any]) -> None:
    """The facts with what they were found by; no path and no name of this machine or its user is in it."""
    made_by = {
        "iqa_lab": __version__,
        **{name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"made_by": made_by, **content}, indent=1, allow_nan=False) + "\n", encoding="utf-8")
