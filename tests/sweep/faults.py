"""Kills the workers of a sweep at random points, many times over, and finishes it: ``python -m tests.sweep.faults``.

Workers are forked from this process, which has imported everything, so that a round takes a second. Arguments: an empty
folder, the number of rounds, a seed. Leaves ``undisturbed`` and one results folder for each sweep that was disturbed,
and prints how many units were under way when they were killed.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.optimize
import scipy.stats  # noqa: F401  as in the line on iqa_lab.unit
import torch
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import RunMode

import iqa_lab.unit  # noqa: F401  what each worker would import for itself, for seconds
from iqa_lab.config import configuration_folder, register_schema
from iqa_lab.loops import loops
from iqa_lab.sweep.ledger import DONE
from iqa_lab.sweep.plan import Plan, make_plan, refreshed, save_jobs
from iqa_lab.sweep.work import work
from tests.conftest import noisy, picture, untrained

WORKERS = 2


def write_pairs(folder: Path) -> Path:
    """A table of three photographs with three distorted images each."""
    from PIL import Image

    rows = []
    for reference in range(3):
        image = picture(reference, 48, 64)
        Image.fromarray(image).save(folder / f"r{reference}.png")
        for level in (1, 2, 3):
            Image.fromarray(noisy(image, 10 * reference + level, 12.0 * level)).save(
                folder / f"r{reference}_{level}.png"
            )
            rows.append((f"r{reference}.png", f"r{reference}_{level}.png", -level))
    file = folder / "pairs.csv"
    pd.DataFrame(rows, columns=["reference", "distorted", "opinion"]).to_csv(file, index=False)
    return file


def plan_of(pairs: Path, results: Path) -> Plan:
    """Six units of a fraction of a second: a baseline and two networks, each at two sizes."""
    arguments = [
        "goal=baseline,untrained", "dataset=none", "architecture=psnr,squeezenet1_1,shufflenet_v2_x0_5",
        "preprocess.resize=null,40", "readout=plain,mean", "layers=[0]", "benchmark=table",
        f"benchmark.path={pairs}", "statistics.resamples=20", "tracker=none", f"results={results}",
        "runtime.device=cpu",
    ]  # fmt: skip
    loader = GlobalHydra.instance().config_loader()
    master = loader.load_configuration("config", arguments, RunMode.MULTIRUN)
    return make_plan(arguments, {}, loader, "config", master)


def forked(job: Callable[[], object]) -> int:
    """The id of a child process that does a job, silently."""
    child = os.fork()
    if child:
        return child
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        job()
    finally:
        os._exit(0)


def finish(plan: Plan, name: str) -> Plan:
    """The plan after an undisturbed worker did what was left."""
    file = str(save_jobs(plan, [entry for entry in plan.units if entry.state != DONE], name, 1))
    os.waitpid(forked(lambda: work(file, 0)), 0)
    return refreshed(plan)


def disturb(folder: Path, pairs: Path, rounds: int, rng: random.Random) -> int:
    """Kill workers in that many rounds, over as many sweeps as it takes; returns how many units they were at."""
    sweep, killed = 0, 0
    plan = plan_of(pairs, folder / f"disturbed{sweep}")
    for number in range(rounds):
        left = [entry for entry in plan.units if entry.state != DONE]
        if not left:
            sweep += 1
            plan = plan_of(pairs, folder / f"disturbed{sweep}")
            left = list(plan.units)
        file = str(save_jobs(plan, left, f"round{number}", 1))
        workers = [forked(partial(work, file, place)) for place in range(WORKERS)]
        time.sleep(rng.uniform(0.02, 0.8))
        for worker in workers[: rng.randint(1, WORKERS)]:
            os.kill(worker, signal.SIGKILL)
        for worker in workers:
            os.waitpid(worker, 0)
        plan = refreshed(plan)
        killed += sum(entry.state == "lost" for entry in plan.units)
    for number in range(sweep + 1):
        ended = finish(plan_of(pairs, folder / f"disturbed{number}"), "last")
        assert all(entry.state == DONE for entry in ended.units), [entry.record for entry in ended.units]
    return killed


def share(folder: Path, pairs: Path) -> Plan:
    """The plan after two sweeps over overlapping grids ran at once."""
    plan = plan_of(pairs, folder / "disturbed_by_another")
    halves = {"one": plan.units[:4], "another": plan.units[2:]}
    files = [str(save_jobs(plan, list(units), name, 1)) for name, units in halves.items()]
    for worker in [forked(partial(work, file, 0)) for file in files]:
        os.waitpid(worker, 0)
    return refreshed(plan)


def main(folder: Path, rounds: int, seed: int) -> None:
    """All rounds, and the undisturbed sweep that they are compared with."""
    torch.set_num_threads(1)
    np.random.seed(seed)
    Plugins.instance()
    register_schema()
    untrained("squeezenet1_1")  # what builds networks is imported, and what reads their responses, once for all workers
    loops("sums")
    pairs = write_pairs(folder)
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        undisturbed = finish(plan_of(pairs, folder / "undisturbed"), "only")
        assert all(entry.state == DONE for entry in undisturbed.units), [entry.record for entry in undisturbed.units]
        shared = share(folder, pairs)
        assert all(entry.state == DONE for entry in shared.units), [entry.record for entry in shared.units]
        assert {entry.record["sweep"] for entry in shared.units} == {"one", "another"}
        killed = disturb(folder, pairs, rounds, random.Random(seed))
    print(f"{rounds} rounds, {len(undisturbed.units)} units, {killed} killed under way")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
