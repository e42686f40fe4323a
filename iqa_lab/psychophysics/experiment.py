"""The settings of a benchmark of stimuli -> its Experiment: trials, pictures, and how distances are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import FOREIGN, UserError
from iqa_lab.imports import import_object
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]
Picture = NDArray[np.float32]  # [H, W, 3] in 0..255

# of a trial: the stimulus or condition, by which intervals are made; the trial's own name; the group of stimuli; the
# contrast, or what else is varied; the human value; the names of the two pictures
TRIAL = ["reference", "distorted", "distortion", "level", "opinion", "reference_picture", "distorted_picture"]


@dataclass(frozen=True)
class Curve:
    """Stimuli that differ in one quantity, the axis of a figure of sensitivity."""

    label: str  # of the axis, with its unit
    at: Mapping[str, float]  # the quantity, above 0, by the name of the stimulus


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What is shown, people's values, and how distances are compared with them.

    ``trials`` has the columns ``TRIAL`` and one row per pair of pictures, in any order; ``distorted`` is different in
    every row. ``read`` takes the distances of these rows, ``[trials, columns]`` float64. A row of NaN is a trial that
    was filtered out; its stimulus is left out.
    """

    trials: pd.DataFrame
    picture: Callable[[str], Picture]
    read: Callable[[Floats], Reading]
    display: str  # in words: luminances, pixels per degree, size of the pictures
    side: int  # pixels of the pictures' shorter side, without a border
    sides: Mapping[float, int] = field(default_factory=dict)  # the same by pixels per degree
    curve: Curve | None = None  # what a figure draws of it
    correlated: str = "log sensitivities with people's"  # what ``srcc`` is of, for the axis of a figure
    explained: tuple[str, ...] = ()  # what the numbers of a table are; empty: those of log sensitivities
    said: tuple[str, ...] = ()  # what a user must know, such as stimuli that cannot be shown at this distance


Experimenter = Callable[[BenchmarkConfig], Experiment]


_ASKED: set[str] = set()  # dotted paths that the user's own configuration has named in this process


def experiment_of(config: BenchmarkConfig, *, asked: bool = False) -> Experiment:
    """The experiment of a benchmark with ``protocol: thresholds``; no picture is made.

    Args:
        config: the benchmark's settings.
        asked: whether they are the user's own. Settings of a result may be anybody's: no code that they name is called.

    Raises:
        UserError: its settings cannot be shown: contrasts beyond the display, frequencies above Nyquist, say; or they
            are of a result, and name code that is not ours.
    """
    own = "." not in config.family
    if asked:
        _ASKED.add(config.family)
    elif not own and config.family not in _ASKED:
        raise UserError(
            f"benchmark {config.name} is read by {config.family}, and code that a result names is not called: the "
            "command that made the result makes it again"
        )
    path = f"iqa_lab.psychophysics.{config.family}.experiment" if own else config.family
    make = import_object(path, "benchmark.family")
    try:
        made = make(config)
    except (UserError, OSError):
        raise
    except FOREIGN as error:
        if own:
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"benchmark {config.name}: {config.family} fails: {reason}") from error
    if not isinstance(made, Experiment):
        raise UserError(f"benchmark {config.name}: {config.family} gives {type(made).__name__}, not an Experiment")
    missing = [name for name in TRIAL if name not in made.trials]
    if missing or not made.trials["distorted"].is_unique or not len(made.trials):
        what = f"no column {missing[0]}" if missing else "two trials of one name, or none"
        raise UserError(f"benchmark {config.name}: the trials of {config.family} have {what}")
    return made


def read_scores(config: BenchmarkConfig, scores: pd.DataFrame, columns: list[str]) -> Reading:
    """What the columns of a unit's scores say beside people.

    Args:
        config: the benchmark's settings.
        scores: a row a trial, with ``distorted`` and the columns; perhaps of some of the trials.
        columns: their names.

    Raises:
        UserError: a row is of no trial.
    """
    experiment = experiment_of(config)
    place = pd.Index(experiment.trials["distorted"]).get_indexer(pd.Index(scores["distorted"].astype(str)))
    if (place < 0).any():
        stranger = scores["distorted"].iloc[int(np.flatnonzero(place < 0)[0])]
        raise UserError(f"benchmark {config.name} has no trial {stranger}: its scores are of another version of it")
    distances = np.full((len(experiment.trials), len(columns)), np.nan)
    distances[place] = scores[columns].to_numpy(dtype=float)
    return experiment.read(distances)
