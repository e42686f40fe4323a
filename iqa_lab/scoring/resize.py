"""``preprocess.resize`` -> the size that images are brought to."""

from iqa_lab.benchmarks.images import Resize
from iqa_lab.config import Config
from iqa_lab.errors import UserError


def image_size_of(config: Config) -> Resize:
    """The size that images are brought to.

    Raises:
        UserError: the setting is none of the three that are possible.
    """
    resize = config.preprocess.resize
    sides = resize if isinstance(resize, list) else [resize]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if resize is None or (whole and not isinstance(resize, list)):
        return resize
    if not whole or len(sides) != 2:
        raise UserError(f"preprocess.resize={resize}: give the short side in pixels, [height,width], or null")
    return sides[0], sides[1]
