"""Properties 3 to 10: which patches each is made of, and how distances of these are read beside the formula."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.psychophysics.experiment import Experiment, Picture
from iqa_lab.psychophysics.valencia import human
from iqa_lab.psychophysics.valencia.colour import CHANNELS, GREY
from iqa_lab.psychophysics.valencia.patches import SEEDS, SIDES, Mask, Patch, described, draw, side_of, trials_of
from iqa_lab.psychophysics.valencia.read import mean_distances, read_logarithms
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]

FREQUENCIES = tuple(float(f) for f in range(1, 17))
MASK_FREQUENCIES = (2.0, 4.0, 6.0, 8.0, 10.0)
# the largest contrasts of a test and of a mask that the display can show together, in every channel
LARGEST = {"achromatic": 0.2, "red_green": 0.1, "yellow_blue": 0.1}
MASKS = {"achromatic": (0.1, 0.25), "red_green": (0.04, 0.08), "yellow_blue": (0.04, 0.08)}
_CSF_CONTRAST = 0.01
_MASKED_CONTRAST = 0.025
_MASK_CONTRAST = 0.0125 / 0.3
_ORIENTATIONS = tuple(float(a) for a in np.arange(8) * 22.5)

Formula = Callable[[pd.DataFrame, str], Floats]  # the human value of patches of one channel


def csf(config: BenchmarkConfig) -> Experiment:
    """Properties 3 and 4: which frequencies are seen best, in brightness and in colour."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=_CSF_CONTRAST, seed=seed)
        for channel in CHANNELS
        for f in FREQUENCIES
        for seed in SEEDS
    ]
    return _experiment(
        config, patches, lambda rows, channel: human.sensitivity(rows["frequency"], channel),
        curve="channel", along=["frequency"], said="sensitivity of detection",
    )  # fmt: skip


def contrast_response(config: BenchmarkConfig) -> Experiment:
    """Properties 6 and 7: how the response to a patch grows with contrast."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=float(c), seed=seed)
        for channel in CHANNELS
        for f in FREQUENCIES
        for c in _contrasts(channel, 10)
        for seed in SEEDS
    ]
    return _experiment(config, patches, _steps, curve="frequency", along=["channel", "contrast"], said=_STEPS_SAID)


def mask_contrast(config: BenchmarkConfig) -> Experiment:
    """Property 8: how the contrast of a mask lowers the response to a patch."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=float(c), mask=mask)
        for channel in CHANNELS
        for f in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
        for c in _contrasts(channel, 5)
        for at in (4.0, 8.0)
        for mask in (None, *(Mask(frequency=at, contrast=m) for m in MASKS[channel]))
    ]
    once = list({patch.name: patch for patch in patches}.values())  # without a mask it is the same for all masks
    along = ["channel", "frequency", "contrast"]
    return _experiment(config, once, _steps, curve="mask_contrast", along=along, said=_STEPS_SAID)


def mask_orientation(config: BenchmarkConfig) -> Experiment:
    """Property 10: how the orientation of a mask of the patch's own frequency lowers the response to the patch."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=float(c), mask=Mask(frequency=f, contrast=m, orientation=angle))
        for channel in CHANNELS
        for f in (2.0, 4.0, 8.0, 12.0)
        for c in _contrasts(channel, 3)
        for m in MASKS[channel]
        for angle in _ORIENTATIONS
    ]
    along = ["channel", "frequency", "contrast", "mask_contrast"]
    return _experiment(config, patches, _steps, curve="mask_orientation", along=along, said=_STEPS_SAID)


def masked_csf(config: BenchmarkConfig) -> Experiment:
    """Property 5: by what factor a mask makes a patch harder to see, over frequencies of the patch."""
    return _ratios(config, FREQUENCIES, MASK_FREQUENCIES, power=1.0, curve="mask_frequency", along="frequency")


def mask_frequency(config: BenchmarkConfig) -> Experiment:
    """Property 9: how visible a patch remains on a mask, over frequencies of the mask."""
    return _ratios(config, MASK_FREQUENCIES, FREQUENCIES, power=-1.0, curve="frequency", along="mask_frequency")


def _contrasts(channel: str, number: int) -> Floats:
    return np.linspace(0.01, LARGEST[channel], number)


_STEPS_SAID = "number of steps of contrast that are just noticed"


def _steps(rows: pd.DataFrame, channel: str) -> Floats:
    """How many steps people see between no contrast and the patch's, masked as it is."""
    return human.steps_seen(rows["frequency"], rows["contrast"], channel) / _elevation(rows, channel)


