"""Rows of results, or of a plan -> the same with what is published of their networks, of which claims may speak."""

import pandas as pd
import yaml

from iqa_lab.config import configuration_folder, option_files
from iqa_lab.networks.cells import cells
from iqa_lab.statistics.factors.units import ORIGIN

FACTORS = ["goal", "dataset", "architecture"]


def with_properties(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with what claims may ask of networks; empty where nobody published it.

    ``parameters``, ``layers``, ``imagenet`` and ``own_task`` (accuracies), ``goal.family`` and ``goal.supervision``; and
    ``initialised_from``, as the results say or, where they are older than this column, as it is published.
    """
    known = {
        (cell.goal, cell.dataset, cell.architecture, name): (cell.top1, cell.parameters, cell.initialised_from)
        for name, cell in cells([configuration_folder()])
    }
    keys = list(table[[*FACTORS, "weights"]].itertuples(index=False, name=None))
    imagenet, parameters = (
        pd.Series([known.get(key, (None, None, None))[place] for key in keys], index=table.index, dtype=float)
        for place in (0, 1)
    )
    published = pd.Series([known.get(key, (None, None, None))[2] for key in keys], index=table.index, dtype=object)
    said = table[ORIGIN] if ORIGIN in table else pd.Series(None, index=table.index, dtype=object)
    own = table["goal"].eq("classification") & table["dataset"].eq("imagenet1k")
    single = table["layer"].ne("pixels") & ~table["layer"].astype(str).str.startswith("concat_")
    layers = table[single].groupby("unit")["layer"].nunique()
    goals = {name: yaml.safe_load(file.read_text(encoding="utf-8"))
             for name, file in option_files("goal", [configuration_folder()]).items()}  # fmt: skip
    return table.assign(
        imagenet=imagenet, own_task=imagenet.where(own), parameters=parameters,
        layers=table["unit"].map(layers).astype(float),
        initialised_from=said.astype(object).where(said.notna(), published),
        **{f"goal.{key}": [str(goals.get(name, {}).get(key, "")) for name in table["goal"]]
           for key in ("family", "supervision")},
    )  # fmt: skip
