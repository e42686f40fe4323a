"""What somebody else's result or file may make this machine do: build networks that this package itself knows.

A constructor is code, and its arguments may be addresses or files; so are functions of readouts. Nothing of the kind
is called unless a file of ours, below ``conf/``, says the same word for word, or the caller trusts the source.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from iqa_lab.config import Config, configuration_folder, option_files
from iqa_lab.config.options import read_option
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import BASELINE


def check_trust(
    config: Config, columns: Iterable[Mapping[str, Any]], source: object, *, trust: bool, fetches: bool = True
) -> None:
    """Nothing, if everything that is built and called belongs to this package, or the caller trusts the source.

    Args:
        config: that the network is built from.
        columns: with the ``function`` of each readout.
        source: the file or folder, for the error.
        trust: of the caller.
        fetches: whether the network's weights are looked for where the configuration says.

    Raises:
        UserError: naming the first thing that is not.
    """
    if trust:
        return
    own = _foreign(config, columns) or (_foreign_address(config) if fetches else None)
    if own is not None:
        raise UserError(f"{source} names {own}: if you trust whoever made it, say so with trust=True")


def _foreign(config: Config, columns: Iterable[Mapping[str, Any]]) -> str | None:
    """What is not this package's, in words; None if nothing is."""
    of_baseline = config.architecture.constructor if config.goal.name == BASELINE else None
    for facts in columns:
        function = str(facts.get("function", ""))
        # ours are words; a dotted name may be anything that Python can import
        if "." in function and function != of_baseline:
            return f"the code {function} for its readout, which would be run"
    architecture = config.architecture
    files = option_files("architecture", [configuration_folder()])
    if architecture.name not in files:
        return f"the code {architecture.constructor} for its network, which would be run"
    ours = read_option(files[architecture.name], "architecture")
    if (ours.get("constructor"), ours.get("arguments") or {}) != (architecture.constructor, architecture.arguments):
        return (
            f"the code {architecture.constructor}({architecture.arguments or ''}) for its network, which would be run"
        )
    if config.weights.arguments and config.weights.arguments not in [
        cell.get("arguments") for cell in _shipped(architecture.name)
    ]:
        return f"the arguments {config.weights.arguments} for its network's constructor"
    return None


def _foreign_address(config: Config) -> str | None:
    """The address of weights that no shipped training names, and that would be fetched; None: there is none."""
    weights = config.weights
    sources = [cell.get("source") for cell in _shipped(config.architecture.name)]
    address = weights.url if weights.url is not None else weights.source
    if address is None or (weights.url is None and address in sources):
        return None
    return f"the address {address} for its weights, which would be fetched"


def _shipped(architecture: str) -> list[dict[str, Any]]:
    """The shipped trainings of an architecture, as their files say."""
    files = option_files("weights", [configuration_folder()])
    named = [path for name, path in files.items() if name.rpartition("/")[2].partition(".")[0] == architecture]
    return [read_option(path, "weights") for path in named]
