"""What others published, beside a user's own numbers. The facts are in ``anchors.csv``, with their sources.

Every value is signed as ours: positive agrees with people. Where a setting is one of ours, it has our names of the cell
(goal, dataset, architecture, weights), of the layer and of the readout, and what the images were resized to; everywhere
else these are empty, and the row is only there to be shown.
"""

from importlib.resources import files

import pandas as pd

# what has to be the same for two numbers to mean the same
SETTING = ["benchmark", "goal", "dataset", "architecture", "weights", "layer", "readout"]
STATISTICS = ["srcc", "plcc", "krcc"]
# Most published values have three decimals, and other programs decode, round and break ties in their own ways.
TOLERANCE = 0.01


def load_anchors() -> pd.DataFrame:
    """The published numbers, one a row.

    Returns:
        ``benchmark``, ``pairs`` (in the whole of it), ``name`` (as its source says), the cell, ``layer``, ``readout``
        and ``resize`` (as the column ``input`` of our tables ends; these are empty where we have no such setting),
        ``statistic`` (srcc, plcc before any mapping, krcc), ``value``, ``source``, ``note``.
    """
    with files("iqa_lab.report").joinpath("anchors.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, keep_default_na=False, na_values=[""])


def beside(table: pd.DataFrame, anchors: pd.DataFrame) -> pd.DataFrame:
    """A user's numbers that somebody published, too, with the published ones; the largest difference first.

    Args:
        table: rows of ``correlations.csv``, of one or many units, perhaps with ``n_expected``.
        anchors: as ``load_anchors`` gives them.

    Returns:
        The setting, ``statistic``, ``ours``, ``published``, ``difference`` (ours less published), ``n``, ``complete``
        (all pairs of the benchmark were scored), ``differs`` (complete, and by more than ``TOLERANCE``, or ours is not
        defined), ``name``, ``source``, ``note``. No row where there is nothing to compare.
    """
    comparable = anchors.dropna(subset=[*SETTING, "resize"]).rename(columns={"value": "published"})
    present = [statistic for statistic in STATISTICS if statistic in table]
    ours = table.assign(resize=table["input"].map(resize_of))
    if "n_expected" not in ours:
        ours = ours.assign(n_expected=ours["n"])
    long = ours.melt([*SETTING, "resize", "n", "n_expected"], present, var_name="statistic", value_name="ours")
    both = long.merge(comparable, on=[*SETTING, "resize", "statistic"])
    difference = (both["ours"] - both["published"]).astype(float).round(6)  # .70 and .69 differ by .01, not by more
    complete = (both["n"] == both["pairs"]) & (both["n"] == both["n_expected"])
    both = both.assign(
        difference=difference,
        complete=complete,
        differs=complete & ~(difference.abs() <= TOLERANCE),
    )
    order = difference.abs().sort_values(ascending=False, kind="stable").index
    shown = [*SETTING, "statistic", "ours", "published", "difference", "n", "complete", "differs"]
    return both.loc[order, [*shown, "name", "source", "note"]].reset_index(drop=True)


def others(anchors: pd.DataFrame, benchmark: str, statistic: str = "srcc") -> pd.DataFrame:
    """Published numbers of a benchmark that none of our settings gives, highest first: to show, not to compare.

    Args:
        anchors: as ``load_anchors`` gives them.
        benchmark: its name.
        statistic: srcc, plcc or krcc.
    """
    chosen = anchors["architecture"].isna() & (anchors["benchmark"] == benchmark) & (anchors["statistic"] == statistic)
    found = anchors.loc[chosen, ["name", "value", "source", "note"]]
    return found.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)


def resize_of(described: str) -> str:
    """What the images were resized to, of the column ``input``.

    >>> resize_of("rgb 0..1, short side 256")
    'short side 256'
    """
    return described.rpartition(", ")[2]
