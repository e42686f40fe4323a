"""ResNets that torchvision does not build: other widths, other inputs, the one inside detectors."""

from functools import partial
from typing import cast

import torch.nn.functional as F
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops.misc import FrozenBatchNorm2d

_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}


def resnet(
    depth: int = 50,
    width: int = 1,
    input_channels: int = 3,
    last_stride: int = 2,
    num_classes: int = 1000,
    padding: str = "symmetric",
) -> ResNet:
    """A ResNet of bottleneck blocks as VISSL varies it, without weights; plain ones are torchvision's, name for name.

    Args:
        depth: 50, 101, 152 or 200.
        width: how many times as many channels everywhere, stem and outputs included (SimCLR's 2x and 4x networks).
        input_channels: 1 for networks that see lightness only.
        last_stride: of the last stage; 1 keeps its maps as large as those before.
        num_classes: outputs of the classifier.
        padding: ``symmetric``, as torch and Caffe pad; ``same``, as TensorFlow and JAX do where the stride is 2: on
            even sizes one more pixel on the right and below, which shifts every map.

    Raises:
        ValueError: another depth or padding.
    """
    if depth not in _BLOCKS:
        raise ValueError(f"depth={depth}: choose {', '.join(map(str, _BLOCKS))}")
    if padding not in ("symmetric", "same"):
        raise ValueError(f"padding={padding}: choose symmetric or same")
    network = ResNet(Bottleneck, list(_BLOCKS[depth]), num_classes=num_classes)
    if (width, input_channels, last_stride) != (1, 3, 2):
        _vary(network, depth, width, input_channels, last_stride, num_classes)
    if padding == "same":
        _pad_as_tensorflow(network)
    return network


def _vary(network: ResNet, depth: int, width: int, input_channels: int, last_stride: int, num_classes: int) -> None:
    """Give a ResNet another width, input and last stride; its weights are drawn anew."""
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


class _PoolSame(nn.Module):
    """A pool of 3 x 3 maxima with stride 2, padded as TensorFlow's SAME."""

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, H, W]`` to half of it, rounded up."""
        return F.max_pool2d(F.pad(x, _same(x, 3, 2), value=float("-inf")), 3, 2)


def _same(x: Tensor, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """How many pixels stand left, right, above and below so that the output has ``ceil(size / stride)`` positions."""
    both = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in (x.shape[3], x.shape[2])]
    (left, right), (above, below) = ((total // 2, total - total // 2) for total in both)
    return left, right, above, below


def _pad_as_tensorflow(network: ResNet) -> None:
    """Let all that has stride 2 pad as TensorFlow's SAME; names and weights stay."""
    for path, part in list(network.named_modules()):
        if isinstance(part, nn.Conv2d) and part.stride == (2, 2) and part.kernel_size != (1, 1):
            parent, _, name = path.rpartition(".")
            same = Conv2dSame(part.in_channels, part.out_channels, part.kernel_size[0], stride=2, bias=False)
            same.weight = part.weight
            setattr(network.get_submodule(parent), name, same)
    network.maxpool = cast(nn.MaxPool2d, _PoolSame())


def resnet50_fpn() -> nn.Module:
    """The ResNet-50 with its feature pyramid that is the backbone of torchvision's first detectors, without weights.

    Their batch normalisation is frozen and divides by the standard deviation without an epsilon.
    """
    norm = cast(type[nn.Module], partial(FrozenBatchNorm2d, eps=0.0))
    backbone: nn.Module = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=norm)
    return backbone
