"""Units -> the levels of one factor in a mixed model, benchmark and network as random effects."""

import warnings

import numpy as np
import pandas as pd
import statsmodels.formula.api as formula
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from iqa_lab.statistics.correlation.coefficients import fisher_z
from iqa_lab.statistics.factors.units import FACTORS, TooFewUnits, joined


def mixed_model(units: pd.DataFrame, factor: str, value: str = "srcc") -> pd.DataFrame:
    """Fisher's z by the levels of one factor, with benchmark and network as crossed random effects.

    Args:
        units: one row a unit.
        factor: goal, dataset or architecture; its most frequent level is what the others are compared with.
        value: a correlation.

    Returns:
        A row a level: ``level``, ``against``, ``difference`` (of z), ``low``, ``high`` (95 %), ``p``, ``converged``.

    Raises:
        TooFewUnits: fewer than 20 units, 3 benchmarks, 6 networks, or 2 networks of each of 2 levels: variances between
            benchmarks and between networks cannot be estimated from less.
    """
    data = units[units[value].notna()].copy()
    data["network"] = joined(data, [*FACTORS, "weights"])
    networks = data.groupby(factor)["network"].nunique()
    data = data[data[factor].isin(networks[networks >= 2].index)]
    found = (len(data), data["benchmark"].nunique(), data["network"].nunique(), data[factor].nunique())
    if any(have < need for have, need in zip(found, (20, 3, 6, 2), strict=True)):
        raise TooFewUnits(
            f"a mixed model needs 20 units on 3 benchmarks, with 6 networks and 2 of each of 2 levels of {factor}; "
            f"usable are {found[0]} units, {found[1]} benchmarks, {found[2]} networks, {found[3]} levels"
        )
    z = fisher_z(data[value].clip(-0.999999, 0.999999))
    scale = float(z.std()) or 1.0
    data["z"] = z / scale  # statsmodels takes small variances for none
    data["level"], data["everything"] = data[factor].astype(str), 1
    against = str(data["level"].mode().iloc[0])
    model = formula.mixedlm(
        f"z ~ C(level, Treatment({against!r}))",
        data,
        groups="everything",
        vc_formula={"benchmark": "0 + C(benchmark)", "network": "0 + C(network)"},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the column says it
        fit = model.fit(reml=True)
    interval, rows = fit.conf_int(), []
    for term in fit.fe_params.index[1:]:
        level = term.split("[T.")[1].rstrip("]")
        estimates = scale * np.array([fit.fe_params[term], *interval.loc[term]])
        rows.append((level, against, *estimates, fit.pvalues[term], bool(fit.converged)))
    return pd.DataFrame(rows, columns=["level", "against", "difference", "low", "high", "p", "converged"])
