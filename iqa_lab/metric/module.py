"""The metric itself: a torch module that takes two batches of images and gives their distances, with a gradient."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from iqa_lab.benchmarks.images import Resize
from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.metric.about import description
from iqa_lab.metric.inputs import Images, Range, checked_range, pairs_of, read_images
from iqa_lab.metric.recipe import Recipe, distances_of, layers_read
from iqa_lab.metric.saved import Parts, save
from iqa_lab.networks.network import Network
from iqa_lab.readouts import Distance, Response
from iqa_lab.scoring.forward import forward, numerics

Found = dict[int, Tensor]  # distances [P] by the place of their column


class Metric(nn.Module):
    """One network x layers x readouts x channel weights as a distance of images, as in the pass.

    ``iqa_lab.load_metric`` makes it. It stays in evaluation mode, whatever ``train()`` says, and its parameters ask for
    no gradient, until ``requires_grad_()`` says so.

    Args:
        network: with its weights, in evaluation mode.
        recipe: what is read and what comes out.
        weights: of channels, ``[C]``, by the place of their column.
        about: where it is from, as plain values: for ``repr``, the file and the card.
        value_range: what black and white are in floats; None: 0 and 1.
        resize: short side, or height and width, that images are brought to first, as where it was found.
        precision: ``fp32``, ``tf32`` or ``bf16``.
    """

    _place: Tensor

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        *,
        weights: Mapping[int, Tensor] | None = None,
        about: Mapping[str, Any] | None = None,
        value_range: Range | None = None,
        resize: Resize = None,
        precision: str = "fp32",
    ) -> None:
        super().__init__()
        checked_range(value_range)
        self.network, self.recipe, self.about = network, recipe, dict(about or {})
        self.value_range, self.resize, self.precision = value_range, resize, precision
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self.module = network.module.to(kind).to(memory_format=torch.channels_last)
        self.register_buffer("_place", torch.empty(0), persistent=False)  # tells the device and the type
        for place, values in (weights or {}).items():
            self.register_buffer(f"weights_{place}", values.detach().double())
        self._readings = self._distances()
        self.eval()

    def _distances(self) -> dict[str, list[tuple[int, Distance]]]:
        """What is computed at each layer: the place of a column, and its distance."""
        readings: dict[str, list[tuple[int, Distance]]] = {}
        for place, term in enumerate(self.recipe.terms):
            buffer = f"weights_{place}"
            for layer, distance in distances_of(term, self.network, lambda name=buffer: self.get_buffer(name)).items():  # type: ignore[misc]
                readings.setdefault(layer, []).append((place, distance))
        return readings

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_readings": {}}  # they hold on to this very module; a copy makes its own

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._readings = self._distances()

    @property
    def names(self) -> tuple[str, ...]:
        """What ``metric(...)`` gives, in order: ``<readout>@<layer>``."""
        return tuple(one.name for one in self.recipe.sums)

    @property
    def symmetric(self) -> bool:
        """Whether swapping reference and distorted image leaves the distances as they are."""
        return all(term.symmetric for term in self.recipe.terms)

    @property
    def device(self) -> torch.device:
        """Where it computes; images are brought there."""
        return self._place.device

    def train(self, mode: bool = True) -> "Metric":
        """Itself, in evaluation mode: dropout and batch statistics would make distances of chance."""
        del mode
        return super().train(False)

    def forward(self, reference: Images, distorted: Images, *, value_range: Range | None = None) -> Tensor:
        """The distances ``[B]`` of pairs of images; of several readouts or layers by themselves ``[B, names]``.

        Args:
            reference: uint8 in 0..255 or floats in 0..1: a tensor ``[B, 3, H, W]``, an array ``[B, H, W, 3]``, a PIL
                image, a path, or a list of images. One reference may stand for all distorted images.
            distorted: as many, each of its reference's size.
            value_range: what black and white are in floats, where they are not 0 and 1.

        Raises:
            UserError: images are not as they must be; or a gradient is asked of a readout that has none.
            UnitFailed: a distance is no finite number.
        """
        found = self.recipe.combined(self.columns(reference, distorted, value_range=value_range))
        return found[:, 0] if len(self.recipe.sums) == 1 else found

    def distorted_first(self, distorted: Images, reference: Images, **how: Any) -> Tensor:
        """The same in the order of pyiqa and piq, ``metric(distorted, reference)``: a callable for their programs."""
        found: Tensor = self(reference, distorted, **how)
        return found

    def columns(self, reference: Images, distorted: Images, *, value_range: Range | None = None) -> Tensor:
        """Every column that is read, ``[B, columns]``, with a gradient: ``recipe.terms`` says which.

        Args:
            reference: as of ``forward``.
            distorted: as of ``forward``.
            value_range: as of ``forward``.

        Raises:
            UserError, UnitFailed: as of ``forward``.
        """
        wanted = value_range or self.value_range
        first = read_images(reference, "reference", wanted, self.resize)
        second = read_images(distorted, "distorted", wanted, self.resize)
        found = [self._score(*map(self._here, pair)) for pair in pairs_of(first, second)]
        return torch.cat(found) if len(found) > 1 else found[0]

    def layers(self, reference: Images, distorted: Images, *, value_range: Range | None = None) -> pd.DataFrame:
        """Every layer by itself, as a table: a row per layer, a column per readout; in a batch the pair comes first.

        No gradient: numbers to look at. ``columns`` gives them as a tensor.

        Args:
            reference: as of ``forward``.
            distorted: as of ``forward``.
            value_range: as of ``forward``.

        Raises:
            UserError, UnitFailed: as of ``forward``.
        """
        with torch.no_grad():
            found = self.columns(reference, distorted, value_range=value_range).cpu().numpy()
        terms = self.recipe.terms
        layers = [term.layer for term in sorted(terms, key=lambda term: term.depth)]
        tables = []
        for values in found:
            named = zip(terms, values, strict=True)
            long = pd.DataFrame([(term.layer, term.readout, value) for term, value in named])
            wide = long.pivot(index=0, columns=1, values=2)
            tables.append(wide.loc[list(dict.fromkeys(layers)), list(dict.fromkeys(term.readout for term in terms))])
        whole = pd.concat(tables, keys=range(len(tables)), names=["pair", "layer"])
        whole.columns.name = "readout"
        return whole.droplevel("pair") if _is_single(reference) and _is_single(distorted) else whole

    def save(self, path: Any, *, weights: str = "inside") -> Any:
        """Write the metric to a ``.safetensors`` file, and its card (Markdown) beside it; gives the file's path.

        Args:
            path: of the file.
            weights: ``inside``: the file holds the weights of the network that its layers need, and needs nothing
                else; ``by name``: only their name and digest, and whoever loads it has or downloads them.

        Raises:
            UserError: the path does not end with ``.safetensors``, or the weights have no public name.
        """
        weighed = [place for place, term in enumerate(self.recipe.terms) if term.weighed]
        parts = Parts(
            network=self.network,
            recipe=self.recipe,
            weights={place: self.get_buffer(f"weights_{place}") for place in weighed},
            about=self.about,
            value_range=self.value_range,
            resize=self.resize,
            precision=self.precision,
        )
        return save(parts, path, weights)

    def as_torchmetrics(self, **keywords: Any) -> Any:
        """The mean over batches, as a ``torchmetrics.Metric``: ``update(preds, target)`` takes the distorted first.

        Args:
            keywords: of ``torchmetrics.Metric``.

        Raises:
            UserError: torchmetrics is not installed.
        """
        try:
            from iqa_lab.metric.torchmetrics_face import MeanDistance
        except ImportError as error:
            raise UserError("torchmetrics is not installed: pip install 'iqa-lab[torchmetrics]'") from error
        return MeanDistance(self, self.names, **keywords)

    def extra_repr(self) -> str:
        """What it is, and on what it was found."""
        return description(self.names, self.about)

    def __repr__(self) -> str:
        return f"Metric({self.extra_repr()})"

    def _here(self, images: Tensor) -> Tensor:
        kind = self._place.dtype
        if kind in (torch.float16, torch.bfloat16):
            raise UserError(
                "half precision is for the network alone: leave the metric in float32 and call it under torch.autocast"
            )
        to = kind if images.is_floating_point() or kind == torch.float64 else images.dtype
        return images.to(self.device, to)

    def _score(self, reference: Tensor, distorted: Tensor) -> Tensor:
        """Every column of pairs of one size, ``[P, columns]``."""
        found: Found = {}
        with numerics(self.precision):
            self._read(reference, distorted, found)
        # a convolution may round the same image differently at another place: as in the pass, these are exactly 0
        same = (reference == distorted).flatten(1).all(1)
        distances = torch.stack([found[place] for place in range(len(self.recipe.terms))], 1)
        distances = distances.masked_fill(same[:, None], 0)
        if not torch.compiler.is_compiling() and not distances.isfinite().all():
            bad = (~distances.isfinite()).any(0).nonzero().flatten().tolist()
            raise UnitFailed(
                f"distances are no finite numbers: {first_names(self.recipe.terms[one].name for one in bad)}"
            )
        exact = torch.float64 in (reference.dtype, distorted.dtype)
        return distances if exact else distances.float()

    @torch.compiler.disable(recursive=False)  # type: ignore[untyped-decorator]
    def _read(self, reference: Tensor, distorted: Tensor, found: Found) -> None:
        """Forward both images and read every layer while it is there."""
        number = len(reference)
        pixels = reference.shape[2] * reference.shape[3]
        asked = torch.is_grad_enabled()
        own = asked and any(values.requires_grad for values in self.module.parameters())
        wants = [asked and (own or side.requires_grad) for side in (reference, distorted)]

        def compare(layer: str, f: Tensor, g: Tensor) -> None:
            response = Response([f], [g], pixels)
            with torch.autocast(self.device.type, enabled=False):
                for place, distance in self._readings[layer]:
                    value = distance(response).double()
                    if (f.requires_grad or g.requires_grad) and not value.requires_grad:
                        raise UserError(
                            f"readout {self.recipe.terms[place].readout} has no gradient: choose another to descend, "
                            "or call the metric under torch.no_grad()"
                        )
                    found[place] = found[place] + value if place in found else value

        def together(layer: str, output: Tensor | None) -> None:
            assert output is not None
            # a copy where there is a gradient: whatever comes next in the network may change the response in place
            kept = output.clone() if output.requires_grad else output
            compare(layer, kept[:number], kept[number:])

        if wants[0] == wants[1]:
            both = torch.cat([reference, distorted])
            self._forward(both, together)
            return
        # the graph of an image that nobody descends would cost as much as the other's
        first, second = (distorted, reference) if wants[0] else (reference, distorted)
        kept: dict[str, Tensor] = {}

        def keep(layer: str, output: Tensor | None) -> None:
            assert output is not None
            kept[layer] = output.clone()

        def beside(layer: str, output: Tensor | None) -> None:
            assert output is not None
            f, g = kept.pop(layer), output.clone()
            compare(layer, *((g, f) if wants[0] else (f, g)))

        with torch.no_grad():
            self._forward(first, keep)
        self._forward(second, beside)

    def _forward(self, images: Tensor, read: Any) -> None:
        # in the order in memory that the pass has them in: products of float32 add up in that order
        images = images.contiguous(memory_format=torch.channels_last)
        forward(self.network, self.module, images, list(self._readings), read, self.precision)

    def read_layers(self) -> list[str]:
        """The layers that it reads, from early to late."""
        return layers_read(self.recipe.terms, self.network)


def _is_single(images: Images) -> bool:
    return not isinstance(images, (list, tuple)) and (not hasattr(images, "ndim") or images.ndim == 3)
