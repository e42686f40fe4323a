"""Results on disk -> what is inferred from them: networks at layers that others choose, figures of factors."""

from collections.abc import Mapping, Sequence

import pandas as pd

from iqa_lab.benchmarks.benchmark import THRESHOLDS
from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.progress import track
from iqa_lab.psychophysics.experiment import read_scores
from iqa_lab.report.figures.common import FACTORS, Chart
from iqa_lab.report.figures.forest import forest
from iqa_lab.report.figures.variance_shares import variance_shares
from iqa_lab.report.finished import FinishedUnit
from iqa_lab.statistics.correlation.choices import agreement
from iqa_lab.statistics.factors.columns import PAPERS_READOUT, one_a_unit
from iqa_lab.statistics.factors.contrasts import matched_contrasts, simultaneous
from iqa_lab.statistics.factors.replicates import CORRELATIONS, noise_floors
from iqa_lab.statistics.factors.units import (
    SENSITIVITY,
    UNTRAINED,
    Columns,
    Judged,
    Scores,
    TooFewUnits,
    resample_unit,
)
from iqa_lab.statistics.factors.variance import aliases, decompose_variance


def chosen_networks(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per unit with ``columns``, the layers among which other references choose; pixels left out.

    As in claims networks are read with the papers' readout where they have it, not with the best of all that ran.
    """
    readout = rows["readout"].astype(str)
    fitted = readout.str.endswith("_insample")
    kept = rows[rows["layer"].ne("pixels") & ~fitted & rows["value"].notna()]
    own = readout[kept.index].eq(PAPERS_READOUT) & kept["goal"].ne("baseline")
    return one_a_unit(kept[own | kept["goal"].eq("baseline")] if own.any() else kept, "best layer")


def headlines_of(units: Mapping[str, FinishedUnit], table: pd.DataFrame) -> dict[str, str]:
    """The statistic that each benchmark of the table is judged by."""
    one = table.drop_duplicates("benchmark")
    asked = {
        str(name): units[str(unit)].config.benchmark for name, unit in zip(one["benchmark"], one["unit"], strict=True)
    }
    return {name: SENSITIVITY if config.protocol == THRESHOLDS else config.headline for name, config in asked.items()}


def judged_of(
    units: Mapping[str, FinishedUnit], table: pd.DataFrame, wanted: Sequence[Columns]
) -> tuple[dict[Columns, Judged], dict[str, str]]:
    """How well networks do at these columns, or at the one that other references choose; and what cannot be read.

    Args:
        units: those of the table, by their names.
        table: rows with ``unit`` and ``statistic``.
        wanted: sets of names of its rows, each of one unit.

    Returns:
        What was asked for, and for units whose scores are damaged the reason.
    """
    found: dict[Columns, Judged] = {}
    damaged: dict[str, str] = {}
    unit_of = table["unit"].to_dict()
    by_unit: dict[str, dict[Columns, None]] = {}
    for columns in wanted:
        by_unit.setdefault(str(unit_of[columns[0]]), {})[columns] = None
    for name, sets in track(list(by_unit.items()), "resampling references"):
        rows = table[table.index.isin([row for columns in sets for row in columns])]
        try:
            scores = _scores_of(units[name], rows)
        except UserError as error:
            pass_on_interrupt(error)
            damaged[name] = str(error)
            continue
        found |= resample_unit(scores, list(sets))
    return found, damaged


def _scores_of(unit: FinishedUnit, rows: pd.DataFrame) -> Scores:
    """What a unit gave its pairs in the columns of these rows."""
    columns = (rows["readout"] + "@" + rows["layer"]).tolist()
    scores = unit.scores(columns)
    statistic = str(rows["statistic"].iloc[0])
    if unit.config.benchmark.protocol == THRESHOLDS:
        reading = read_scores(unit.config.benchmark, scores, columns)
        stimuli, groups = reading.stimulus.tolist(), reading.group.tolist()
        return Scores(rows.index.tolist(), reading.values, reading.human, stimuli, "srcc", groups)
    if statistic == "agreement":
        left, right = scores.iloc[0::2], scores.iloc[1::2]
        chosen = right["opinion"].to_numpy(dtype=float)
        values = agreement(left[columns].to_numpy(dtype=float), right[columns].to_numpy(dtype=float), chosen)
        return Scores(rows.index.tolist(), values, chosen, right["reference"].tolist(), statistic)
    sign = 1 if statistic == "average_precision" else unit.opinion_sign
    quality, opinion = -scores[columns].to_numpy(dtype=float), sign * scores["opinion"].to_numpy(dtype=float)
    return Scores(
        rows.index.tolist(), quality, opinion, scores["reference"].tolist(), statistic, scores["distortion"].tolist()
    )


def factor_figures(
    chosen: pd.DataFrame,
    judged: Mapping[Columns, Judged],
    notes: list[str],
    tables: dict[str, pd.DataFrame],
    *,
    claimed: bool = False,
) -> dict[str, Chart | None]:
    """The figures of factors by their names; networks by the layer that other references choose.

    Args:
        chosen: one row per unit with ``columns``; benchmarks of one statistic are drawn.
        judged: how well they do.
        notes: what cannot be said, and what the grid cannot tell apart, is added.
        tables: the contrasts that are drawn are added.
        claimed: whether claims of the study were judged on pairs of units, which a note never seems to deny.
    """
    found: dict[str, Chart | None] = {}
    if not len(chosen) or not judged:
        return found
    statistic = "srcc" if "srcc" in set(chosen["statistic"]) else str(chosen["statistic"].iloc[0])
    units = chosen[chosen["statistic"] == statistic].assign(
        value=lambda rows: [judged[c].value for c in rows["columns"]]
    )
    of_units = {name: judged[columns] for name, columns in units["columns"].items()}
    networks = units[(units["goal"] != "baseline") & units["value"].notna()]
    trained = networks[networks["goal"] != UNTRAINED]
    floors = noise_floors(networks) if statistic in CORRELATIONS else None
    contrasts, of_untrained = [], []
    for factor in FACTORS:
        # whether a network was trained is a question of its goal; of the other factors trained ones tell, and where
        # there are no two of them that differ in it alone, untrained ones
        untrained = networks[networks["goal"] == UNTRAINED]
        refusals = []
        for rows in (networks,) if factor == "goal" else (trained, untrained):
            try:
                contrasts.append(matched_contrasts(rows, factor, of_units, value="value", floors=floors))
            except TooFewUnits as error:
                refusals.append(str(error))
                continue
            of_untrained += [factor] if rows is untrained else []
            break
        else:
            above = "; the pairs that claims above were judged on are in their own table" if claimed else ""
            notes.append(
                f"Nothing is drawn of {factor} over the whole grid: {refusals[0 if len(trained) else -1]}{above}."
            )
    confounded = aliases(trained) if len(trained) else []
    if contrasts:
        read = ", ".join(sorted(set(networks["readout"].astype(str))))
        notes.append(f"Contrasts and shares of variance: networks read with {read}, at the layer that others choose.")
        tables["contrasts"] = simultaneous(pd.concat(contrasts, ignore_index=True))
        found["contrasts"] = forest(tables["contrasts"], confounded, of_untrained)
    try:
        found["variance"] = variance_shares(decompose_variance(trained, value="value"), confounded)
    except TooFewUnits as error:
        notes.append(f"No shares of variance: {error}.")
    notes += [f"What this grid cannot tell: {sentence}." for sentence in confounded]
    return found
