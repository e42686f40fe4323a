"""What is left of quality without any model of seeing: the error of the pixels, RGB 0..255."""

from torch import Tensor, nn

from iqa_lab.networks.network import PIXELS
from iqa_lab.readouts import Distance, Response
from iqa_lab.readouts.gradients import root


def mean_squared_error(response: Response) -> Tensor:
    """Mean over positions and colours of the squared difference, ``[P]``."""
    return response.channel_squared_difference.mean(1)


class RMSE(nn.Module):
    """Root mean squared error of the pixels, in grey levels."""

    reads = "rgb 0..255"

    def terms(self) -> dict[str, Distance]:
        """The pixels' error."""
        return {PIXELS.name: lambda response: root(mean_squared_error(response))}

    def forward(self, images: Tensor) -> Tensor:
        """The images."""
        return images


class PSNR(nn.Module):
    """Peak signal-to-noise ratio as a distance: decibels below a ceiling, 0 for equal images.

    ``max(0, ceiling - 10 log10(255^2 / mse))``. One grey level in one value of an image of 5 megapixels is 120 dB.
    """

    reads = "rgb 0..255"

    def __init__(self, ceiling: float = 120) -> None:
        super().__init__()
        self.ceiling = ceiling

    def terms(self) -> dict[str, Distance]:
        """The pixels' error in decibels."""
        return {PIXELS.name: self._below_ceiling}

    def forward(self, images: Tensor) -> Tensor:
        """The images."""
        return images

    def _below_ceiling(self, response: Response) -> Tensor:
        relative = mean_squared_error(response) / 255**2
        smallest = 10 ** (-self.ceiling / 10)
        return self.ceiling + 10 * relative.clamp_min(smallest).log10()
