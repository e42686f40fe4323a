"""``iqa_lab.load_metric``: words, a column of a result, or a file -> the metric."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from iqa_lab.config import configuration_folder, option_files
from iqa_lab.errors import UserError
from iqa_lab.metric.from_result import metric_of_column
from iqa_lab.metric.inputs import Range, checked_range
from iqa_lab.metric.made import made
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import Recipe, recipe_of_words
from iqa_lab.metric.saved import load
from iqa_lab.metric.words import composed
from iqa_lab.networks import Network, build_network
from iqa_lab.scoring.settings import device_named

_FILE = ".safetensors"
_SCALED = (
    "concat=scaled divides every layer by its mean over a benchmark, which words do not know: load that column of a "
    "result, load_metric('results/...', column='lpips@concat_scaled(...)')"
)


def load_metric(
    source: "str | Path | None" = None,
    *,
    column: str | None = None,
    goal: str | None = None,
    dataset: str | None = None,
    architecture: str | None = None,
    weights: str | None = None,
    layers: Any = None,
    readout: "str | Sequence[str] | None" = None,
    tokens: str | None = None,
    concat: str | None = "raw",
    cumulative: bool = False,
    channel_weights: "Mapping[str, Any] | None" = None,
    value_range: "Range | None" = None,
    device: "str | int | torch.device | None" = None,
    overrides: Sequence[str] = (),
    config_dir: "str | Path | None" = None,
    trust: bool = False,
) -> Metric:
    """A metric, made of words, of a column of a result, or of a file.

    Args:
        source: a unit's folder below a results folder, or a ``.safetensors`` file that ``metric.save`` wrote; None:
            what the words say.
        column: of the result, as ``lpips@features.7``.
        goal: word of that group, as on the command line; so are the next ones.
        dataset: the environment.
        architecture: how the network is built.
        weights: which training, where the cell has several, as ``resnet50.v2``.
        layers: ``all``, names, indices or ``{"last": n}``; ``pixels`` is the image itself.
        readout: one or several.
        tokens: of a transformer's blocks: ``patch``, ``class`` or ``both``.
        concat: ``raw``: several layers become one distance, as in the pass; None: each stays by itself. (``scaled``
            needs the means of a benchmark: load that column of a result.)
        cumulative: the first layer, the first two, ..., instead of all together only.
        channel_weights: weights of channels, by layer.
        value_range: what black and white are in float images; None: 0 and 1.
        device: where it computes, as ``cuda``; a number is that of a GPU.
        overrides: whatever else may be said on the command line, as ``weights.path=FILE`` (this one also of a result
            whose network is a file of one's own).
        config_dir: a configuration folder of the user's own.
        trust: import code, or fetch from addresses, that a result or a file names and this package does not know.

    Raises:
        UserError: something is wrong, or contradicts something else; the message says what to do.
    """
    words = {"goal": goal, "dataset": dataset, "architecture": architecture, "weights": weights}
    rest: dict[str, Any] = {"layers": layers, "readout": readout, "tokens": tokens, "channel_weights": channel_weights}
    if source is not None:
        path = _path_of(source)
        # a file of one's own may lie elsewhere on this machine
        own = [one.partition("=")[2] for one in overrides if one.startswith("weights.path=")]
        if path.suffix == _FILE or len(own) != len(overrides):
            rest["overrides"] = overrides or None
        given = [key for key, value in {**words, **rest}.items() if value is not None]
        given += ["concat"] * (concat != "raw") + ["cumulative"] * cumulative
        if given:
            raise UserError(f"{source} already says what the metric is: leave out {', '.join(given)}")
        if path.suffix == _FILE:
            if column is not None:
                raise UserError(f"{source} is one metric: leave out column={column}")
            parts = load(path, trust=trust)
            whole = Metric(
                parts.network,
                parts.recipe,
                weights=parts.weights,
                about=parts.about,
                value_range=parts.value_range,
                resize=parts.resize,
                precision=parts.precision,
            )
            return _placed(whole, device, value_range)
        found = metric_of_column(path, column, trust=trust, weights_path=own[-1] if own else None)
        return _placed(found, device, value_range)
    if column is not None:
        raise UserError(f"column={column} is one of a result: name its folder, load_metric('results/...', column=...)")
    if architecture is None and not any(one.startswith("architecture=") for one in overrides):
        raise UserError("which network? architecture='vgg16', say; iqa_lab.networks() lists the trainings")
    if concat not in ("raw", "scaled", None):
        raise UserError(f"concat={concat}: choose 'raw' or None; 'scaled' is a column of a result")
    if concat == "scaled":
        raise UserError(_SCALED)
    if cumulative and concat is None:
        raise UserError("cumulative puts layers together, and concat=None leaves each by itself: choose one of the two")
    if channel_weights is not None and not isinstance(channel_weights, Mapping):
        raise UserError("channel_weights go by layer: channel_weights={LAYER: weights}")
    pixels = layers in ("pixels", ["pixels"])
    config = composed(
        overrides,
        words=words,
        readout=readout,
        layers=None if pixels else layers,
        tokens=tokens,
        config_dir=config_dir,
    )
    if pixels:
        for one in config.readouts.values():
            one.layers = "pixels"
    if "scaled" in config.concat:
        raise UserError(_SCALED)
    network = build_network(config)
    if network.terms is not None:
        keys = {one.partition("=")[0] for one in overrides}
        own = [key for key, value in rest.items() if value is not None or key in keys]
        if own:
            raise UserError(
                f"{config.architecture.name} is a baseline, which is a readout itself: leave out {', '.join(own)}"
            )
    recipe = recipe_of_words(config, network, concat, cumulative, channel_weights or {})
    tensors = checked_channel_weights(recipe, channel_weights or {}, network)
    return _placed(made(config, network, recipe, tensors), device, value_range)


def _path_of(source: object) -> Path:
    """The path of a file or folder.

    Raises:
        UserError: it is none, but an architecture, say.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise UserError(f"{source!r} is no path of a result or a metric's file; a network has names, architecture=...")
    path = Path(source).expanduser()
    if str(source) in option_files("architecture", [configuration_folder()]) and not path.exists():
        raise UserError(
            f"{source} is an architecture, not a path: write load_metric(architecture={str(source)!r}, ...)"
        )
    return path


def checked_channel_weights(recipe: Recipe, given: Mapping[str, Any], network: Network) -> dict[int, Tensor]:
    """Weights of channels, by the place of their column.

    Raises:
        UserError: they are not finite numbers from zero on, one per channel.
    """
    channels = {name: form.channels for name, form in network.forms.items()} | {"pixels": 3}
    found = {}
    for place, term in enumerate(recipe.terms):
        if not term.weighed:
            continue
        what = f"channel_weights of {term.layer}"
        try:
            values = torch.as_tensor(np.asarray(given[term.layer], dtype=np.float64)).flatten()
        except (TypeError, ValueError) as error:
            raise UserError(f"{what} are no numbers: give one per channel") from error
        expected = channels.get(term.layer)
        if expected is not None and len(values) != expected:
            raise UserError(f"{what}: {len(values)} numbers for {expected} channels")
        if not values.isfinite().all() or (values < 0).any():
            raise UserError(f"{what}: weights are finite numbers, none below 0, or a distance could be below 0")
        if not values.any():
            raise UserError(f"{what} are all 0, and so would every distance be")
        found[place] = values
    return found


def _placed(metric: Metric, device: "str | int | torch.device | None", value_range: "Range | None") -> Metric:
    if value_range is not None:
        metric.value_range = checked_range(value_range)
    if device is None:
        return metric
    return metric.to(device_named(f"cuda:{device}" if isinstance(device, int) else str(device)))
