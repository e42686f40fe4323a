"""A metric -> its card: what it is, how well it agreed and with whom, how to use it, whose work it is. Markdown."""

from collections.abc import Mapping
from typing import Any

from iqa_lab import __version__
from iqa_lab.metric.about import description, found_text
from iqa_lab.metric.recipe import Recipe

_NAMES = {
    "n": "pairs", "srcc": "SRCC", "plcc": "PLCC", "plcc_logistic": "PLCC after the logistic", "krcc": "KRCC",
    "rmse": "RMSE", "outlier_ratio": "outlier ratio", "srcc_within_distortion": "mean SRCC within a distortion",
    "agreement": "agreement",
}  # fmt: skip


def card(recipe: Recipe, about: Mapping[str, Any], file: str, weights: str) -> str:
    """The card's text.

    Args:
        recipe: what is computed.
        about: the facts.
        file: its name.
        weights: what of the network's weights is in the file, in words.
    """
    names = [one.name for one in recipe.sums]
    found = about.get("found_on")
    lines = [f"# {_text(', '.join(names[:3]))}", "", _text(description(names, about)), ""]
    lines += ["## Use", "", "```python", "import iqa_lab", "", f'metric = iqa_lab.load_metric("{file}")']
    lines += ["d = metric(reference, distorted)  # 0 for equal images, larger = more different", "```", ""]
    lines += _table(
        "What it is",
        {
            "network": f"{about.get('goal')} - {about.get('dataset')} - {about.get('weights')}",
            "architecture": about.get("architecture"),
            "layers": ", ".join(dict.fromkeys(term.layer for term in recipe.terms)),
            "readouts": ", ".join(dict.fromkeys(term.readout for term in recipe.terms)),
            "weights of channels": "yes" if any(term.weighed for term in recipe.terms) else "none",
            "images": f"{about.get('input')}; given as uint8 or floats in 0..1, of any common size",
            "symmetric": "yes" if all(term.symmetric for term in recipe.terms) else "no: the reference comes first",
            "gradient": "yes" if all(term.differentiable for term in recipe.terms) else "none (jsd)",
            "weights of the network": f"{weights}; sha256 over all its tensors {str(about.get('weights_digest'))[:12]}",
        },
    )
    lines += ["## How well it agrees", ""]
    if found is None:
        lines += [
            "It was made of words and measured on no benchmark: nobody knows how well it agrees with people.",
            "",
        ]
    else:
        lines += [_text(f"Column `{found['column']}` on {found_text(found)}.")]
        if not found.get("human", True):
            lines += ["**No human judgement**: the opinions of this benchmark are made, not asked for."]
        lines += ["Correlations are signed: positive agrees with people. Intervals resample reference photographs.", ""]
        lines += _table("", {_NAMES[key]: _number(found, key) for key in _NAMES if key in found})
    rights = {"licence of the weights": about.get("licence"), "publisher": about.get("publisher")}
    lines += _table(
        "Whose work it is", {**rights, "to cite": about.get("citation"), "made by": f"iqa_lab {__version__}"}
    )
    return "\n".join(lines).rstrip() + "\n"


def _table(title: str, rows: dict[str, Any]) -> list[str]:
    head = [f"## {title}", ""] if title else []
    said = [f"| {key} | {_text('not stated' if value is None else value)} |" for key, value in rows.items()]
    return [*head, "| | |", "|---|---|", *said, ""]


def _number(found: dict[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, float):
        return str(value)
    low, high = found.get(f"{key}_low"), found.get(f"{key}_high")
    interval = (
        f" [{low:.3f}, {high:.3f}] ({100 * found.get('confidence', 0.95):g} %)"
        if low is not None and high is not None
        else ""
    )
    return f"{value:.4f}{interval}"


def _text(value: object) -> str:
    """Text as Markdown shows it: it may be somebody else's."""
    plain = " ".join(str(value).split())
    for mark in "\\`*_<>[]|":
        plain = plain.replace(mark, f"\\{mark}") if mark not in "_`" else plain
    return plain.replace("<", "&lt;")
