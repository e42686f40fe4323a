"""What a metric computes, as plain values: the columns that are read, and how they make the numbers that come out.

A recipe is what a file of a metric holds; nothing in it is code but the names of readouts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from iqa_lab.baselines.lpips import weighed_lpips
from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.networks.network import OUTPUT, PIXELS, Layer, Network
from iqa_lab.readouts import Distance, load_distance
from iqa_lab.readouts.channels import weighed_distance
from iqa_lab.readouts.gradients import root
from iqa_lab.scoring.definitions import check_name, chosen_layers, concatenate

# readouts of responses that weights of channels have a meaning for; those of channels have one by themselves
WEIGHABLE = ("plain", "lpips")


@dataclass(frozen=True, kw_only=True)
class Term:
    """One column that is read: a readout in one layer."""

    readout: str  # the row's name in tables
    layer: str
    depth: float
    function: str  # of the readout; of a baseline its constructor
    arguments: Mapping[str, Any] = field(default_factory=dict)
    symmetric: bool = True
    weighed: bool = False  # whether a tensor of channel weights goes with it
    differentiable: bool = True

    @property
    def name(self) -> str:
        """``<readout>@<layer>``."""
        return f"{self.readout}@{self.layer}"


@dataclass(frozen=True, kw_only=True)
class Sum:
    """One number that comes out: a column by itself, or several together."""

    name: str  # <readout>@<layer>, as in tables
    terms: tuple[int, ...]  # places of the columns
    combine: str = "sum"  # sum | euclidean
    means: tuple[float, ...] | None = None  # of each column over a benchmark, which it is divided by first


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All columns that are read, and all numbers that come out."""

    terms: tuple[Term, ...]
    sums: tuple[Sum, ...]

    def combined(self, distances: Tensor) -> Tensor:
        """The numbers ``[P, sums]`` that these columns ``[P, terms]`` make."""
        return torch.stack([_together(distances[:, list(one.terms)], one) for one in self.sums], 1)

    def as_values(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"terms": [asdict(term) for term in self.terms], "sums": [asdict(one) for one in self.sums]}

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "Recipe":
        """From what ``as_values`` gave.

        Raises:
            ValueError, TypeError, KeyError: it is none.
        """
        terms = tuple(Term(**term) for term in values["terms"])
        sums = tuple(
            Sum(
                name=str(one["name"]),
                terms=tuple(map(int, one["terms"])),
                combine=one["combine"],
                means=None if one["means"] is None else tuple(map(float, one["means"])),
            )
            for one in values["sums"]
        )
        good = all(one.terms and max(one.terms) < len(terms) and min(one.terms) >= 0 for one in sums)
        if not (terms and sums and good and all(one.combine in ("sum", "euclidean") for one in sums)):
            raise ValueError("no recipe of a metric")
        if any(one.means is not None and len(one.means) != len(one.terms) for one in sums):
            raise ValueError("another number of means than of columns")
        return cls(terms=terms, sums=sums)


def _together(columns: Tensor, how: Sum) -> Tensor:
    """Columns ``[P, n]`` as one distance ``[P]``: as ``scoring.columns.Concatenation`` puts them together."""
    if how.means is not None:
        means = torch.tensor(how.means, dtype=columns.dtype, device=columns.device)
        # as there, a column that never differed counts as zero
        columns = columns * torch.where(means > 0, 1 / means.masked_fill(means <= 0, 1), 0)
    if len(how.terms) == 1:
        return columns[:, 0]
    if how.combine == "sum":
        return columns.sum(1)
    return root(columns.square().sum(1))


