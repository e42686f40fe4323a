"""How few references, networks or benchmarks still allow an inference: the one place that decides.

All three limits were set by simulation (``make test-inference``).
"""

# With fewer references there is neither an interval nor a p value: a test by signs of five references cannot fall
# below p = 2 / 2**5 = .06, whatever they say.
LEAST_REFERENCES = 6

# With fewer an interval stands with a warning.
FEW_REFERENCES = 10

# With fewer independent pairs of networks a verdict is about these networks only.
ENOUGH_NETWORKS = 5

# With fewer benchmarks a verdict is about these benchmarks only.
ENOUGH_BENCHMARKS = 5
