"""Where a metric is from: the facts that its ``repr``, its file and its card tell."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from iqa_lab.config import Config
from iqa_lab.errors import first_names
from iqa_lab.networks.network import Network
from iqa_lab.store.identity import images_seen


def facts_of(config: Config, network: Network) -> dict[str, Any]:
    """What is known of a network and how it is fed, as plain values; no path of this machine."""
    return {
        "goal": config.goal.name,
        "dataset": config.dataset.name,
        "architecture": config.architecture.name,
        "weights": network.weights,
        "weights_digest": network.digest,
        "publisher": config.weights.publisher,
        "licence": config.weights.licence,
        "citation": config.weights.citation,
        "input": images_seen(config, network),
        "resize": config.preprocess.resize,
        "precision": config.precision,
        "build": build_of(config),
    }


def build_of(config: Config) -> dict[str, Any]:
    """What the network is built from again, as plain values; where its file lay is left out."""
    weights = asdict(config.weights) | {"path": None, "url": None}
    return {
        "goal": asdict(config.goal),
        "dataset": asdict(config.dataset),
        "architecture": asdict(config.architecture),
        "weights": weights,
    }


def found_text(found: Mapping[str, Any]) -> str:
    """On what a column was found and how well it agreed, in a few words.

    >>> found_text({"benchmark": "tid2013", "n": 3000, "srcc": 0.7, "srcc_low": 0.65, "srcc_high": 0.74})
    'tid2013, 3000 pairs: srcc .700 [.650, .740]'
    """
    name = "srcc" if found.get("srcc") is not None else "agreement"
    value, low, high = (found.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    said = f"{found.get('benchmark')}, {found.get('n')} pairs"
    if value is None:
        return said
    interval = f" [{_digits(low)}, {_digits(high)}]" if low is not None and high is not None else ", no interval"
    return f"{said}: {name} {_digits(value)}{interval}"


def description(names: Sequence[str], about: Mapping[str, Any]) -> str:
    """What a metric is, on what it was found and how well it agreed, in one line.

    Args:
        names: of the numbers that it gives.
        about: the facts.
    """
    network = " - ".join(str(about.get(key)) for key in ("goal", "dataset", "architecture", "weights"))
    found = about.get("found_on")
    said = f"found on {found_text(found)}" if found else "measured on no benchmark"
    return f"{first_names(names)} of {network}; {said}; {about.get('input', '')}"


def _digits(value: float) -> str:
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
