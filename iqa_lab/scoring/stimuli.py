"""A network and a benchmark of stimuli -> nothing, or why it cannot be scored, and with what settings it could be."""

from iqa_lab.benchmarks import Benchmark
from iqa_lab.config import Config
from iqa_lab.errors import UserError
from iqa_lab.networks import Network
from iqa_lab.psychophysics import Experiment

LIGHTNESS_ROUNDS = (
    "this network reads lightness in 8 bits (weights.input.order=lightness), and a stimulus near threshold is less "
    "than one level: benchmarks of stimuli are for networks that read red, green and blue"
)


def check_stimuli(config: Config, network: Network, benchmark: Benchmark) -> None:
    """Nothing, if the stimuli reach the network as they are: in all their digits and in the size that it takes.

    Raises:
        UserError: it rounds them, or takes images of one other size only; the message says what works.
    """
    experiment = benchmark.experiment
    if experiment is None:
        return
    if config.precision != "fp32":
        raise UserError(
            f"precision={config.precision}: near threshold two stimuli differ by less than it keeps; say precision=fp32"
        )
    if network.input.order == "lightness":
        raise UserError(LIGHTNESS_ROUNDS)
    side = experiment.side + 2 * (config.benchmark.border or 0)
    if network.image_size is not None and network.image_size != side:
        raise UserError(
            f"this network takes images of {network.image_size} x {network.image_size} pixels only, and the stimuli of "
            f"{benchmark.config.name} have {side}, which are never resized: {_advice(experiment, network.image_size)}"
        )


def _advice(experiment: Experiment, wanted: int) -> str:
    """The settings with the largest stimulus that fits into so many pixels."""
    fitting = {pixels: side for pixels, side in experiment.sides.items() if side <= wanted and (wanted - side) % 2 == 0}
    if not fitting:
        return "no setting of this benchmark has that many"
    pixels = max(fitting, key=lambda each: fitting[each])
    return f"benchmark.pixels_per_degree={pixels:g} benchmark.border={(wanted - fitting[pixels]) // 2}"
