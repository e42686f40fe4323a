"""What the columns of a pass cost: few and all of them over the bare forward; all at once over a pass for each."""

from dataclasses import replace

import numpy as np

from bench.races import Bench, Line, last_layer, untrained

SORTING = ("wasserstein", "jsd")


def columns_of_the_pass(bench: Bench, architecture: str) -> list[Line]:
    """The pass with 1, 10, all plain, and all columns, over the bare forward."""
    network, plain = untrained(architecture)
    whole = untrained(architecture, "readout=all")[1]
    unsorted = replace(
        whole, passed=tuple(column for column in whole.passed if column.readout not in SORTING), channels=whole.channels
    )
    plans = {
        "1 column (plain, last layer)": (replace(plain, passed=plain.passed[-1:]), None),
        "10 columns": (replace(whole, passed=whole.passed[-10:], channels=()), None),
        "plain, every layer": (plain, 0.90),
        "every readout": (whole, 0.60),
        "every readout but wasserstein and jsd": (unsorted, None),
    }
    bare = bench.bare(network, last_layer(network))
    rival, *ours = bench.race(bare, *(bench.passes(network, plan) for plan, _ in plans.values()))
    lines = []
    for (what, (plan, target)), time in zip(plans.items(), ours, strict=True):
        count = (
            len(plan.definitions) if plan is whole else len(plan.passed) + sum(len(r.columns()) for r in plan.channels)
        )
        lines.append(Line(f"{what} [{count}]", architecture, time, rival, "bare forward", target))
    return lines


def one_pass_a_column(bench: Bench, architecture: str) -> list[Line]:
    """All columns of the pass at once, against a pass for each (a sample of eight, times their number)."""
    network, whole = untrained(architecture, "readout=all")
    whole = replace(whole, channels=())
    sample = [whole.passed[int(place)] for place in np.linspace(0, len(whole.passed) - 1, 8)]
    ours, *each = bench.race(
        bench.passes(network, whole), *(bench.passes(network, replace(whole, passed=(column,))) for column in sample)
    )
    number = len(whole.passed)
    return [Line(f"{number} columns at once", architecture, ours, number * sum(each) / 8, "a pass a column", 50)]
