"""Metrics compared two by two: against published scores recomputed by others, and by simulation."""

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics.comparisons.paired import paired_differences
from tests.conftest import needs_shared

METRICS = ["psnr", "msssim", "fsim", "lpips", "lpips_vgg", "dists", "clip_vitb32_l2", "dinov1_l2"]


def test_the_differences_of_eight_published_metrics() -> None:
    scores = pd.read_csv(needs_shared("oracles", "tid2013_scores.csv"))
    expected = pd.read_csv(needs_shared("oracles", "tid2013_pairwise.csv"))
    quality = scores[METRICS].to_numpy() * [1, -1, -1, -1, -1, -1, -1, -1]
    table = paired_differences(quality, scores["mos"], scores["ref"], METRICS)
    both = table.merge(expected, left_on=["first", "second"], right_on=["metric_a", "metric_b"], suffixes=("", "_"))
    assert len(both) == len(table) == 28
    np.testing.assert_allclose(both["difference"], both["difference_"], atol=1e-9)
    np.testing.assert_allclose(both["srcc_between"], both["srcc_ab"], atol=1e-9)
    for name in ("williams_p", "steiger_p", "meng_p"):
        np.testing.assert_allclose(both[name], both[f"{name}_"], rtol=1e-5)
    # Student's t is wider than the percentiles of the same draws, by a tenth or so with 25 references
    width, percentiles = both["high"] - both["low"], both["cluster_boot_high"] - both["cluster_boot_low"]
    assert ((width / percentiles > 1) & (width / percentiles < 1.15)).all()
    assert (both["p_holm"] >= both["p"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("references", [8, 25])
def test_metrics_of_equal_truth_differ_in_five_per_cent_of_the_experiments(references: int) -> None:
    """Two metrics as good as each other, with an error that all images of a reference share."""
    rng = np.random.default_rng(references)
    experiments, each = 400, 6
    found = 0
    names = np.repeat(np.arange(references), each)
    for _ in range(experiments):
        opinion = rng.normal(size=len(names))
        shared = rng.normal(size=(references, 2))[names]
        quality = opinion[:, None] + shared + rng.normal(size=(len(names), 2))
        found += paired_differences(quality, opinion, names, ["a", "b"], resamples=200)["p"].iloc[0] < 0.05
    # at most three standard errors of a share of 400 above 5 %
    assert 0.01 < found / experiments < 0.05 + 3 * np.sqrt(0.05 * 0.95 / experiments)


def test_metrics_without_names_are_refused() -> None:
    with pytest.raises(ValueError, match="names"):
        paired_differences(np.zeros((4, 2)), np.arange(4), np.arange(4), ["one"])
