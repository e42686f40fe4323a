"""``iqa-lab compare`` and ``iqa-lab disagree``: metrics of results -> tables in the terminal, or CSV."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from iqa_lab.cli.printing import print_rows
from iqa_lab.config import StatisticsConfig
from iqa_lab.config.check import check
from iqa_lab.errors import UserError, counted
from iqa_lab.progress import tell
from iqa_lab.report.comparisons import agreement_of, differences_of, where_two_disagree
from iqa_lab.statistics.intervals.few import few_references
from iqa_lab.store.digits import three_digits
from iqa_lab.store.metric import read_metrics


def compare(texts: Sequence[str], settings: StatisticsConfig, as_csv: bool) -> None:
    """Print how well metrics agree with people, and every difference between two of them.

    Raises:
        UserError: fewer than two metrics, metrics that cannot be compared, or wrong settings.
    """
    check(settings, "--")
    if len(texts) < 2:
        raise UserError("compare takes two metrics or more: iqa-lab compare FOLDER:READOUT@LAYER FOLDER:READOUT@LAYER")
    metrics = read_metrics(texts)
    table = differences_of(metrics, **asdict(settings))
    if as_csv:
        print(table.to_csv(index=False), end="")
        return
    agreement = agreement_of(metrics)
    letters = {metric.name: _letter(place) for place, metric in enumerate(metrics)}
    rows = agreement.to_dict("records")
    print_rows(
        [
            {
                "": letters[row["metric"]],
                "SRCC": three_digits(row["srcc"]),
                "corrected": three_digits(row["srcc_corrected"]),
                "metric": row["metric"],
            }
            for row in rows
        ]
    )
    print()
    print_rows(
        [
            {
                "difference": f"{letters[row['first']]} - {letters[row['second']]}",
                f"SRCC [{100 * settings.confidence:g} %]": _interval(row["difference"], row["low"], row["high"]),
                "p": _p(row["p"]),
                "Holm": _p(row["p_holm"]),
                "Williams": _p(row["williams_p"]),
                "Steiger": _p(row["steiger_p"]),
                "Meng": _p(row["meng_p"]),
            }
            for row in table.to_dict("records")
        ]
    )
    references = metrics[0].scores["reference"].nunique()
    tell(
        f"{metrics[0].benchmark.name}: {counted(len(metrics[0].scores), 'pair')}, "
        f"{counted(references, 'reference')}. Interval and p: Student's t over resampled references; "
        f"Holm: corrected for {counted(len(table), 'comparison')}."
    )
    tell("Williams, Steiger and Meng take all pairs of images as independent: their p is too small.")
    tell("corrected: for the error of the opinions, where their standard errors are known.")
    note = few_references(references)
    if note:
        tell(note)


def disagree(one: str, other: str, within: float, most: int, out: Path | None, as_csv: bool) -> None:
    """Print the pairs of images on which two metrics disagree most; with ``out`` draw them.

    Raises:
        UserError: the metrics cannot be compared, or the picture cannot be made.
    """
    if not 0 <= within < float("inf"):
        raise UserError(f"--within={within}: standard deviations, 0 or more")
    if not 1 <= most <= 100:
        raise UserError(f"--most={most}: from 1 to 100 pairs of images")
    first, second = read_metrics([one, other])
    table = where_two_disagree(first, second, within, most)
    if as_csv:
        print(table.to_csv(index=False), end="")
    elif table.empty:
        tell(f"no two images within {within:g} standard deviations of one metric are told apart by the other")
    else:
        letters = {first.name: "A", second.name: "B", "neither": "neither"}
        print(f"A: {first.name}\nB: {second.name}")
        print_rows(
            [
                {
                    "equal": letters[row["equal"]],
                    "better, says": letters[row["different"]],
                    "image": row["closer"],
                    "worse": row["farther"],
                    "apart (sd)": f"{row['apart']:.1f}",
                    "opinion": f"{row['opinion_closer']:.3g}, {row['opinion_farther']:.3g}",
                    "people": letters[row["people"]],
                }
                for row in table.to_dict("records")
            ]
        )
        tell(f"people agree with: {_counted(table['people'].map(letters))}")
    if out is not None and not table.empty:
        from iqa_lab.report.disagreement import draw  # reads images

        print(f"images in {draw(table, first, second, out)}")


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _interval(value: float, low: float, high: float) -> str:
    return f"{three_digits(value)} [{three_digits(low)}, {three_digits(high)}]"


def _p(value: float) -> str:
    return "-" if pd.isna(value) else "< .001" if value < 0.001 else three_digits(value)


def _counted(names: pd.Series) -> str:
    return ", ".join(f"{name} {number}" for name, number in names.value_counts().sort_index().items())
