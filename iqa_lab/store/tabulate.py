"""A unit's scores -> its table of statistics and its headline: all that can be made again without a pass."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICE
from iqa_lab.config import Config
from iqa_lab.errors import UserError
from iqa_lab.networks.network import PIXELS
from iqa_lab.statistics.correlation.choices import agreement, average_precision
from iqa_lab.statistics.intervals.ceilings import opinion_ceilings
from iqa_lab.statistics.intervals.selection import Selection, select_column, select_column_of_means
from iqa_lab.statistics.table import FACTORS, agreement_table, correlation_table, standard_errors
from iqa_lab.store.headline import IN_SAMPLE, headline
from iqa_lab.store.result import Definitions
from iqa_lab.store.settings import made_with


def tabulate(scores: pd.DataFrame, definitions: Definitions, config: Config, weights: str, seen: str) -> pd.DataFrame:
    """What ``correlations.csv`` holds: factors, layer and readout, statistics.

    Args:
        scores: one row a pair with the columns of distances.
        definitions: of these columns.
        config: of the unit.
        weights: the name of the network's training.
        seen: what images the network was given, for the column ``input``.

    Returns:
        The factors, layer and readout, the statistics, ``input``, the ``confidence`` of the intervals, and
        ``initialised_from``: the training whose weights this one began with, as goal/dataset; empty: none.
    """
    names = sorted(definitions, key=lambda name: (definitions[name]["readout"], definitions[name]["depth"]))
    if config.benchmark.protocol == CHOICE:
        statistics = agreement_table(scores, names, config.statistics)
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

    Beside the best column as published (``srcc_best``, chosen and judged on the same opinions) the one that is chosen
    on other references (``srcc_heldout``, where SRCC is the benchmark's headline); for choices ``agreement_best`` and
    ``agreement_heldout``. Pixels, and columns that were fitted to the opinions, are not chosen from.
    """
    own = table[(table["layer"] != PIXELS.name) & ~table["readout"].str.endswith(IN_SAMPLE)]
    facts = headline(table, config.benchmark.headline)
    names = (own["readout"] + "@" + own["layer"]).tolist()
    if len(names) == 1:  # nothing to choose
        statistic = "agreement" if config.benchmark.protocol == CHOICE else "srcc"
        facts |= {f"{statistic}_heldout": facts[f"{statistic}_best"]}
    elif names and config.benchmark.protocol == CHOICE:
        left, right = scores.iloc[0::2], scores.iloc[1::2]
        values = agreement(left[names].to_numpy(dtype=float), right[names].to_numpy(dtype=float), right["opinion"])
        chosen = select_column_of_means(values, right["reference"], seed=config.statistics.seed)
        facts |= _heldout("agreement", chosen)
    elif names and config.benchmark.headline == "srcc":  # else the best is the best of something else
        quality = -scores[names].to_numpy(dtype=float)
        opinion = opinion_sign(config) * scores["opinion"].to_numpy(dtype=float)
        chosen = select_column(quality, opinion, scores["reference"], seed=config.statistics.seed)
        facts |= _heldout("srcc", chosen)
    errors = standard_errors(scores, config.benchmark)
    if errors is not None:
        ceiling = opinion_ceilings(scores["opinion"], errors, config.benchmark.people)
        facts |= {"ceiling_group": ceiling.group, "ceiling_perfect": ceiling.perfect}
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in facts.items()}


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


def _heldout(statistic: str, chosen: Selection) -> dict[str, float]:
    """What columns get that other references chose, with an interval in which the choice is part of the chance."""
    return {
        f"{statistic}_heldout": chosen.heldout,
        f"{statistic}_heldout_low": chosen.heldout_low,
        f"{statistic}_heldout_high": chosen.heldout_high,
        "chosen_how_often": float(chosen.frequency[chosen.best]),
    }


def opinion_sign(config: Config) -> int:
    """+1 where a higher opinion is better (mos), -1 where it is worse (dmos)."""
    return 1 if config.benchmark.opinion == "mos" else -1
