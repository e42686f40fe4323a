"""Two responses -> one distance. One module and one YAML a readout.

A module ``iqa_lab/readouts/NAME.py`` has one function ``distance(response, **arguments) -> Tensor``: the distances
``[P]`` of the batch's pairs, >= 0, exactly 0 for equal responses.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from iqa_lab.config import ReadoutConfig
from iqa_lab.imports import import_object
from iqa_lab.readouts.response import Response

__all__ = ["Response", "load_readout"]


def load_readout(config: ReadoutConfig) -> Callable[[Response], Tensor]:
    """The function that a readout's configuration means, its arguments filled in.

    Raises:
        UserError: it cannot be imported.
    """
    own = "." not in config.function
    path = f"iqa_lab.readouts.{config.function}.distance" if own else config.function
    function = import_object(path, "the readout's function")
    arguments: dict[str, Any] = dict(config.arguments)
    return lambda response: function(response, **arguments)
