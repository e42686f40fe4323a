"""A benchmark -> what a person should be told of it: identical pairs, pixels that do not agree as published."""

from iqa_lab.benchmarks import Benchmark
from iqa_lab.progress import say


def say_identical(benchmark: Benchmark) -> None:
    """Say how many distorted images are no different from their references: their distances tie at zero."""
    if benchmark.n_identical:
        excluded = benchmark.config.exclude_identical
        advice = "left out" if excluded else "benchmark.exclude_identical=true leaves them out"
        say(
            f"{benchmark.config.name}: {benchmark.n_identical} distorted images have exactly the pixels of their "
            f"references; {advice}"
        )


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
