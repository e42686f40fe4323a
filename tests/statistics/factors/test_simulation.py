"""Whatever is printed about chance, simulated: how often verdicts and intervals are wrong where the truth is known.

``make test-inference`` runs the large simulation (minutes) and prints its table; a small one is part of all tests. The
models are the hostile review's: networks differ by a standard deviation of .03, references leave a standard error of
.012 of a difference (half of it common to all pairs), goals are exchangeable.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics import holm, select_column, srcc
from iqa_lab.statistics.factors.effects import Side, compared
from iqa_lab.statistics.factors.estimate import OTHERS, Estimate, Sample, estimate
from iqa_lab.statistics.factors.units import Judged, Scores, resample_unit
from iqa_lab.statistics.factors.verdicts import columns_of_claims, judge_claims

BETWEEN, WITHIN = 0.03, 0.012
SMALL, LARGE = 0.05, 1.0  # shares of the trials
Generator = np.random.Generator


@dataclass(frozen=True)
class Rate:
    """How often something went wrong."""

    wrong: int
    trials: int
    promised: float

    @property
    def kept(self) -> bool:
        """Whether the rate is not beyond three Monte-Carlo standard errors of what is promised."""
        error = np.sqrt(self.promised * (1 - self.promised) / max(1, self.trials))
        return self.wrong <= self.trials * (self.promised + 3 * error) + 1e-9

    def __str__(self) -> str:
        rate = self.wrong / max(1, self.trials)
        return f"{rate:.3f} of {self.promised:.3f} promised ({self.trials} trials)"


def pairs(
    rng: Generator, number: int, references: int, benchmarks: int = 1, truth: float = 0.0
) -> tuple[Sample, float]:
    """Differences of so many pairs of networks with resamples of references, and their true mean for these networks."""
    networks = rng.normal(truth, BETWEEN, (number, 1))
    common = rng.normal(size=(references, 1, benchmarks))
    own = rng.normal(size=(references, number, benchmarks))
    errors = WITHIN * np.sqrt(references / 2) * (common + own)
    share = np.full(references, 1 / references)
    draws = rng.multinomial(references, share, size=(200, benchmarks)) / references
    drawn = networks + np.einsum("kbr,rjb->kjb", draws, errors)
    return Sample(networks + errors.mean(axis=0), drawn), float(networks.mean())


def wrong_about(found: Estimate, of_these: float) -> bool:
    """Whether a verdict is wrong: about others there is no difference; about these the sign is what can be wrong."""
    if not found.p() < 0.05:
        return False
    return found.networks == OTHERS or bool(np.sign(found.difference) != np.sign(of_these))


def goals(rng: Generator, trials: int, number: int, references: int, claims: int) -> Rate:
    """Studies of so many claims, each on pairs of its own, any of them wrong after Holm."""
    wrong = 0
    for _ in range(trials):
        made = [pairs(rng, number, references) for _ in range(claims)]
        found = [estimate([sample], [references]) for sample, _ in made]
        if all(np.isnan(one.p()) for one in found):
            continue
        corrected = holm([one.p() for one in found])
        wrong += any(
            p < 0.05 and wrong_about(one, truth) for p, one, (_, truth) in zip(corrected, found, made, strict=True)
        )
    return Rate(wrong, trials, 0.05)


def level(rng: Generator, trials: int, number: int, references: int) -> Rate:
    """How often p is below .05 of what is true: no difference of goals, or these networks' own mean."""
    wrong = 0
    for _ in range(trials):
        sample, of_these = pairs(rng, number, references)
        found = estimate([sample], [references])
        wrong += found.p(0.0 if found.networks == OTHERS else of_these) < 0.05
    return Rate(wrong, trials, 0.05)


def margin(rng: Generator, trials: int, number: int) -> Rate:
    """``~`` at the margin: how often two that differ by all of it are called alike."""
    wrong = 0
    for _ in range(trials):
        sample, of_these = pairs(rng, number, 25, truth=0.03)
        found = estimate([sample], [25])
        edge = 0.03 if found.networks == OTHERS else max(abs(of_these), 1e-9)
        ends = max(found.p(edge), found.p(-edge))
        wrong += abs(found.difference) < edge and ends < 0.05
    return Rate(wrong, trials, 0.025)


def groups(rng: Generator, trials: int, first: int, second: int) -> Rate:
    """So many networks against so many without partners (goal/architecture groups)."""
    wrong = 0
    for _ in range(trials):
        one, of_one = pairs(rng, first, 25)
        other, of_other = pairs(rng, second, 25)
        found = estimate([one, Sample(other.values, other.drawn, -1)], [25])
        wrong += wrong_about(found, of_one - of_other)
    return Rate(wrong, trials, 0.05)


def one_untrained(rng: Generator, trials: int) -> Rate:
    """One untrained network against six trainings of its architecture: six rows, and one independent pair."""
    wrong = 0
    for _ in range(trials):
        sample, _ = pairs(rng, 6, 25)
        shift = rng.normal(0, BETWEEN)
        rows = pd.DataFrame({
            "benchmark": "tid", "cluster": "one", "pair": [f"p{n}" for n in range(6)], "second": None,
            "first": [f"r{n}" for n in range(6)], "difference": sample.values[:, 0] - shift,
        })  # fmt: skip
        assert sample.drawn is not None
        judged = {f"r{n}": Judged(0.0, sample.drawn[:, n, 0] - shift, 25) for n in range(6)}
        effect, _ = compared([Side(rows)], judged)
        wrong += effect.p < 0.05 and not effect.these_networks
    return Rate(wrong, trials, 0.05)


