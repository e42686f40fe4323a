"""How fast the statistics are: `python bench/resampling.py`. Seconds, and the most memory so far, on random scores.

The rival of the bootstrap ranks every resample anew with scipy, timed on a few resamples of one column and scaled.
"""

import argparse
import resource
from collections.abc import Callable
from time import perf_counter

import numpy as np
import scipy.stats
from rich.console import Console
from rich.table import Table

from iqa_lab.statistics import cluster_bootstrap, krasula, krcc, logistic4, logistic5, srcc
from iqa_lab.statistics.intervals.selection import select_column
from iqa_lab.statistics.table import KRASULA_PAIRS

RESAMPLES = 2000


def database(pairs: int, references: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that agree more or less, opinions, and the reference of each pair."""
    rng = np.random.default_rng(0)
    opinion = rng.normal(size=pairs)
    scores = opinion[:, None] + rng.uniform(0.3, 3, columns) * rng.normal(size=(pairs, columns))
    return scores, opinion, rng.permutation(np.arange(pairs) % references)


def by_scipy(pairs: int, references: int, columns: int) -> float:
    """Seconds that ranking anew would take for all resamples and columns."""
    scores, opinion, cluster = database(pairs, references, 1)
    rows = [np.flatnonzero(cluster == reference) for reference in range(references)]
    rng = np.random.default_rng(0)
    started = perf_counter()
    for _ in range(20):
        drawn = np.concatenate([rows[number] for number in rng.integers(references, size=references)])
        scipy.stats.spearmanr(scores[drawn, 0], opinion[drawn])
    return (perf_counter() - started) / 20 * RESAMPLES * columns


def main() -> None:
    """Time everything once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few pairs and columns: does it run?")
    quick = parser.parse_args().quick
    view = Table(box=None)
    for name in ("what", "pairs", "references", "columns", "s", "scipy s", "MiB"):
        view.add_column(name, justify="left" if name == "what" else "right")

    def line(
        what: str, pairs: int, references: int, columns: int, work: Callable[..., object], rival: str = ""
    ) -> None:
        if quick:
            pairs, references, columns = 60, min(references, 12), min(columns, 3)
        values = database(pairs, references, columns)
        started = perf_counter()
        work(*values)
        seconds = perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        view.add_row(what, str(pairs), str(references), str(columns), f"{seconds:.2f}", rival, str(peak))

    for pairs, references, columns in [(3000, 25, 100), (10_125, 81, 20), (23_200, 200, 5), (10_125, 10_125, 5)]:
        rival = "" if quick else f"{by_scipy(pairs, references, columns):.0f}"
        line(f"{RESAMPLES} cluster resamples", pairs, references, columns, cluster_bootstrap, rival)
    line("srcc", 3000, 25, 400, lambda scores, opinion, _: srcc(scores, opinion))
    line("krcc", 3000, 25, 400, lambda scores, opinion, _: krcc(scores, opinion))
    line("logistic4", 3000, 25, 400, lambda scores, opinion, _: logistic4(scores, opinion))
    line("logistic5", 3000, 25, 400, lambda scores, opinion, _: logistic5(scores, opinion))
    line("select_column", 3000, 25, 400, select_column)
    line(
        "krasula, all pairs",
        3000,
        25,
        2,
        lambda scores, opinion, _: krasula(scores, opinion, np.full(len(opinion), 0.2)),
    )
    line(
        f"krasula, {KRASULA_PAIRS} pairs", 3000, 25, 20,
        lambda scores, opinion, _: krasula(scores, opinion, np.full(len(opinion), 0.2), max_pairs=KRASULA_PAIRS),
    )  # fmt: skip
    Console().print(view)


if __name__ == "__main__":
    main()
