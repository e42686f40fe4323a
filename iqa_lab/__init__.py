"""iqa_lab: why do deep networks predict human opinion of image quality?"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__version__ = "0.1.0"


def results(path: "str | os.PathLike[str]" = "results") -> "pd.DataFrame":
    """The correlations of all units of a results folder as one table; see ``iqa_lab.store.table.results``."""
    from iqa_lab.store.table import results as read  # pandas takes half a second to import

    return read(path)
