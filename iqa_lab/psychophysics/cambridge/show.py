"""The settings of a contrast test -> the screen that it is shown on: size, samples, values of pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.psychophysics.display import Display, display_of
from iqa_lab.psychophysics.experiment import Picture

Floats = NDArray[np.float64]

SIDE = 224  # pixels
PUBLISHED = (
    60.0  # pixels per degree; one of the published frequencies is above Nyquist there, and is shown all the same
)


class Named(Protocol):
    """What has a name and a frequency."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def frequency(self) -> float:
        """In c/deg."""


Stimulus = TypeVar("Stimulus", bound=Named)


@dataclass(frozen=True)
class Screen:
    """224 x 224 pixels of a display, in a frame of the ground's mean colour where a border is asked for."""

    display: Display
    border: int

    @property
    def pixels_per_degree(self) -> float:
        """Of visual angle."""
        return self.display.pixels_per_degree

    @property
    def nyquist(self) -> float:
        """The highest frequency that its pixels carry, c/deg."""
        return self.display.nyquist

    @property
    def said(self) -> str:
        """The display in words."""
        side = SIDE + 2 * self.border
        return f"{self.display}, {side} x {side} pixels"

    def picture(self, linear: Floats, ground: Floats | None = None) -> Picture:
        """The values of pixels 0..255 of an image in cd/m2, float32 ``[H, W, 3]``, with the border around it.

        Args:
            linear: the image, linear RGB ``[224, 224, 3]``, or ``[224, 224, 1]`` where all three are the same.
            ground: what the stimulus is shown on, of the same shape: its mean colour is that of the border, which needs
                it.

        Raises:
            UserError: the display cannot show it.
        """
        if self.border:
            assert ground is not None
            mean = ground.mean(axis=(0, 1))
            wide = np.tile(mean, (SIDE + 2 * self.border, SIDE + 2 * self.border, 1))
            wide[self.border : -self.border, self.border : -self.border] = linear
            linear = wide
        shown = self.display.values(linear)
        return np.ascontiguousarray(np.broadcast_to(shown, (*shown.shape[:2], 3)))

    def shown(self, stimuli: Sequence[Stimulus], config: BenchmarkConfig) -> tuple[list[Stimulus], tuple[str, ...]]:
        """The stimuli that are shown here, and what has to be said of the others.

        At the published distance all are shown, even the one above Nyquist, because published scores include it. At
        other distances those above Nyquist are left out.

        Raises:
            UserError: none can be shown.
        """
        above = [stimulus.name for stimulus in stimuli if stimulus.frequency > self.nyquist]
        if above and self.pixels_per_degree == PUBLISHED:
            return list(stimuli), (
                f"{', '.join(above)} is above {self.nyquist:g} c/deg, the highest that {self.pixels_per_degree:g} "
                "pixels per degree carry: what is shown is another frequency. It is kept, as in the published scores; "
                "the column srcc_below_nyquist is the score without it",
            )
        kept = [stimulus for stimulus in stimuli if stimulus.frequency <= self.nyquist]
        self.refuse_few(len(kept), 2 * sorted(stimulus.frequency for stimulus in stimuli)[1], config)
        return kept, self.left_out(above, len(stimuli))

    def left_out(self, names: Sequence[str], number: int) -> tuple[str, ...]:
        """What has to be said of stimuli that are left out of so many, as above Nyquist; nothing of none."""
        return (
            (
                f"{len(names)} of {number} stimuli are above {self.nyquist:g} c/deg, the highest that "
                f"{self.pixels_per_degree:g} pixels per degree carry, and are left out: {', '.join(names)}",
            )
            if names
            else ()
        )

    def refuse_few(self, number: int, lowest: float, config: BenchmarkConfig) -> None:
        """Nothing, if two stimuli can be shown.

        Args:
            number: how many can.
            lowest: the fewest pixels per degree that show two.
            config: the benchmark's settings.

        Raises:
            UserError: fewer can.
        """
        if number < 2:
            raise UserError(
                f"benchmark.pixels_per_degree={self.pixels_per_degree:g}: the stimuli of {config.name} are above "
                f"{self.nyquist:g} c/deg, the highest that these pixels carry; {lowest:g} pixels per degree show two "
                f"of them, {PUBLISHED:g} all that were published"
            )


def screen_of(config: BenchmarkConfig) -> Screen:
    """The screen of a benchmark's settings."""
    return Screen(display_of(config), config.border or 0)
