"""A unit's table -> the few numbers of its best column, which is second to the held-out one (``held_out.py``).

The highest of many columns has no interval: it was chosen because it is high, and an interval around it would hold the
truth too seldom.
"""

from typing import Any

import pandas as pd

from iqa_lab.networks.network import PIXELS
from iqa_lab.statistics.direction import by_goodness
from iqa_lab.statistics.factors.units import IN_SAMPLE, candidate_rows


def best_first(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows of the network's own layers, the best ``by`` first; those fitted in-sample come last."""
    by = by if by in table else "agreement"  # of choices
    own = by_goodness(table[table["layer"] != PIXELS.name], by)
    fitted = own["readout"].str.endswith(IN_SAMPLE)
    return pd.concat([own[~fitted], own[fitted]])


def pixel_control(table: pd.DataFrame) -> pd.DataFrame:
    """The row of the pixels' RMSE."""
    return table[(table["layer"] == PIXELS.name) & (table["readout"] == "plain")]


def headline(table: pd.DataFrame, by: str) -> dict[str, Any]:
    """The best layer and readout by the benchmark's headline statistic (chosen in-sample), and the pixel control."""
    ranked = best_first(table, by)
    control = pixel_control(table)
    best = (ranked if len(ranked) else table).iloc[0]
    chosen = {"best_layer": best["layer"], "best_readout": best["readout"], "columns": len(candidate_rows(table))}
    if "agreement" in table:
        return {
            "agreement_best": float(best["agreement"]),
            **chosen,
            "n": int(best["n"]),
            **({"agreement_pixels": float(control["agreement"].iloc[0])} if len(control) else {}),
        }
    if "krcc" not in table:  # of stimuli
        return _of_stimuli(best, control, chosen, by)
    return {
        "srcc_best": float(best["srcc"]),
        **chosen,
        "plcc": float(best["plcc"]),
        "krcc": float(best["krcc"]),
        "srcc_within_distortion": float(best["srcc_within_distortion"]),
        "n": int(best["n"]),
        **({"srcc_pixels": float(control["srcc"].iloc[0])} if len(control) else {}),
    }


def _of_stimuli(best: pd.Series, control: pd.DataFrame, chosen: dict[str, Any], by: str) -> dict[str, Any]:
    """The headline of a benchmark of stimuli: its statistic first, then the correlations with people."""
    others = [name for name in ("srcc", "plcc", "srcc_within_group", "slope", "slopes_outside") if name in best.index]
    return {
        f"{by}_best": float(best[by]),
        **chosen,
        **{name: float(best[name]) for name in others if name != by},
        "n": int(best["n"]),
        **({f"{by}_pixels": float(control[by].iloc[0])} if len(control) else {}),
    }