def recipe_of_words(
    config: Config,
    network: Network,
    concat: str | None,
    cumulative: bool,
    weighed: Mapping[str, Any],
) -> Recipe:
    """The recipe of the words of a configuration, for a network.

    Args:
        config: with the readouts and layers.
        network: built.
        concat: ``raw``: the layers of a readout together; None: each by itself.
        cumulative: the first layer, the first two, ..., all.
        weighed: weights of channels by layer; empty: none.

    Raises:
        UserError: no readout, no such layer, or a readout that needs weights of channels has none.
    """
    if network.terms is not None:
        return _of_baseline(config)
    if not config.readouts:
        raise UserError("no readout is chosen: readout='lpips', or several, readout=['plain', 'lpips']")
    terms: list[Term] = []
    sums: list[Sum] = []
    for name, readout in config.readouts.items():
        check_name(name, readout)
        check_weighing(name, readout, bool(weighed))
        layers = layers_of(readout, network, name)
        unknown = [layer for layer in weighed if layer not in {one.name for one in layers}]
        lacking = [one.name for one in layers if weighed and one.name not in weighed]
        if unknown or lacking:
            wrong = f"{first_names(unknown)} is not among the layers" if unknown else f"{first_names(lacking)} has none"
            raise UserError(f"channel_weights: {wrong} of this metric ({first_names([one.name for one in layers], 6)})")
        start = len(terms)
        terms += [term_of(name, readout, layer, weighed=layer.name in weighed) for layer in layers]
        places = {terms[place].name: place for place in range(start, len(terms))}
        if concat is None or len(layers) == 1:
            sums += [Sum(name=term, terms=(place,)) for term, place in places.items()]
            continue
        together = concatenate(name, replace(readout, concat=[concat]), layers, network.layers, name)
        sums += [
            Sum(name=one.name, terms=tuple(places[part] for part in one.parts), combine=one.combine)
            for one in (together if cumulative else together[-1:])
        ]
    return Recipe(terms=tuple(terms), sums=tuple(sums))


def layers_of(readout: ReadoutConfig, network: Network, name: str) -> list[Layer]:
    """The layers that a readout is asked for; the pixels, where they are all that is.

    Raises:
        UserError: a layer does not exist.
    """
    if readout.layers in (PIXELS.name, [PIXELS.name]):
        return [PIXELS]
    return chosen_layers(readout, network.layers, name)


def term_of(row: str, readout: ReadoutConfig, layer: Layer, *, weighed: bool) -> Term:
    """One column of words."""
    return Term(
        readout=row,
        layer=layer.name,
        depth=layer.depth,
        function=readout.function,
        arguments=dict(readout.arguments) if readout.reads == "responses" else {},
        symmetric=readout.symmetric,
        weighed=weighed,
        differentiable=readout.function != "jsd",
    )


def check_weighing(name: str, readout: ReadoutConfig, given: bool) -> None:
    """Nothing, if a readout has weights of channels where it needs them, and none where they mean nothing.

    Raises:
        UserError: it is not so.
    """
    if readout.reads == "channels" and not given:
        raise UserError(
            f"readout={name} weighs channels by what it sees of a benchmark: load a column of a result, "
            f"load_metric('results/...', column='{name}@LAYER'), or give channel_weights={{LAYER: weights}}"
        )
    if given and readout.reads != "channels" and readout.function not in WEIGHABLE:
        raise UserError(
            f"readout={name}: channel_weights are for {', '.join(WEIGHABLE)} and the readouts that weigh channels"
        )


def _of_baseline(config: Config) -> Recipe:
    name = config.architecture.name
    term = Term(
        readout=name,
        layer=OUTPUT.name,
        depth=OUTPUT.depth,
        function=config.architecture.constructor,
        arguments=dict(config.architecture.arguments),
    )
    return Recipe(terms=(term,), sums=(Sum(name=term.name, terms=(0,)),))


def distances_of(term: Term, network: Network, weights: Callable[[], Tensor]) -> dict[str, Distance]:
    """The distances whose sum a column is, by the layer that each reads.

    Args:
        term: the column.
        network: that it is of.
        weights: gives the channel weights, where the column has some.

    Raises:
        UserError: the readout cannot be imported.
    """
    if term.layer == OUTPUT.name:
        if network.terms is None:
            raise UserError(f"{term.name}: only a baseline has an output, and this is a network")
        return dict(network.terms)
    if term.weighed and term.function == "lpips":
        return {term.layer: lambda response: weighed_lpips(weights())(response)}
    if term.weighed and term.function == "plain":
        # per pixel of the image, as without weights
        return {
            term.layer: lambda response: (
                weighed_distance(response, weights()) * (response.positions / response.pixels) ** 0.5
            )
        }
    if term.weighed:
        return {term.layer: lambda response: weighed_distance(response, weights())}
    readout = ReadoutConfig(function=term.function, formula="", arguments=dict(term.arguments))
    return {term.layer: load_distance(readout)}


def layers_read(terms: Sequence[Term], network: Network) -> list[str]:
    """The layers that these columns read."""
    if network.terms is not None and any(term.layer == OUTPUT.name for term in terms):
        return list(network.terms)
    return list(dict.fromkeys(term.layer for term in terms))
