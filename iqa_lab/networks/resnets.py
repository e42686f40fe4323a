"""ResNets that torchvision does not build: other widths, other inputs, the one inside detectors."""

from functools import partial
from typing import cast

from torch import nn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops.misc import FrozenBatchNorm2d

_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}


def resnet(
    depth: int = 50, width: int = 1, input_channels: int = 3, last_stride: int = 2, num_classes: int = 1000
) -> ResNet:
    """A ResNet of bottleneck blocks as VISSL varies it, without weights; plain ones are torchvision's, name for name.

    Args:
        depth: 50, 101, 152 or 200.
        width: how many times as many channels everywhere, stem and outputs included (SimCLR's 2x and 4x networks).
        input_channels: 1 for networks that see lightness only.
        last_stride: of the last stage; 1 keeps its maps as large as those before.
        num_classes: outputs of the classifier.

    Raises:
        ValueError: another depth.
    """
    if depth not in _BLOCKS:
        raise ValueError(f"depth={depth}: choose {', '.join(map(str, _BLOCKS))}")
    network = ResNet(Bottleneck, list(_BLOCKS[depth]), num_classes=num_classes)
    if (width, input_channels, last_stride) == (1, 3, 2):
        return network
    channels = 64 * width
    network.conv1 = nn.Conv2d(input_channels, channels, 7, stride=2, padding=3, bias=False)
    network.bn1 = nn.BatchNorm2d(channels)
    network.inplanes = channels
    for stage, (blocks, stride) in enumerate(zip(_BLOCKS[depth], (1, 2, 2, last_stride), strict=True)):
        made = network._make_layer(Bottleneck, channels * 2**stage, blocks, stride)
        setattr(network, f"layer{stage + 1}", made)
    network.fc = nn.Linear(channels * 8 * Bottleneck.expansion, num_classes)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    return network


def resnet50_fpn() -> nn.Module:
    """The ResNet-50 with its feature pyramid that is the backbone of torchvision's first detectors, without weights.

    Their batch normalisation is frozen and divides by the standard deviation without an epsilon.
    """
    norm = cast(type[nn.Module], partial(FrozenBatchNorm2d, eps=0.0))
    backbone: nn.Module = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=norm)
    return backbone
