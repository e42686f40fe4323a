"""The name of a statistic -> whether high or low is good: whoever looks for a best column asks here.

>>> is_low_good("rms_db"), is_low_good("rms_db_heldout"), is_low_good("srcc_best")
(True, True, False)
"""

from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import LOW_IS_GOOD

Values = TypeVar("Values", float, pd.Series, NDArray[np.float64])


def is_low_good(statistic: str) -> bool:
    """Whether a lower value of a statistic, or of what is made of it (``rms_db_heldout``), is better."""
    return any(statistic == name or statistic.startswith(f"{name}_") for name in LOW_IS_GOOD)


def goodness(values: Values, statistic: str) -> Values:
    """Values of a statistic, turned so that higher is better.

    >>> goodness(2.5, "rms_db"), goodness(0.5, "srcc")
    (-2.5, 0.5)
    """
    return -values if is_low_good(statistic) else values


def by_goodness(table: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The rows of a table, the best by a statistic first; those without it last, equal ones in their order."""
    return table.sort_values(statistic, ascending=is_low_good(statistic), kind="stable")
