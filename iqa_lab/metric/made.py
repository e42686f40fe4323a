"""A recipe, a network and what is known of both -> the metric."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from iqa_lab.config import Config
from iqa_lab.metric.about import facts_of
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import Recipe
from iqa_lab.metric.sources import SOURCES, sources_of
from iqa_lab.networks import Network
from iqa_lab.scoring.resize import image_size_of


def made(
    config: Config,
    network: Network,
    recipe: Recipe,
    weights: Mapping[int, Tensor],
    found_on: Mapping[str, Any] | None = None,
) -> Metric:
    """The metric of a recipe."""
    sources = sources_of(config.architecture.constructor, (term.function for term in recipe.terms))
    own = {SOURCES: sources} if sources else {}
    return Metric(
        network,
        recipe,
        weights=weights,
        about={**facts_of(config, network), **own, "found_on": None if found_on is None else dict(found_on)},
        resize=image_size_of(config),
        precision=config.precision,
    )
