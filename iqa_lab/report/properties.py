"""Rows of results, or of a plan -> the same with what is published of their networks, of which claims may speak."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from iqa_lab.config import WeightsConfig, configuration_folder, option_files
from iqa_lab.config.options import read_option
from iqa_lab.networks.cells import cells
from iqa_lab.statistics.factors.units import ORIGIN

FACTORS = ["goal", "dataset", "architecture"]

Trainings = Mapping[tuple[str | None, str | None, str | None, str], WeightsConfig]


def trainings() -> Trainings:
    """What the shipped files say of every training, by its factors and weights; half a second."""
    return {(cell.goal, cell.dataset, cell.architecture, name): cell for name, cell in cells([configuration_folder()])}


def with_properties(table: pd.DataFrame, known: Trainings) -> pd.DataFrame:
    """The rows with what claims may ask of networks; empty where nobody published it.

    ``parameters``, ``layers``, ``imagenet`` and ``own_task`` (accuracies), ``goal.family`` and ``goal.supervision``;
    ``initialised_from``, as the results say or, where they are older than this column, as the weights' files do;
    ``family``, the controlled family that a training belongs to, and ``replicate``: False where the recipes of that
    family differ by intention, so that they tell nothing of chance.

    Args:
        table: rows with the factors, ``weights``, ``layer`` and ``unit``.
        known: of trainings, as ``trainings`` reads it.
    """
    unknown = WeightsConfig()
    networks = [known.get(key, unknown) for key in table[[*FACTORS, "weights"]].itertuples(index=False, name=None)]

    def published(attribute: str, kind: type = object) -> pd.Series:
        return pd.Series([getattr(cell, attribute) for cell in networks], index=table.index, dtype=kind)

    imagenet = published("top1", float)
    said = table[ORIGIN] if ORIGIN in table else pd.Series(None, index=table.index, dtype=object)
    own = table["goal"].eq("classification") & table["dataset"].eq("imagenet1k")
    single = table["layer"].ne("pixels") & ~table["layer"].astype(str).str.startswith("concat_")
    layers = table[single].groupby("unit")["layer"].nunique()
    goals = _options("goal")
    strengths = {name for name, family in _options("family").items() if family.get("recipes") == "strengths"}
    return table.assign(
        imagenet=imagenet, own_task=imagenet.where(own), parameters=published("parameters", float),
        layers=table["unit"].map(layers).astype(float),
        initialised_from=said.astype(object).where(said.notna() & said.ne(""), published(ORIGIN)),
        family=published("family"),
        replicate=[cell.family not in strengths for cell in networks],
        **{f"goal.{key}": [str(goals.get(name, {}).get(key, "")) for name in table["goal"]]
           for key in ("family", "supervision")},
    )  # fmt: skip


def _options(group: str) -> dict[str, dict[str, Any]]:
    """What the shipped files of a group say, by their names."""
    return {name: read_option(path, group) for name, path in option_files(group, [configuration_folder()]).items()}
