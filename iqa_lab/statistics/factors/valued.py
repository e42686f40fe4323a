"""Units with the columns among which other references choose -> their values, and how these vary with references."""

from collections.abc import Hashable, Mapping

import pandas as pd

from iqa_lab.statistics.factors.claims import NoSuchLevel
from iqa_lab.statistics.factors.questions import Question
from iqa_lab.statistics.factors.replicates import NO_FLOOR, Floor, noise_floors
from iqa_lab.statistics.factors.units import UNTRAINED, Columns, Distributions, Judged


def valued_units(
    units: pd.DataFrame, table: pd.DataFrame, distributions: Mapping[Columns, Judged] | None, side: str
) -> tuple[pd.DataFrame, Distributions]:
    """The units with their values, and how these vary, by the names of the rows.

    Raises:
        NoSuchLevel: a layer is to be chosen on other references, and there are no scores to do it.
    """
    judged: dict[Hashable, Judged] = {}
    for place, columns in enumerate(units["columns"]):
        if distributions is not None and columns in distributions:
            judged[f"{side} {place}"] = distributions[columns]
        elif len(columns) == 1:
            judged[f"{side} {place}"] = Judged(float(table.loc[columns[0], "value"]))
        else:
            raise NoSuchLevel(
                "a layer is chosen on other references, and there are no scores to do it: write 'at layer NAME', "
                "'at depth .5' or 'at last layer'"
            )
    named = units.set_axis(pd.Index(list(judged), dtype=object), axis=0)
    return named.assign(value=[one.value for one in judged.values()]), judged


def floor_of(
    question: Question,
    replicates: pd.DataFrame,
    table: pd.DataFrame,
    distributions: Mapping[Columns, Judged] | None,
) -> Floor:
    """How far apart trainings of one cell are that were read as the claim reads.

    Args:
        question: of the claim.
        replicates: as ``replicates_beside`` gives.
        table: rows with ``value``.
        distributions: how well networks do, by their columns.
    """
    try:
        units, _ = valued_units(replicates, table, distributions, "replicate")
    except NoSuchLevel:  # no scores to choose their layers by
        return NO_FLOOR
    kinds = [bool(len(side)) and bool((side["goal"] == UNTRAINED).all()) for side in (question.left, question.right)]
    return noise_floors(units).between(*kinds)