def _elevation(rows: pd.DataFrame, channel: str) -> Floats:
    """By what factor the patch's mask raises its threshold, 1 without one; the same formula for all channels."""
    del channel
    masks = rows["mask_frequency"].where(rows["mask_contrast"] > 0, 1.0)
    return human.elevation(rows["frequency"], masks, rows["mask_contrast"], rows["mask_orientation"])


def _ratios(
    config: BenchmarkConfig,
    frequencies: Sequence[float],
    masks: Sequence[float],
    *,
    power: float,
    curve: str,
    along: str,
) -> Experiment:
    """Patches without and with a mask: the ratio of their distances to a power, beside the elevation to that power."""
    plain = [
        Patch(channel=channel, frequency=f, contrast=_MASKED_CONTRAST, seed=seed)
        for channel in CHANNELS
        for f in frequencies
        for seed in SEEDS
    ]
    masked = [replace(patch, mask=Mask(frequency=at, contrast=_MASK_CONTRAST)) for patch in plain for at in masks]

    def ratio(conditions: pd.DataFrame, values: Floats) -> tuple[pd.DataFrame, Floats]:
        patch = conditions["channel"] + " " + conditions["frequency"].astype(str)
        without = (conditions["mask_contrast"] == 0).to_numpy()
        place = pd.Series(np.flatnonzero(without), index=patch[without])
        there = np.flatnonzero(~without & patch.isin(place.index).to_numpy())
        if not len(there):
            raise UserError(
                f"{config.name} compares patches on masks with the same without: benchmark.references needs both"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (values[place[patch.iloc[there]].to_numpy()] / values[there]) ** power
        return conditions.iloc[there].reset_index(drop=True), found

    return _experiment(
        config, [*plain, *masked], lambda rows, channel: _elevation(rows, channel) ** power, ratio,
        curve=curve, along=["channel", along],
        said="threshold on a mask over that without" if power > 0 else "threshold without a mask over that on it",
    )  # fmt: skip


def _as_they_are(conditions: pd.DataFrame, values: Floats) -> tuple[pd.DataFrame, Floats]:
    return conditions, values


def _experiment(
    config: BenchmarkConfig,
    patches: Sequence[Patch],
    people: Formula,
    change: Callable[[pd.DataFrame, Floats], tuple[pd.DataFrame, Floats]] = _as_they_are,
    *,
    curve: str,
    along: list[str],
    said: str,
) -> Experiment:
    """The patches as the settings show them.

    Args:
        config: the benchmark's settings.
        patches: a trial each.
        people: the human value of each.
        change: makes the values that stand beside people's from the conditions' mean distances.
        curve: the column that tells curves apart, whose order is compared.
        along: the columns that say a place along them.
        said: what the human value is, in words.
    """
    side, border = side_of(config), config.border or 0
    trials = trials_of(patches)
    opinion = np.empty(len(trials))
    for channel, places in trials.groupby("channel", sort=False).indices.items():
        opinion[places] = people(trials.iloc[places], str(channel))
    trials["opinion"] = opinion
    by_name = {patch.name: patch for patch in patches}
    grounds = {patch.ground: patch for patch in patches}

    def picture(name: str) -> Picture:
        ground = name in grounds
        return draw(grounds[name] if ground else by_name[name], side, border, ground=ground)

    def read(distances: Floats) -> Reading:
        conditions, values = change(*mean_distances(trials, distances))
        return read_logarithms(conditions, values, curve=curve, along=along)

    return Experiment(
        trials=trials,
        picture=picture,
        read=read,
        display=f"grey {GREY:g} cd/m2, {described(config)}",
        side=side,
        sides=SIDES,
        correlated=f"values with a formula of people's {said}",
        explained=(
            f"SRCC, PLCC, rms_db: of log10 of the column's value with log10 of a formula of people's {said}; one "
            "factor is free; rms_db 0 is human. within: mean over the three channels of colour.",
        ),
    )
