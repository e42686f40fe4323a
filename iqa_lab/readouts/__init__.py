"""Two responses -> one distance. One module and one YAML a readout.

Most read responses, in the pass: a module ``iqa_lab/readouts/NAME.py`` has a function ``distance(response,
**arguments) -> Tensor``, the distances ``[P]`` of a batch's pairs, >= 0, exactly 0 for equal responses. Where these are
made of what differs at each position, a second function ``at_positions``, ``[P, N]``, lets ``iqa-lab explain`` show it.
Those that weigh channels (``reads: channels``) run after the pass, see ``channels.py``.

**Images of several sizes.** ``plain`` and ``manhattan`` are sums over positions per pixel of the image; ``cosine``
compares directions; ``lpips``, ``correlation``, ``wasserstein`` and ``jsd``, and the channels' squared differences that
``channel_scaled``, ``grating`` and ``tuned`` weigh, are means over positions; ``mean``, ``std``, ``mean_std``, ``gram``
and ``dists`` compare such means. So an image pair of twice the size with the same content is as far apart, but for what
a network makes of borders. A layer whose response does not grow with the image (a class token, a pooled vector) is
the one exception, in ``plain`` and ``manhattan``: a run on images of several sizes says so.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from torch import Tensor

from iqa_lab.config import ReadoutConfig
from iqa_lab.errors import UserError
from iqa_lab.imports import callable_package, import_module_of, import_object
from iqa_lab.readouts.response import Response
from iqa_lab.readouts.watched import Watched

__all__ = ["Distance", "Response", "function_of", "load_at_positions", "load_channel_readout", "load_distance"]

Distance = Callable[[Response], Tensor]


callable_package(__name__)


def load_distance(config: ReadoutConfig) -> Distance:
    """The function that a readout of responses means, its arguments filled in.

    Raises:
        UserError: it cannot be imported; or, when it is called, it fails or does not give one number a pair.
    """
    given_function = function_of(config)
    arguments: dict[str, Any] = dict(config.arguments)

    def function(response: Response) -> Tensor:
        return given_function(response, **arguments)

    watched = Watched(function, config.function) if "." in config.function else function

    def distance(response: Response) -> Tensor:
        distances = watched(response)
        pairs = sum(len(part) for part in response.distorted.parts)
        if not isinstance(distances, Tensor) or distances.shape != (pairs,):
            given = tuple(distances.shape) if isinstance(distances, Tensor) else type(distances).__name__
            raise UserError(f"the readout's function={config.function} gives {given} for {pairs} pairs, not ({pairs},)")
        if distances.is_complex():
            raise UserError(f"the readout's function={config.function} gives complex numbers, not distances")
        return distances

    return distance


def function_of(config: ReadoutConfig) -> Callable[..., Tensor]:
    """The function that a readout of responses names: of a response, and of the readout's arguments.

    Raises:
        UserError: it cannot be imported.
    """
    own = "." not in config.function
    path = f"iqa_lab.readouts.{config.function}.distance" if own else config.function
    function: Callable[..., Tensor] = import_object(path, "the readout's function")
    return function


def load_at_positions(config: ReadoutConfig, name: str) -> Distance:
    """The function that shows where in the image a readout's distance comes from, ``[P, N]``: its ``at_positions``.

    Raises:
        UserError: it cannot be imported, or its distance has no place in the image.
    """
    own = "." not in config.function
    path = f"iqa_lab.readouts.{config.function}" if own else config.function.rpartition(".")[0]
    function = getattr(import_module_of(path, "the readout's function"), "at_positions", None)
    if function is None:
        raise UserError(f"readout {name} cannot be shown in the image: choose readout=plain or readout=lpips")
    arguments: dict[str, Any] = dict(config.arguments)
    return lambda response: function(response, **arguments)


def load_channel_readout(config: ReadoutConfig) -> ModuleType:
    """The module of a readout of channels, with ``rows`` and ``weigh``.

    Raises:
        UserError: it cannot be imported.
    """
    own = "." not in config.function
    path = f"iqa_lab.readouts.{config.function}" if own else config.function
    module = import_module_of(path, "the readout's function")
    if not hasattr(module, "rows") or not hasattr(module, "weigh"):
        raise UserError(f"the readout's function={config.function}: a readout of channels has functions rows and weigh")
    return module
