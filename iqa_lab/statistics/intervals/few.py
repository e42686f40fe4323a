"""A number of references -> whether an interval over them can be trusted, in one place.

How often a 95 % percentile interval of the cluster bootstrap over references holds the true value, simulated: 1000
benchmarks of 24 distorted images a reference, references that differ a little, more, or very much in how high their
scores and how steep their slopes are; SRCC, and the mean agreement of choices, whose references differ as much.

| references | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 12 | 20 |
|---|---|---|---|---|---|---|---|---|---|---|
| SRCC, alike | .77 | .81 | .85 | .88 | .88 | .88 | .91 | .91 | .91 | .91 |
| SRCC, different | .67 | .76 | .81 | .83 | .85 | .85 | .87 | .87 | .88 | .89 |
| SRCC, very different | .49 | .63 | .70 | .73 | .77 | .81 | .85 | .82 | .84 | .89 |
| agreement | .73 | .80 | .84 | .86 | .87 | .89 | .89 | .89 | .91 | .92 |

Five references miss the truth three to six times as often as the 5 % that are promised; from ten on what is left is
the percentile interval's own shortness, which no number of references cures quickly.
"""

# Below it no interval is shown.
FEWEST = 6

# Below it an interval is shown, with a warning.
RELIABLE = 10


def few_references(number: int) -> str | None:
    """What a reader should know about intervals over so few references; None where there is nothing to say.

    >>> few_references(2)
    'No intervals: 2 references are too few for one, it takes 6.'
    """
    counted = "1 reference is" if number == 1 else f"{number} references are"
    if number < FEWEST:
        return f"No intervals: {counted} too few for one, it takes {FEWEST}."
    if number < RELIABLE:
        return f"Intervals over {number} references are too narrow: {RELIABLE} or more come closer to their promise."
    return None
