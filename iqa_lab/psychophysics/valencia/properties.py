"""Properties 3 to 10: which patches each is made of, and how distances of these are read beside the formula."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment, Picture
from iqa_lab.psychophysics.valencia import human
from iqa_lab.psychophysics.valencia.colour import CHANNELS, GREY, WHITE_LUMINANCE
from iqa_lab.psychophysics.valencia.patches import SEEDS, Mask, Patch, draw, side_of, trials_of
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

Read = Callable[[pd.DataFrame, Floats], Reading]


def csf(config: BenchmarkConfig) -> Experiment:
    """Properties 3 and 4: which frequencies are seen best, in brightness and in colour."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=_CSF_CONTRAST, seed=seed)
        for channel in CHANNELS
        for f in FREQUENCIES
        for seed in SEEDS
    ]

    def read(trials: pd.DataFrame, distances: Floats) -> Reading:
        conditions, values = mean_distances(trials, distances)
        people = _by_channel(conditions, lambda rows, channel: human.sensitivity(rows["frequency"], channel))
        return read_logarithms(conditions, values, people, curve=lambda rows: rows["channel"], along=["frequency"])

    return _experiment(config, patches, read)


def masked_csf(config: BenchmarkConfig) -> Experiment:
    """Property 5: by what factor a mask makes a patch harder to see, over frequencies of the patch."""
    return _ratios(config, FREQUENCIES, MASK_FREQUENCIES, 1.0)


def mask_frequency(config: BenchmarkConfig) -> Experiment:
    """Property 9: how visible a patch remains on a mask, over frequencies of the mask."""
    return _ratios(config, MASK_FREQUENCIES, FREQUENCIES, -1.0)


def contrast_response(config: BenchmarkConfig) -> Experiment:
    """Properties 6 and 7: how the response to a patch grows with contrast."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=float(c), seed=seed)
        for channel in CHANNELS
        for f in FREQUENCIES
        for c in _contrasts(channel, 10)
        for seed in SEEDS
    ]
    return _experiment(config, patches, _read_responses(["channel", "contrast"], "frequency"))


def mask_contrast(config: BenchmarkConfig) -> Experiment:
    """Property 8: how the contrast of a mask lowers the response to a patch."""
    patches = [
        Patch(channel=channel, frequency=f, contrast=float(c), mask=mask)
        for channel in CHANNELS
        for f in FREQUENCIES
        for c in _contrasts(channel, 5)
        for at in (4.0, 8.0)
        for mask in (None, *(Mask(frequency=at, contrast=m) for m in MASKS[channel]))
    ]
    once = list({patch.name: patch for patch in patches}.values())  # without a mask it is the same for all masks
    return _experiment(config, once, _read_responses(["channel", "frequency", "contrast"], "mask_contrast"))


def mask_orientation(config: BenchmarkConfig) -> Experiment:
    """Property 10: how the orientation of a mask of the patch's own frequency lowers the response to the patch."""
    patches = [
        Patch(
            channel=channel, frequency=f, contrast=float(c), mask=Mask(frequency=f, contrast=m, orientation=angle),
        )
        for channel in CHANNELS
        for f in (2.0, 4.0, 8.0, 12.0)
        for c in _contrasts(channel, 3)
        for m in MASKS[channel]
        for angle in _ORIENTATIONS
    ]  # fmt: skip
    along = ["channel", "frequency", "contrast", "mask_contrast"]
    return _experiment(config, patches, _read_responses(along, "mask_orientation"))


def _contrasts(channel: str, number: int) -> Floats:
    return np.linspace(0.01, LARGEST[channel], number)


def _ratios(
    config: BenchmarkConfig, frequencies: Sequence[float], masks: Sequence[float], power: float
) -> Experiment:
    """Patches with and without a mask: the ratio of their distances to a power, beside the formula's elevation to it."""
    plain = [
        Patch(channel=channel, frequency=f, contrast=_MASKED_CONTRAST, seed=seed)
        for channel in CHANNELS
        for f in frequencies
        for seed in SEEDS
    ]
    masked = [
        replace(patch, mask=Mask(frequency=at, contrast=_MASK_CONTRAST)) for patch in plain for at in masks
    ]

    def read(trials: pd.DataFrame, distances: Floats) -> Reading:
        rows, values = mean_distances(trials, distances)
        without = rows["mask_contrast"] == 0
        place = {key: k for k, key in zip(np.flatnonzero(without), _patch_keys(rows[without]), strict=True)}
        there = np.flatnonzero(~without & _patch_keys(rows).isin(place))
        conditions = rows.iloc[there].reset_index(drop=True)
        plain_values = values[[place[key] for key in _patch_keys(conditions)]]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (plain_values / values[there]) ** power
        people = human.elevation(conditions["frequency"], conditions["mask_frequency"], conditions["mask_contrast"]) ** power
        curve = "mask_frequency" if power > 0 else "frequency"
        along = ["channel", "frequency" if power > 0 else "mask_frequency"]
        return read_logarithms(conditions, ratio, people, curve=lambda rows: rows[curve], along=along)

    return _experiment(config, [*plain, *masked], read)


def _patch_keys(rows: pd.DataFrame) -> pd.Series:
    """The patch of each row, without its mask."""
    return rows["channel"] + " " + rows["frequency"].astype(str)


def _read_responses(along: list[str], curve: str) -> Read:
    """Distances beside the number of steps that people see between no contrast and the patch's, masked as it is."""

    def steps(rows: pd.DataFrame, channel: str) -> Floats:
        raised = human.elevation(
            rows["frequency"], rows["mask_frequency"].where(rows["mask_contrast"] > 0, 1.0), rows["mask_contrast"],
            rows["mask_orientation"],
        )  # fmt: skip
        return human.steps_seen(rows["frequency"], rows["contrast"], channel) / raised

    def read(trials: pd.DataFrame, distances: Floats) -> Reading:
        conditions, values = mean_distances(trials, distances)
        people = _by_channel(conditions, steps)
        return read_logarithms(conditions, values, people, curve=lambda rows: rows[curve], along=along)

    return read


def _by_channel(rows: pd.DataFrame, formula: Callable[[pd.DataFrame, str], Floats]) -> Floats:
    """The formula of each row in its own channel."""
    found = np.empty(len(rows))
    for channel, places in rows.groupby("channel", sort=False).indices.items():
        found[places] = formula(rows.iloc[places], str(channel))
    return found


def _experiment(config: BenchmarkConfig, patches: Sequence[Patch], read: Read) -> Experiment:
    """The patches as the settings show them, with the human value that ``read`` has of each."""
    side, border = side_of(config), config.border or 0
    stimulus = [
        f"{patch.channel} {patch.frequency:g} c/deg" if patch.mask is None
        else f"{patch.channel} {patch.frequency:g} c/deg on {patch.mask.frequency:g} c/deg"
        for patch in patches
    ]  # fmt: skip
    trials = trials_of(patches, np.ones(len(patches)), stimulus, [patch.channel for patch in patches])
    by_name = {patch.name: patch for patch in patches}
    grounds = {patch.ground: patch for patch in patches}

    def picture(name: str) -> Picture:
        ground = name in grounds
        return draw(grounds[name] if ground else by_name[name], side, border, ground=ground)

    wide = side + 2 * border
    return Experiment(
        trials=trials,
        picture=picture,
        read=lambda distances: read(trials, distances),
        display=f"primaries of its own, white {WHITE_LUMINANCE:.4g} cd/m2, grey {GREY:g} cd/m2, {side} pixels a degree, "
        f"{wide} x {wide} pixels",
    )
