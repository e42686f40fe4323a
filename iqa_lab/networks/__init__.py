"""goal x dataset x architecture -> Network: build it, load and verify its weights, name its layers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from iqa_lab.imports import callable_package

if TYPE_CHECKING:
    from iqa_lab.networks.build import build_network
    from iqa_lab.networks.network import Layer, Network

__all__ = ["Layer", "Network", "build_network"]


callable_package(__name__)


def __getattr__(name: str) -> Any:
    """Torch takes seconds to import, and a sweep is planned with ``networks.cells`` alone."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module("iqa_lab.networks.build" if name == "build_network" else "iqa_lab.networks.network")
    return getattr(module, name)
