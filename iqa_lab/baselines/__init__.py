"""Metrics that are no network of the grid: a torch module each, scored in the same pass as every network.

A baseline is a module with a method ``terms() -> {layer: distance}``: which of its layers, or the pixels, it compares
and how. Its score is the sum. Its weights, if it has any, are a cell of ``conf/weights/baseline/none``.
"""
