"""Records of units -> the seconds and memory that a unit will take: measured, or guessed from the network's size."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from iqa_lab.networks.cells import BASELINE
from iqa_lab.sweep.benchmarks import Facts
from iqa_lab.sweep.compose import Unit
from iqa_lab.sweep.ledger import Record


@dataclass(frozen=True)
class Costs:
    """What units have cost so far, and a guess for those that resemble none of them."""

    seconds: dict[str, float]  # per forward, by architecture
    memory: dict[str, float]
    scale: float  # of this machine against the guess
    measured: int

    @classmethod
    def of(cls, records: Mapping[str, Record]) -> "Costs":
        """From the ledger."""
        seconds: dict[str, list[float]] = {}
        memory: dict[str, list[float]] = {}
        ratios = []
        for record in records.values():
            if record.get("forwards", 0) > 0:
                per_forward = record["seconds"] / record["forwards"]
                seconds.setdefault(record["architecture"], []).append(per_forward)
                memory.setdefault(record["architecture"], []).append(record["peak_memory_mib"])
                if record["parameters"]:  # baselines are like no network
                    ratios.append(per_forward / _guess_seconds(record["parameters"]))
        return cls(
            {name: median(values) for name, values in seconds.items()},
            {name: max(values) for name, values in memory.items()},
            median(ratios) if ratios else 1.0,
            sum(map(len, seconds.values())),
        )

    def estimate(self, unit: Unit, facts: Facts) -> tuple[float, float]:
        """Seconds and MiB that a unit will take."""
        architecture, parameters = unit.cell.architecture, parameters_of(unit)
        per_forward = self.seconds.get(architecture, self.scale * _guess_seconds(parameters))
        # Measured on a CPU in batches of 384 x 256 pixels: 1.2 to 1.6 GiB, of which torch takes half; of VGG-16 3 GiB.
        # Weights are held up to three times while they are loaded.
        memory = self.memory.get(architecture, 1600 + 12 * parameters / 2**20)
        return per_forward * facts.images, memory


def parameters_of(unit: Unit) -> float:
    """The number of a network's parameters where it is published, else a common one."""
    return float(unit.factors["weights"].get("parameters") or (0 if unit.cell.goal == BASELINE else 25e6))


def _guess_seconds(parameters: float) -> float:
    """Of one forward on two cores with a few readouts; only the order of units and a first impression rest on it."""
    return 0.02 + 2e-9 * parameters
