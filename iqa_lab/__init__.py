"""iqa_lab: why do deep networks predict human opinion of image quality?

The public functions, for notebooks and programs; everything else may change:

- ``load_metric``: any network x layers x readout as one differentiable metric of images;
- ``evaluate``: what ``iqa-lab run`` does, its table, scores and folder in hand;
- ``results``: the correlations of a results folder as one table;
- ``networks()``, ``benchmarks()``, ``readouts()``: what there is to choose from, as tables.

Importing it costs nothing: torch and pandas are imported by the first call that needs them.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from iqa_lab.metric.evaluated import Evaluated
    from iqa_lab.metric.load import load_metric

    # packages of these names can be called: see imports.callable_package
    networks: Callable[..., pd.DataFrame]
    benchmarks: Callable[..., pd.DataFrame]
    readouts: Callable[..., pd.DataFrame]


__version__ = "0.1.0"

__all__ = ["benchmarks", "evaluate", "load_metric", "networks", "readouts", "results"]

# the packages that can be called, and the table of the catalogue that each gives
_TABLES = {"networks": "weights", "benchmarks": "benchmarks", "readouts": "readouts"}


def __getattr__(name: str) -> Any:
    if name == "load_metric":
        return import_module("iqa_lab.metric.load").load_metric
    if name in _TABLES:
        return import_module(f"iqa_lab.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def results(path: "str | os.PathLike[str]" = "results") -> "pd.DataFrame":
    """The correlations of all units of a results folder as one table; see ``iqa_lab.store.table.results``."""
    from iqa_lab.store.table import results as read  # pandas takes half a second to import

    return read(path)


def evaluate(
    *overrides: str,
    readout: "str | Sequence[str] | None" = None,
    layers: Any = None,
    config_dir: "str | os.PathLike[str] | None" = None,
) -> "Evaluated":
    """One unit, a network on a benchmark, as ``iqa-lab run`` computes it, or has computed it before.

    Args:
        overrides: as on the command line: ``"benchmark=tid2013"``, ``"architecture=resnet50"``.
        readout: one or several.
        layers: as of ``load_metric``.
        config_dir: a configuration folder of the user's own.

    Returns:
        Its ``table`` of correlations, its ``scores`` of every pair, and its ``folder``.

    Raises:
        UserError, UnitFailed: it cannot be scored; the message says why.
    """
    from iqa_lab.metric.evaluated import Evaluated
    from iqa_lab.metric.words import composed
    from iqa_lab.sweep.work import evaluate_unit

    return Evaluated(evaluate_unit(composed(overrides, readout=readout, layers=layers, config_dir=config_dir)))


def _table(package: str, filters: Mapping[str, str]) -> "pd.DataFrame":
    """What a package's table of the catalogue holds; see ``iqa_lab.imports.callable_package``."""
    import pandas as pd

    from iqa_lab.cli.catalogue import list_options
    from iqa_lab.config import configuration_folder

    rows = list_options(_TABLES[package], dict(filters), [configuration_folder()])
    if not rows:  # nothing matches: a table with its columns all the same
        return pd.DataFrame(list_options(_TABLES[package], {}, [configuration_folder()])).iloc[:0]
    return pd.DataFrame(rows)
