"""A column of a result -> the metric that gives its scores, with what was measured of it.

A result may be somebody else's (docs/trust.md): it is data. So nothing is imported or fetched for it but what this
package itself knows, unless the caller trusts it; and the network has to have the digest that the result names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from iqa_lab.config import Config
from iqa_lab.errors import UserError, choices, first_names
from iqa_lab.metric.made import made
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import Recipe, Sum, Term
from iqa_lab.metric.sources import check_sources, sources_of
from iqa_lab.metric.trusted import check_trust
from iqa_lab.networks import build_network
from iqa_lab.networks.layer import PIXELS
from iqa_lab.store.files import UnitFolder

# statistics of a column that go with it
_STATISTICS = (
    "n", "srcc", "srcc_low", "srcc_high", "plcc", "plcc_logistic", "krcc", "rmse", "outlier_ratio",
    "srcc_within_distortion", "agreement", "agreement_low", "agreement_high", "confidence",
)  # fmt: skip

# readouts of channels whose distance is the root of a weighed sum: these alone are known to be what their weights say
_OF_WEIGHTS = ("channel_scaled", "grating", "tuned")
_FOLD_BY_FOLD = "_heldout"


def metric_of_column(
    folder: Path, column: str | None, *, trust: bool = False, weights_path: str | None = None
) -> Metric:
    """The metric of one column of a unit.

    Args:
        folder: the unit's.
        column: its name, ``<readout>@<layer>``; None: the only one that the unit has besides the pixels.
        trust: import code and fetch addresses that it names.
        weights_path: the file of the network's weights on this machine, where it is one of the user's own.

    Raises:
        UserError: there is no such result or column, its network is not to be had here or is another, or the column
            is no function of two images alone.
    """
    unit = unit_at(folder)
    result, config = unit.result(), unit.config()
    definitions: dict[str, dict[str, Any]] = result.get("columns", {})
    name = _chosen(column, definitions, folder)
    # whatever the machine that it was made on had, here it is this one's
    own = config.weights if weights_path is None else replace(config.weights, path=weights_path, url=None)
    config = replace(config, runtime=replace(config.runtime, device="cpu"), weights=own)
    check_trust(config, [definitions[one] for one in parts_of(name, definitions)], folder, trust=trust)
    recipe, tensors = recipe_of_column(unit, name)
    network = build_network(config)
    expected = str(result["hashed"].get("weights_digest"))
    if network.digest != expected:
        raise UserError(
            f"the weights here are not those of {folder}: their digest is {network.digest[:12]}, that of the result "
            f"{expected[:12]}"
        )
    now = sources_of(config.architecture.constructor, (term.function for term in recipe.terms))
    check_sources(now, sources_then(result, parts_of(name, definitions)), folder)
    return made(config, network, recipe, tensors, _found_on(name, unit, result, config))


def sources_then(result: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The digests of code of somebody's own that a result says columns of it were made with, by the code's path."""
    code = result["hashed"].get("code")
    sources = code.get("sources") if isinstance(code, Mapping) else None
    definitions = [result["columns"][name] for name in columns]
    return {
        **(sources if isinstance(sources, Mapping) else {}),
        **{str(one["function"]): one.get("source") for one in definitions},
    }


def unit_at(folder: Path) -> UnitFolder:
    """The unit in a folder.

    Raises:
        UserError: there is none.
    """
    advice = "give the folder of one result, as results/tid2013/NETWORK/SIGNATURE"
    if folder.is_file():
        raise UserError(f"{folder} is neither a metric (a .safetensors file) nor the folder of a result")
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder; {advice}")
    if not (folder / "result.json").is_file():
        raise UserError(f"{folder} holds no result.json; {advice}")
    return UnitFolder(folder)


def _chosen(column: str | None, definitions: Mapping[str, Mapping[str, Any]], folder: Path) -> str:
    own = [name for name, facts in definitions.items() if facts["layer"] != PIXELS.name]
    name = column if column is not None else (own[0] if len(own) == 1 else "")
    if name not in definitions:
        said = f"choose from {choices(name, definitions)}" if column is not None else f"it has {first_names(own, 4)}"
        raise UserError(f"{folder}: which column? column='READOUT@LAYER'; {said}")
    return name


def parts_of(name: str, definitions: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """The columns that a column is made of; itself, where it is no concatenation."""
    return tuple(definitions[name].get("parts", (name,)))


def recipe_of_column(unit: UnitFolder, name: str) -> tuple[Recipe, dict[int, Tensor]]:
    """What a column of a unit computes, and the weights of channels by the place of their term.

    Raises:
        UserError: the column is no function of two images alone.
    """
    definitions: dict[str, dict[str, Any]] = unit.result()["columns"]
    config, weights = unit.config(), unit.weights()
    terms, tensors = [], {}
    parts = parts_of(name, definitions)
    for place, part in enumerate(parts):
        facts = definitions[part]
        readout = config.readouts.get(str(facts["readout"]))
        found = None if weights is None else weights[weights["readout"] + "@" + weights["layer"] == part]
        weighed = found is not None and len(found) > 0
        if weighed:
            _check_weighed(part, facts)
            assert found is not None
            values = found.sort_values("channel")["weight"].to_numpy(dtype=float)
            tensors[place] = torch.from_numpy(np.array(values))
        terms.append(
            Term(
                readout=str(facts["readout"]),
                layer=str(facts["layer"]),
                depth=float(facts["depth"]),
                function=str(facts["function"]),
                arguments={} if weighed else dict(facts["arguments"]),
                symmetric=True if readout is None else readout.symmetric,
                weighed=weighed,
                differentiable=facts["function"] != "jsd",
            )
        )
    facts = definitions[name]
    means = None
    if facts.get("scaled"):
        scores = unit.read_columns(list(parts))
        means = tuple(float(value) for value in scores[list(parts)].to_numpy(dtype=float).mean(0))
    one = Sum(name=name, terms=tuple(range(len(parts))), combine=facts.get("combine", "sum"), means=means)
    return Recipe(terms=tuple(terms), sums=(one,)), tensors


def _check_weighed(part: str, facts: Mapping[str, Any]) -> None:
    row = str(facts["readout"])
    if facts["function"] not in _OF_WEIGHTS:
        raise UserError(
            f"{part}: this package does not know what the readout {facts['function']} does with its weights, so it is "
            "no metric of two images alone"
        )
    if facts["function"] == "tuned" and row.endswith(_FOLD_BY_FOLD):
        other = row.removesuffix(_FOLD_BY_FOLD) + "_insample"
        raise UserError(
            f"{part} has other weights for every fold of references and is no metric for new images: take "
            f"column='{other}@{facts['layer']}'; how well such weights do on other references is what {row} says"
        )


def _found_on(name: str, unit: UnitFolder, result: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """What was measured of the column, and on what."""
    table = unit.table()
    row = table[table["readout"] + "@" + table["layer"] == name].iloc[0]
    statistics = {key: row[key] for key in _STATISTICS if key in row and pd.notna(row[key])}
    return {
        "benchmark": config.benchmark.name,
        "human": config.benchmark.human,
        "column": name,
        "signature": result.get("signature"),
        "index_digest": str(result["hashed"]["index_digest"]),
        "made": result.get("written"),
        **{key: value.item() if hasattr(value, "item") else value for key, value in statistics.items()},
    }
