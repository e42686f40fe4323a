"""What one run returns to its caller."""

from dataclasses import dataclass

import pandas as pd

from iqa_lab.benchmarks import Benchmark
from iqa_lab.store.files import UnitFolder


@dataclass(frozen=True)
class Outcome:
    """What one run leaves in the hands of its caller."""

    unit: UnitFolder
    table: pd.DataFrame  # correlations.csv
    benchmark: Benchmark
    computed: int  # columns that were not there before
    restated: bool = False  # the statistics were made anew, from scores that were there
