"""A unit's scores -> its table of statistics and its headline: everything that needs no pass."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICES, THRESHOLDS
from iqa_lab.config import Config
from iqa_lab.errors import UserError
from iqa_lab.psychophysics.experiment import read_scores
from iqa_lab.statistics.correlation.choices import agreement, average_precision
from iqa_lab.statistics.factors.units import candidate_rows
from iqa_lab.statistics.intervals.ceilings import opinion_ceilings
from iqa_lab.statistics.intervals.selection import (
    Selection,
    select_column,
    select_column_of_means,
    select_column_of_reading,
)
from iqa_lab.statistics.reading import observer_ceiling, reading_table
from iqa_lab.statistics.table import FACTORS, agreement_table, correlation_table, people_an_image, standard_errors
from iqa_lab.store.headline import headline
from iqa_lab.store.held_out import CHOSEN_BY
from iqa_lab.store.result import Definitions
from iqa_lab.store.settings import made_with


def tabulate(scores: pd.DataFrame, definitions: Definitions, config: Config, weights: str, seen: str) -> pd.DataFrame:
    """What ``correlations.csv`` holds: factors, layer and readout, statistics.

    Args:
        scores: one row per pair with the columns of distances.
        definitions: of these columns.
        config: of the unit.
        weights: the name of the network's training.
        seen: what images the network was given, for the column ``input``.

    Returns:
        The factors, layer and readout, the statistics, ``input``, the ``confidence`` of the intervals, and
        ``initialised_from``: the training whose weights this one began with, as goal/dataset; empty: none.
    """
    names = sorted(definitions, key=lambda name: (definitions[name]["readout"], definitions[name]["depth"]))
    if config.benchmark.protocol in CHOICES:
        statistics = agreement_table(scores, names, config.statistics)
    elif config.benchmark.protocol == THRESHOLDS:
        statistics = reading_table(read_scores(config.benchmark, scores, names), config.statistics)
    else:
        errors = standard_errors(scores, config.benchmark)
        statistics = correlation_table(scores, names, opinion_sign(config), config.statistics, errors)
        if config.benchmark.headline == "average_precision":
            precision = average_precision(scores[names].to_numpy(dtype=float), scores["opinion"])
            statistics = statistics.assign(average_precision=precision)
    found = list(statistics.columns)
    return statistics.assign(
        benchmark=config.benchmark.name,
        goal=config.goal.name,
        dataset=config.dataset.name,
        architecture=config.architecture.name,
        weights=weights,
        layer=[definitions[name]["layer"] for name in names],
        depth=[definitions[name]["depth"] for name in names],
        readout=[definitions[name]["readout"] for name in names],
        input=seen,
        confidence=config.statistics.confidence,
        initialised_from=config.weights.initialised_from or "",
    )[[*FACTORS, *found, "input", "confidence", "initialised_from"]]


def summarise(scores: pd.DataFrame, table: pd.DataFrame, config: Config) -> dict[str, Any]:
    """The few numbers of a unit that a person looks at first; None where one is undefined.

    First what the column gets that other references choose (``held_out_facts``), then the best column as published
    (``srcc_best``, ``agreement_best``: chosen and judged on the same opinions, hence without an interval).
    """
    facts = held_out_facts(scores, candidate_rows(table), config) | headline(table, config.benchmark.headline)
    if config.benchmark.protocol == THRESHOLDS:
        facts |= _ceilings_of_observers(scores, config)
    errors = standard_errors(scores, config.benchmark)
    if errors is not None:
        ceiling = opinion_ceilings(scores["opinion"], errors, people_an_image(config.benchmark))
        facts |= {"ceiling_group": ceiling.group, "ceiling_perfect": ceiling.perfect}
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in facts.items()}


def _ceilings_of_observers(scores: pd.DataFrame, config: Config) -> dict[str, Any]:
    """How well one observer agrees with the mean of the others: the least, the middle and the most of them."""
    found = observer_ceiling(read_scores(config.benchmark, scores, []))
    if found is None:
        return {}
    named = {"plcc": found.plcc, "srcc": found.srcc, "rms_db": found.rms_db}
    return {
        f"observer_{name}{end}": value
        for name, values in named.items()
        if values is not None
        for end, value in zip(("_low", "", "_high"), values, strict=True)
    }


def settings_of_statistics(config: Config) -> dict[str, Any]:
    """What the table and the headline of a unit are made with, besides its scores and opinions."""
    return made_with(asdict(config.statistics), asdict(config.benchmark))


def try_statistics(pairs: pd.DataFrame, config: Config) -> None:
    """Nothing, if the statistics of these pairs can be made with these settings: tried on chance, before the pass.

    Raises:
        UserError: they cannot; the message says why.
    """
    chance = np.random.default_rng(0).uniform(1, 2, (len(pairs), 2)).astype(np.float32)
    names = ["plain@a", "plain@b"]
    scores = pairs.assign(**dict(zip(names, chance.T, strict=True)))
    definitions = {name: {"layer": name[-1], "depth": 0.0, "readout": "plain"} for name in names}
    few = replace(config, statistics=replace(config.statistics, resamples=min(10, config.statistics.resamples)))
    try:
        summarise(scores, tabulate(scores, definitions, few, "", ""), few)
    except UserError:
        raise
    except Exception as error:  # whatever the settings lead to
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"the statistics of benchmark {config.benchmark.name} cannot be made with these settings "
            f"({type(error).__name__}: {reason}): look at statistics.* and at benchmark.headline, .people, .opinion_std"
        ) from error


def held_out_facts(scores: pd.DataFrame, rows: pd.DataFrame, config: Config) -> dict[str, float]:
    """What the column gets that other references choose, with an interval in which the choice is part of the chance.

    Args:
        scores: one row per pair with the columns of distances.
        rows: of the unit's table, among which is chosen. One row: nothing is chosen, the value is its own.
        config: of the unit.

    Returns:
        ``srcc_heldout``, ``srcc_heldout_low``, ``srcc_heldout_high``, and ``chosen_how_often``, the share of divisions
        in which the best of all was chosen; so of ``srcc_within_distortion`` or ``rms_db`` where that is the
        benchmark's headline, and of ``agreement`` for choices. Nothing where the headline is another one: the best is
        then the best of something else.
    """
    names = (rows["readout"] + "@" + rows["layer"]).tolist()
    statistic = "agreement" if config.benchmark.protocol in CHOICES else config.benchmark.headline
    statistics = [name for name in (statistic,) if name in CHOSEN_BY]
    if len(names) == 1 and statistic not in ("agreement", "srcc"):
        statistics.append("srcc")  # the best by whatever statistic
    facts = {}
    for name in statistics if names else []:
        chosen = _selected(scores, names, name, config)
        # of one column the very number of the table, to the last digit
        facts[f"{name}_heldout"] = chosen.heldout if len(names) > 1 else float(rows[name].iloc[0])
        facts |= {f"{name}_heldout_low": chosen.heldout_low, f"{name}_heldout_high": chosen.heldout_high}
        if len(names) > 1:
            facts["chosen_how_often"] = float(chosen.frequency[chosen.best])
    return facts


def _selected(scores: pd.DataFrame, names: list[str], statistic: str, config: Config) -> Selection:
    """What choosing one of these columns by a statistic of ``CHOSEN_BY`` gives."""
    settings = config.statistics
    if config.benchmark.protocol == THRESHOLDS:
        reading = read_scores(config.benchmark, scores, names)
        return select_column_of_reading(
            reading, statistic=statistic, seed=settings.seed, confidence=settings.confidence
        )
    if statistic == "agreement":
        left, right = scores.iloc[0::2], scores.iloc[1::2]
        values = agreement(left[names].to_numpy(dtype=float), right[names].to_numpy(dtype=float), right["opinion"])
        reference = right["reference"]
        return select_column_of_means(values, reference, seed=settings.seed, confidence=settings.confidence)
    return select_column(
        -scores[names].to_numpy(dtype=float),
        opinion_sign(config) * scores["opinion"].to_numpy(dtype=float),
        scores["reference"],
        seed=settings.seed,
        confidence=settings.confidence,
        groups=None if statistic == "srcc" else scores["distortion"],
    )


def opinion_sign(config: Config) -> int:
    """+1 where a higher opinion is better (mos), -1 where it is worse (dmos)."""
    return 1 if config.benchmark.opinion == "mos" else -1
