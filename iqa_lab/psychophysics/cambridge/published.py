"""The scores of 45 models in the nine contrast tests, as Cai et al. (CVPR 2025) published them: shown beside ours.

Most are of the angle between final embeddings (``cosine`` has its ranks), of images in 0..1 that were not normalised as
the networks' own training was, with cosines in float32 on a GPU. The angle there has steps of 1e-4: of the pixels
("No Encoder") area is .898 as published and .925 with all digits; the others differ by .011 or less. Yellow-violet is
published for the 16 frequencies below 16 c/deg only: compare its scores with ``srcc_below_16``.
"""

from functools import cache
from importlib.resources import files

import pandas as pd

NO_ENCODER = "No Encoder"
# the column, and readout, of ours that a published score is to be compared with, where it is not srcc of cosine
_COMPARED_WITH = {"contrast_matching": "log_rmse_by_frequency", "contrast_yv": "srcc_below_16, cosine"}


@cache
def published_scores() -> pd.DataFrame:
    """A row a model, a column a test, named as our benchmarks."""
    with files("iqa_lab.psychophysics.cambridge").joinpath("published.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, index_col="model")


def published_said(name: str) -> tuple[str, ...]:
    """What was published for a benchmark, in a sentence; nothing of one that is not among these."""
    table = published_scores()
    if name not in table:
        return ()
    scores = table[name]
    models = scores.drop(NO_ENCODER)
    what = _COMPARED_WITH.get(name, "srcc, cosine")
    return (
        f"Published for {len(models)} models, final embeddings but for one (Cai et al. 2025, {what}, float32): "
        f"{models.min():.3f} to {models.max():.3f}, median {models.median():.3f}; for the pixels "
        f"{scores[NO_ENCODER]:.3f}.",
    )
