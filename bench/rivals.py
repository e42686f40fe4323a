"""LPIPS through the pass, against three packages that compute it pair by pair; their numbers must agree with ours."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch

from bench.races import Bench, Line, configured
from iqa_lab.baselines.lpips import LPIPS
from iqa_lab.benchmarks.images import decode
from iqa_lab.networks import Network
from iqa_lab.networks.layer import OUTPUT
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score


def lpips_packages(bench: Bench, package: str, trunk: str) -> list[Line]:
    """LPIPS through the pass, against a package pair by pair, on one random trunk; the numbers must agree."""
    if not find_spec(package):
        print(f"{package} is not installed: not compared")
        return []
    module = LPIPS(trunk).eval().requires_grad_(False)
    metric = METRICS[package](module, trunk)
    convention = configured("goal=baseline", "dataset=none", f"architecture=lpips_{trunk}").weights.input
    network = Network(
        module=module,
        layers=(OUTPUT,),
        input=convention,
        image_size=None,
        weights=trunk,
        digest="",
        terms=module.terms(),
    )
    column = Column(layer=OUTPUT, readout=f"lpips_{trunk}", terms=module.terms())

    def look(path: str) -> torch.Tensor:
        pixels = torch.from_numpy(decode(path).pixels.copy()).permute(2, 0, 1)[None]
        return pixels.to(bench.settings.device) / 255

    @torch.inference_mode()
    def loop() -> list[float]:
        return [float(metric(look(row.reference_path), look(row.distorted_path))) for row in bench.pairs.itertuples()]

    def grouped() -> np.ndarray:
        return score(network, bench.pairs, [column], bench.settings).values[:, 0]

    # piq's ImageNet mean and standard deviation have two digits fewer than those of LPIPS
    np.testing.assert_allclose(grouped(), loop(), rtol=1e-2 if package == "piq" else 1e-5)
    ours, rival = bench.race(grouped, loop)
    return [Line("LPIPS, one column", f"lpips_{trunk}", ours, rival, f"{package}, pair by pair", 2)]


def package_lpips(module: LPIPS, trunk: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The metric of the package `lpips` for images of 0 to 1, its trunk that of ``module``."""
    theirs = import_module("lpips").LPIPS(net=trunk, pnet_rand=True, verbose=False)
    for parameter, value in zip(theirs.net.parameters(), module.features.parameters(), strict=True):
        parameter.copy_(value.detach())
    return lambda reference, distorted: theirs.to(reference.device)(reference, distorted, normalize=True)


def piq_lpips(module: LPIPS, _trunk: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """LPIPS of piq, which is its content loss, with the trunk and weights of ``module`` (it downloads its own)."""
    weights = [weight.view(1, -1, 1, 1) for name, weight in module.named_buffers() if name.startswith("linear")]
    content_loss = import_module("piq").ContentLoss
    theirs = content_loss(module.features, [str(n) for n in module.layers], weights, normalize_features=True)
    return lambda reference, distorted: theirs(distorted, reference)


@torch.no_grad()
def pyiqa_lpips(module: LPIPS, trunk: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """LPIPS of pyiqa with the trunk and linear weights of ``module``; all but SqueezeNet it would download."""
    theirs = import_module("pyiqa.archs.lpips_arch").LPIPS(net=trunk, pretrained=False, pnet_rand=True)
    for parameter, value in zip(theirs.net.parameters(), module.features.parameters(), strict=True):
        parameter.copy_(value.detach())
    linear = [weight.view(1, -1, 1, 1) for name, weight in module.named_buffers() if name.startswith("linear")]
    for layer, weight in zip(theirs.lins, linear, strict=True):
        layer.model[-1].weight.copy_(weight)
    return lambda reference, distorted: theirs.to(reference.device)(distorted, reference)


METRICS = {"lpips": package_lpips, "piq": piq_lpips, "pyiqa": pyiqa_lpips}
