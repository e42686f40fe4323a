"""LPIPS 0.1: unit-normalised responses of five or seven layers, weighed by a linear layer fitted to human judgements.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric (2018). The linear weights are
those in the ``lpips`` package, the trunks torchvision's.
"""

from torch import Tensor, nn

from iqa_lab.networks.sources import package_file
from iqa_lab.networks.weights import read_state_dict
from iqa_lab.readouts import Distance, Response
from iqa_lab.readouts.lpips import unit
from iqa_lab.readouts.pieces import sum_over_positions

# torchvision's constructor, and the ReLUs and Fire modules after which a trunk is read
_TRUNKS: dict[str, tuple[str, tuple[int, ...]]] = {
    "alex": ("alexnet", (1, 4, 7, 9, 11)),
    "vgg": ("vgg16", (3, 8, 15, 22, 29)),
    "squeeze": ("squeezenet1_1", (1, 4, 7, 9, 10, 11, 12)),
}


class LPIPS(nn.Module):
    """LPIPS with its trunk at random, until weights are loaded into it, and its linear layers as published.

    Args:
        trunk: ``alex``, ``vgg`` or ``squeeze``.
    """

    reads = "rgb -1..1"

    def __init__(self, trunk: str) -> None:
        import torchvision  # every metric needs the readout below, few need a trunk

        super().__init__()
        if trunk not in _TRUNKS:
            raise ValueError(f"trunk={trunk}: choose {', '.join(_TRUNKS)}")
        name, self.layers = _TRUNKS[trunk]
        self.features = getattr(torchvision.models, name)().get_submodule("features")
        published = read_state_dict(package_file(f"lpips/weights/v0.1/{trunk}.pth"), None, "")
        for number in range(len(self.layers)):
            self.register_buffer(f"linear{number}", published[f"lin{number}.model.1.weight"].flatten())

    def terms(self) -> dict[str, Distance]:
        """The weighed distance in each layer."""
        return {
            f"features.{layer}": weighed_lpips(self.get_buffer(f"linear{number}"))
            for number, layer in enumerate(self.layers)
        }

    def forward(self, images: Tensor) -> Tensor:
        """The trunk's last responses."""
        return self.features(images)  # type: ignore[no-any-return]


def weighed_lpips(weights: Tensor) -> Distance:
    """The readout ``lpips`` with the squared difference of each channel multiplied by a weight ``[C]``."""
    weights = weights.detach().double()

    def distance(response: Response) -> Tensor:
        squared = response.compared(unit, lambda f, g: sum_over_positions(g.sub_(f).square_()))
        return squared @ weights.to(squared.device) / response.positions

    return distance
