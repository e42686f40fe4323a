"""The distance of DISTS with uniform weights: what the channels' means and their structure have kept.

Ding et al., Image Quality Assessment: Unifying Structure and Texture Similarity (2020).
"""

from torch import Tensor

from iqa_lab.readouts.response import Response

# Keep the two ratios finite for channels without response, as in DISTS.
EPSILON = 1e-6


def distance(response: Response) -> Tensor:
    """``1 - mean_c (l_c + s_c) / 2`` of each pair, ``[P]``, in 0..2, and in 0..1.5 where no response is negative."""
    luminance, structure = dissimilarity(response)
    return (luminance + structure).mean(1) / 2


def dissimilarity(response: Response, epsilon: float = EPSILON) -> tuple[Tensor, Tensor]:
    """``1 - l_c`` and ``1 - s_c`` of each channel, ``[P, C]`` each.

    ``l = (2 m_f m_g + e) / (m_f^2 + m_g^2 + e)`` compares the means, ``s = (2 cov + e) / (v_f + v_g + e)`` the
    patterns; one minus each is a squared difference over the same denominator.
    """
    f, g = response.channel_means
    luminance = response.channel_mean_difference.square() / (f.square() + g.square() + epsilon)
    f, g = response.channel_variances
    return luminance, response.channel_difference_variance / (f + g + epsilon)
