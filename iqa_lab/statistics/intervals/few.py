"""A number of references -> whether an interval over them can be trusted, in one place.

Both limits are from simulation: pairs of 3 to 20 references whose pictures differ in how hard they are, 1000 benchmarks
each, and how often the 95 % percentile interval of the cluster bootstrap holds the true value. See
docs/statistics.md.
"""

# Below it no interval is shown: COVERAGE_BELOW
FEWEST = 6

# Below it an interval is shown with a warning: COVERAGE_SHORT
RELIABLE = 10


def few_references(number: int) -> str | None:
    """What a reader has to know of intervals over so few references; None where there is nothing to say.

    >>> few_references(2)
    'No intervals: 2 references are too few for one, it takes 6.'
    """
    counted = "1 reference is" if number == 1 else f"{number} references are"
    if number < FEWEST:
        return f"No intervals: {counted} too few for one, it takes {FEWEST}."
    if number < RELIABLE:
        return (
            f"Intervals over {number} references are too narrow; {RELIABLE} or more come closer to what they promise."
        )
    return None
