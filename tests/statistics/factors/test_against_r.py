"""Inference over networks against R: the numbers that lme4, lmerTest, pbkrtest, emmeans and car give for made grids.

The grids are networks of several goals and architectures on several benchmarks (``z``: Fisher's z), made once. In R::

    w <- merge(classification, jigsaw, by = c("architecture", "benchmark"))       # means over replicates
    t.test(aggregate(d ~ architecture, transform(w, d = z.x - z.y), mean)$d)      # paired_t
    f <- lmer(z ~ goal + (1 | architecture) + (1 | network) + (1 | benchmark), d, REML = TRUE)
    pairs(emmeans(f, "goal", lmer.df = "satterthwaite"), adjust = "none")         # or "kenward-roger"
    VarCorr(f)
    l <- lm(z ~ goal + architecture + benchmark, d); s <- Anova(l, type = 2)      # type2_ss
    ms <- s["Residuals", "Sum Sq"] / s["Residuals", "Df"]; tot <- sum((d$z - mean(d$z))^2)
    (s[x, "Sum Sq"] - s[x, "Df"] * ms) / (tot + ms)                               # omega_squared
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics.factors.contrasts import matched_pairs
from iqa_lab.statistics.factors.effects import Side, compared
from iqa_lab.statistics.factors.hierarchical import Fitted, differences, fit_hierarchical
from iqa_lab.statistics.factors.units import TooFewUnits
from iqa_lab.statistics.factors.variance import decompose_variance
from tests.conftest import needs_shared

DESIGNS = ["crossed", "few", "three", "unbalanced"]


@cache
def expected(design: str) -> pd.DataFrame:
    table = pd.read_csv(needs_shared("oracles", "inference", "expected.csv"))
    return table[table["design"] == design].set_index("what")


@cache
def grid(design: str) -> pd.DataFrame:
    data = pd.read_csv(needs_shared("oracles", "inference", f"{design}.csv"))
    return data.assign(
        network=data["architecture"] + data["goal"] + data["replicate"].astype(str),
        weights=data["replicate"].astype(str), dataset="imagenet1k", srcc=np.tanh(data["z"]),
    )  # fmt: skip


@cache
def fitted(design: str) -> Fitted:
    several = grid(design)["benchmark"].nunique() > 1
    random = ["architecture", "network", "benchmark"] if several else ["architecture"]
    return fit_hierarchical(grid(design), "z", "goal", random)


@pytest.mark.parametrize("design", DESIGNS)
def test_variances_of_the_hierarchical_model(design: str) -> None:
    assert fitted(design).converged
    for name, value in fitted(design).variances.items():
        of_r = expected(design).loc[f"variance {name if name != 'residual' else 'Residual'}", "estimate"]
        assert value == pytest.approx(of_r, rel=1e-5)  # what R's optimiser leaves open


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize("design", DESIGNS)
def test_differences_with_degrees_of_freedom(design: str, method: str) -> None:
    for row in differences(fitted(design), method).to_dict("records"):
        of_r = expected(design).loc[f"{method} {row['first_level']} - {row['second_level']}"]
        for ours, theirs in (("difference", "estimate"), ("se", "se"), ("df", "df"), ("p", "p"), ("low", "low"),
                             ("high", "high")):  # fmt: skip
            assert row[ours] == pytest.approx(of_r[theirs], rel=2e-5, abs=1e-7), ours


@pytest.mark.parametrize("design", DESIGNS)
def test_matched_pairs_are_a_paired_t_over_architectures(design: str) -> None:
    pairs = matched_pairs(grid(design), "goal", "z")
    for (first, second), rows in pairs.groupby(["first_level", "second_level"]):
        found = expected(design)
        (name,) = [what for what in found.index if what.startswith(f"paired_t {first} - {second} over")]
        of_r, number = found.loc[name], int(name.split()[-2])
        effect, estimate = compared([Side(rows)], None)
        assert effect.difference == pytest.approx(of_r["estimate"], rel=1e-6) and effect.pairs == number
        if number < 5:  # about these networks: without scores nothing is inferred
            assert np.isnan(effect.p)
            continue
        for ours, theirs in (("se", "se"), ("df", "df"), ("p", "p"), ("low", "low"), ("high", "high")):
            assert getattr(effect, ours) == pytest.approx(of_r[theirs], rel=1e-6), ours
        for margin in (0.03, 0.1):  # R's is the larger of two one-sided p; ours are two-sided
            of_r = found.loc[f"tost_p within {margin:g} {first} - {second}", "p"]
            if abs(effect.difference) < margin:
                assert max(estimate.p(margin), estimate.p(-margin)) == pytest.approx(2 * of_r, rel=1e-6)


@pytest.mark.parametrize("design", ["crossed", "three", "unbalanced"])
def test_shares_of_variance(design: str) -> None:
    rows = decompose_variance(grid(design), ("benchmark", "goal", "architecture")).set_index("factor")
    for name in ("benchmark", "goal", "architecture"):
        assert rows.loc[name, "sum_sq"] == pytest.approx(expected(design).loc[f"type2_ss {name}", "estimate"], rel=1e-6)
        of_r = expected(design).loc[f"omega_squared {name}", "estimate"]
        assert rows.loc[name, "omega"] == pytest.approx(of_r, rel=1e-6)


def test_what_a_model_cannot_tell_is_refused() -> None:
    with pytest.raises(TooFewUnits, match="its variance is not defined"):
        fit_hierarchical(grid("few"), "z", "goal", ["network"])
    with pytest.raises(TooFewUnits, match="2 levels of goal"):
        fit_hierarchical(grid("few").query("goal == 'jigsaw'"), "z", "goal", ["architecture"])


def test_a_variance_of_nothing_is_nothing() -> None:
    """Networks that do not differ: the variance ends at its bound, and degrees of freedom are those of the residual."""
    data = grid("crossed").assign(z=np.random.default_rng(0).normal(size=36))
    data["z"] -= data.groupby("network")["z"].transform("mean")
    found = fit_hierarchical(data, "z", "goal", ["network", "benchmark"])
    assert found.variances["network"] == 0 and found.converged
    assert differences(found)["df"].iloc[0] > 20
