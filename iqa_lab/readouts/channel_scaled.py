"""Every channel on the scale of its own differences, so that channels with large responses do not drown the others.

Hernández-Cámara et al. read CLIP in this way (``euclidean_norm`` in their tables).
"""

import numpy as np

from iqa_lab.readouts.channels import Context, Weighed


def rows(readout: str) -> tuple[str, ...]:
    """The readout's own name."""
    return (readout,)


def weigh(context: Context, readout: str) -> list[Weighed]:
    """``sqrt(mean_c m_c / mean(m_c))``, ``m_c`` a channel's mean squared difference, its mean taken over all pairs.

    A channel that never differs counts as zero.
    """
    result = []
    for layer, values in context.here.of_layer.items():
        differences = values.astype(float)
        scale = differences.mean(0)
        weights = np.divide(1, scale * len(scale), out=np.zeros_like(scale), where=scale > 0)
        result.append(Weighed(readout, layer, np.sqrt(differences @ weights), weights))
    return result
