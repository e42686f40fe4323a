"""The ResNet-50 that all 25 tasks of Taskonomy were learned with: the published encoder, without its decoders.

A ResNet-50 that halves its maps at other places than the usual one: a stage's stride stands in its last block, the
first two stages have one of 2, the others of 1, and a last convolution brings 2048 channels down to 8
(https://github.com/StanfordVL/taskonomy; the names of its tensors are those of alexsax/visual-prior).
"""

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

# bottleneck blocks and stride of each stage
_STAGES = ((3, 2), (4, 2), (6, 1), (3, 1))


class TaskonomyEncoder(nn.Module):
    """Images ``[B, 3, H, W]`` -> ``[B, 8, H/16, W/16]``: what each task's decoder is given.

    Published encoders end in a group normalisation without weights where they are used as features; the networks of the
    tasks themselves have none, and neither has this one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, ceil_mode=True)  # no padding, where the usual ResNet pads by 1
        channels = 64
        for number, (blocks, stride) in enumerate(_STAGES, start=1):
            inner = 64 * 2 ** (number - 1)
            self.add_module(f"layer{number}", _stage(channels, inner, blocks, stride))
            channels = inner * Bottleneck.expansion
        self.compress1 = nn.Conv2d(channels, 8, 3, padding=1, bias=False)
        self.compress_bn = nn.BatchNorm2d(8)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """The eight channels of the representation."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for number in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        representation: Tensor = self.relu1(self.compress_bn(self.compress1(x)))
        return representation


def _stage(channels: int, inner: int, blocks: int, stride: int) -> nn.Sequential:
    """Bottleneck blocks, the first of which widens, and the last of which has the stride."""
    outer = inner * Bottleneck.expansion
    widening = nn.Sequential(nn.Conv2d(channels, outer, 1, bias=False), nn.BatchNorm2d(outer))
    first = Bottleneck(channels, inner, downsample=widening)
    between = [Bottleneck(outer, inner) for _ in range(blocks - 2)]
    # the shortcut of the last block keeps every second position; a pool of one position has no weights
    shortcut = nn.Sequential(nn.MaxPool2d(1, stride=stride)) if stride > 1 else None
    return nn.Sequential(first, *between, Bottleneck(outer, inner, stride, shortcut))


def taskonomy_encoder() -> nn.Module:
    """The encoder of one task, without weights."""
    return TaskonomyEncoder()
