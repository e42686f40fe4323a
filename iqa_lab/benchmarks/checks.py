"""A benchmark -> what a person should be told of it: identical pairs, pixels that do not agree as published."""

from iqa_lab.benchmarks import TABLE, Benchmark
from iqa_lab.benchmarks.benchmark import CHOICES, MOS, questions
from iqa_lab.benchmarks.selection import filters_of
from iqa_lab.progress import say


def say_left_out(benchmark: Benchmark) -> None:
    """Say what a benchmark has besides the pairs that are scored, and which of these ask little of a metric.

    References that are compared with themselves, which have been left out; distorted images that are no different from
    their references, whose distances tie at zero; opinions that are not here.
    """
    config = benchmark.config
    for sentence in benchmark.experiment.said if benchmark.experiment is not None else ():
        say(f"{config.name}: {sentence}", "yellow")
    name, what = config.name, questions(config.protocol)
    if benchmark.n_copies:
        say(
            f"{name}: {benchmark.n_copies} {what} compare a reference with itself, whose distance is 0 for every "
            "metric; left out (benchmark.reference_copies=true scores them)"
        )
    if benchmark.n_identical and benchmark.experiment is None:  # stimuli are alike by design
        them = f"their {what}" if config.protocol in CHOICES else "them"
        advice = "left out" if config.exclude_identical else f"benchmark.exclude_identical=true leaves {them} out"
        say(f"{name}: {benchmark.n_identical} distorted images have exactly the pixels of their references; {advice}")
    if benchmark.n_unlisted:
        asked = ", ".join(f"benchmark.{key}" for key in filters_of(config))
        unknown = f"; how many of them {asked} would keep is not known" if asked else ""
        say(f"{name}: the opinions of {benchmark.n_unlisted} {what} are not here{unknown}", "yellow")
    unused = _unused_spread(benchmark)
    if unused:
        say(f"{name}: {unused}", "yellow")


def _unused_spread(benchmark: Benchmark) -> str | None:
    """Why the spread of the opinions in a table of one's own makes no statistics, and what would; None where it does.

    Outlier ratio, RMSE*, Krasula's analysis and ceilings need the standard error of every opinion.
    """
    config, spread = benchmark.config, benchmark.pairs["opinion_std"]
    if config.family != TABLE or config.protocol != MOS:
        return None
    lacking, kind = int(spread.isna().sum()), config.opinion_std
    if kind == "none":
        advice = "benchmark.opinion_std=standard_error or standard_deviation says what it is"
        return None if lacking == len(spread) else f"the column opinion_std is not used: {advice}"
    if lacking and config.votes:
        return (
            f"{lacking} of {len(spread)} pairs have a single vote, whose error nobody knows: no ceilings and outliers"
        )
    if lacking:
        return (
            f"benchmark.opinion_std={kind}, but {lacking} of {len(spread)} opinions have none: no ceilings and outliers"
        )
    if kind == "standard_deviation" and config.people is None:
        return f"the column opinion_std is not used: a {kind} needs the number of judges, benchmark.people=NUMBER"
    return None


def say_layout(benchmark: Benchmark) -> None:
    """Say in which of several forms a database was found: its opinions may not be the same in all."""
    if benchmark.layout is not None:
        say(f"{benchmark.config.name}: read from {benchmark.layout}")


# What two ways of computing PSNR may differ by: rounding, and how the luminance is weighed.
PSNR_TOLERANCE = 0.002


def warn_if_misread(benchmark: Benchmark, pixels: float) -> None:
    """Say loudly if the pixels do not agree with people as PSNR is published to do on this benchmark.

    Then the images, the opinions or their order are not what they should be, and no other number can be trusted.

    Args:
        benchmark: with its images as they are, not resized.
        pixels: SRCC of the pixels' RMSE.
    """
    published = benchmark.config.psnr_srcc
    if published is None or not benchmark.is_whole:
        return
    if not abs(pixels - published) <= PSNR_TOLERANCE:
        say(
            f"{benchmark.config.name} was not read rightly: its pixels agree with people by "
            f"{pixels:.4f}, but PSNR is published to agree by {published:.4f}; trust no number of it",
            "bold red",
        )
