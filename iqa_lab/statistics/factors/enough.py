"""How many networks and benchmarks it takes to speak of others; of references ``intervals.few`` decides.

How often Student's t over so many pairs finds a difference that is not there (of .05; 20,000 simulated each):

| differences | 2 | 3 | 4 | 5 | 6 | 8 | 12 | 20 |
|---|---|---|---|---|---|---|---|---|
| normal | .050 | .051 | .048 | .049 | .048 | .050 | .052 | .051 |
| of two exponential ones | .036 | .033 | .032 | .035 | .034 | .040 | .046 | .046 |
| uniform | .072 | .076 | .071 | .064 | .060 | .057 | .057 | .052 |

It keeps its promise for exchangeable networks, whose differences are symmetric, nearly from the start, but from two
pairs it takes a difference of 13 standard errors, from four of 3.2. Five is where it begins to be of use.
"""

# With fewer independent pairs a verdict is about these networks only.
ENOUGH_NETWORKS = 5

# With fewer benchmarks a verdict is about these benchmarks only.
ENOUGH_BENCHMARKS = 5
