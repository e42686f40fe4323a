"""A named place in a network: what tables, settings and results know of it, without the network itself.

By itself, for whoever reads results needs it, and torch takes seconds to import.
"""

import re
from dataclasses import dataclass, field

from iqa_lab.networks.forms import Form


@dataclass(frozen=True)
class Layer:
    """A named place in a network; the name is the path of the module whose output is read.

    Behind it may stand ``:call2`` (the second time that the module runs in a forward), ``:0`` or ``:key`` (a part of a
    tuple or dictionary), and ``:class`` (the class token of a transformer's block, without the patch tokens).
    """

    name: str
    depth: float  # position in [0, 1]: index over number of layers - 1
    spatial: bool = True  # False: one number a channel, as in a class token or a pooled vector
    form: Form | None = None  # how the output becomes a map; None: it is one (pixels, baselines)
    stride: int | None = field(default=None, compare=False)  # pixels from one position to the next; a fact
    fine: bool = field(default=False, compare=False)  # read with layers=fine, or by its name


CLASS_TOKEN = ":class"


def module_of(layer: str) -> str:
    """The path of the module whose output a layer is.

    >>> module_of("blocks.3:class"), module_of("relu:call2")
    ('blocks.3', 'relu')
    """
    return layer.partition(":")[0]


def call_of(layer: str) -> int:
    """Which of its module's calls in one forward a layer is, from 1.

    >>> call_of("relu:call2"), call_of("blocks.3:0")
    (2, 1)
    """
    return int(found.group(1)) if (found := re.match(r"[^:]*:call(\d+)", layer)) else 1


# The network's input itself, as RGB 0..255: the control that every unit carries.
PIXELS = Layer("pixels", 0.0)

# Where a baseline's score stands in tables.
OUTPUT = Layer("output", 1.0)
