"""What the compiled loops save: the same pass with them, and with the definitions in torch."""

from collections.abc import Callable, Collection
from dataclasses import replace

from bench.columns import SORTING
from bench.races import Bench, Line, untrained
from iqa_lab import loops
from iqa_lab.scoring.columns import Plan

OF_MOMENTS = ("plain", "manhattan", "cosine", "lpips", "mean", "std", "mean_std", "correlation", "dists")


def moments(bench: Bench, architecture: str) -> list[Line]:
    """What compiled loops save: readouts that need no order and no product of channels, the sorting ones, and all.

    The rival is the same pass with the definitions in torch, as everything was computed before.
    """
    network, whole = untrained(architecture, "readout=all")

    def only(readouts: Collection[str]) -> Plan:
        passed = tuple(column for column in whole.passed if column.readout in readouts)
        return replace(whole, passed=passed, channels=())

    def in_torch(run: Callable[[], object]) -> Callable[[], object]:
        def switched_off() -> None:
            loops.enabled = False
            try:
                run()
            finally:
                loops.enabled = True

        return switched_off

    plans = {"from one read": only(OF_MOMENTS), "sorting": only(SORTING), "every readout": whole}
    runs = [bench.passes(network, plan) for plan in plans.values()]
    times = bench.race(*(way for run in runs for way in (run, in_torch(run))))
    return [
        Line(f"moments: {what}", architecture, ours, rival, "definitions in torch")
        for what, ours, rival in zip(plans, times[::2], times[1::2], strict=True)
    ]
