"""goal x dataset x architecture -> Network: build it, load and verify its weights, name its layers."""

from iqa_lab.networks.build import build_network
from iqa_lab.networks.network import Layer, Network

__all__ = ["Layer", "Network", "build_network"]