def columns(rng: Generator, number: int, references: int = 25) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equally good columns, each with errors of its own for every reference."""
    cluster = np.repeat(np.arange(references), 10)
    opinion = rng.normal(size=len(cluster))
    own = 0.5 * rng.normal(size=(references, number))[cluster]
    return opinion[:, None] + own + rng.normal(size=(len(opinion), number)), opinion, cluster


def best_of_many(rng: Generator, trials: int, number: int) -> Rate:
    """A claim on the best of so many columns against one baseline that is as good as each of them."""
    wrong = 0
    layers = [{"goal": "jigsaw", "dataset": "imagenet1k", "architecture": "a", "weights": "a", "readout": "plain",
               "layer": f"l{n}", "depth": n / number} for n in range(number)]  # fmt: skip
    metric = {"goal": "baseline", "dataset": "none", "architecture": "b", "weights": "b", "readout": "b",
              "layer": "output", "depth": 1.0}  # fmt: skip
    claims = ["all > baseline/b"]
    for _ in range(trials):
        quality, opinion, cluster = columns(rng, number + 1)
        table = pd.DataFrame([*layers, metric]).assign(benchmark="tid", srcc=srcc(quality, opinion))
        wanted = columns_of_claims(claims, table)
        reference = [f"{number:03d}" for number in cluster]
        judged = {}
        for one in wanted:  # each unit by itself, as they are read
            own = list(one)
            scores = Scores(own, quality[:, own], opinion, reference)
            judged |= resample_unit(scores, [one], resamples=100)
        wrong += judge_claims(claims, table, judged)["verdict"][0] != "undecided"
    return Rate(wrong, trials, 0.05)


def heldout(rng: Generator, trials: int) -> Rate:
    """How often the interval of the held-out value misses, of ten equal columns."""
    quality, opinion, _ = columns(rng, 1, references=20_000)
    truth, wrong = float(srcc(quality, opinion)[0]), 0
    for _ in range(trials):
        found = select_column(*columns(rng, 10), repeats=2, resamples=80, seed=int(rng.integers(2**31)))
        wrong += not found.heldout_low <= truth <= found.heldout_high
    return Rate(wrong, trials, 0.05)


def walks(rng: Generator, trials: int, networks: int, layers: int) -> Rate:
    """``trend(depth)`` of networks whose agreement drifts by chance along the layers."""
    wrong = 0
    depth = np.arange(layers) / (layers - 1)
    network = {"benchmark": "tid", "goal": "jigsaw", "dataset": "imagenet1k", "readout": "plain"}
    rows = [
        network | {"architecture": f"a{n}", "weights": f"a{n}", "layer": f"l{k}", "depth": depth[k]}
        for n in range(networks)
        for k in range(layers)
    ]
    frame = pd.DataFrame(rows)
    for _ in range(trials):
        profile = 0.5 + rng.normal(0, 0.01, (networks, layers)).cumsum(axis=1)
        table = frame.assign(srcc=profile.ravel())
        noise = rng.normal(0, 0.002, (len(table), 100))
        judged = {(row,): Judged(value, value + noise[row], 25) for row, value in table["srcc"].items()}
        wrong += judge_claims(["trend(depth) > 0"], table, judged)["verdict"][0] != "undecided"
    return Rate(wrong, trials, 0.05)


def everything(share: float) -> dict[str, Callable[[Generator], Rate]]:
    """Every simulation by what it is of; ``share`` of the trials of the large one."""

    def some(trials: int) -> int:
        return max(10, int(share * trials))

    numbers = (1, 2, 3, 4, 5, 8, 12, 20) if share == LARGE else (1, 3, 5, 20)
    sizes = (3, 6, 10, 25, 100) if share == LARGE else (3, 6, 25)
    found: dict[str, Callable[[Generator], Rate]] = {}
    for number in numbers:
        for references in sizes:
            name = f"{number} pairs, {references} references"
            found[name] = lambda rng, n=number, r=references: level(rng, some(1000), n, r)
        for claims in (1, 11, 50):
            name = f"any of {claims} claims, {number} pairs"
            found[name] = lambda rng, n=number, c=claims: goals(rng, some(4000 // (c + 3)), n, 25, c)
    for number in (3, 8):
        found[f"~ at the margin, {number} networks"] = lambda rng, n=number: margin(rng, some(4000), n)
    for first, second in ((6, 2), (6, 5), (12, 8)):
        name = f"{first} networks against {second}"
        found[name] = lambda rng, a=first, b=second: groups(rng, some(2000), a, b)
    found["one untrained against six trainings"] = lambda rng: one_untrained(rng, some(400))
    found["best of 240 columns against a baseline"] = lambda rng: best_of_many(
        rng, some(120), 240 if share == LARGE else 20
    )
    found["interval of the held-out value, ten equal columns"] = lambda rng: heldout(rng, some(400))
    for networks, layers in ((1, 9), (1, 50), (8, 9)):
        name = f"trend(depth) of {networks} random walks of {layers} layers"
        found[name] = lambda rng, n=networks, k=layers: walks(rng, some(300), n, k)
    return found


@pytest.mark.parametrize("name", everything(SMALL))
def test_verdicts_are_wrong_no_more_often_than_they_say(name: str) -> None:
    rate = everything(SMALL)[name](np.random.default_rng(0))
    assert rate.kept, f"{name}: {rate}"


@pytest.mark.slow
@pytest.mark.parametrize("name", everything(LARGE))
def test_verdicts_are_wrong_no_more_often_than_they_say_in_many_trials(name: str) -> None:
    rate = everything(LARGE)[name](np.random.default_rng(1))
    print(f"{name}: {rate}")
    assert rate.kept, f"{name}: {rate}"
