"""What people see in the contrast tests: thresholds by castleCSF's formula, and points that were measured.

The points are those of the files that come with the tests of Cai et al. (CVPR 2025,
github.com/caiyancheng/VFM_HVS_CVPR2025); who measured them is what these say.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqa_lab.psychophysics.csf import sensitivity

Floats = NDArray[np.float64]

# castleCSF gives thresholds as cone contrasts; these factors turn them into contrast along the axes of ``colour``
_PER_AXIS = {"achromatic": 1.0024479733153285, "red_green": 1.5851218631491353, "yellow_violet": 1.748596222908175}

# a Gabor of 2 c/deg, sigma .5 deg, on a grating of 2 c/deg: contrast of the mask, contrast at threshold (Foley 1994)
COHERENT = (
    (0.00496089749751881, 0.021544346900318923),
    (0.0078778175739133219, 0.019228730706087722),
    (0.012663011400983453, 0.013768571648527617),
    (0.0201086383669942, 0.020644996558525565),
    (0.031164309249393472, 0.02313116629544059),
    (0.050094331282263094, 0.033472747235998045),
    (0.0805229471487783, 0.066692051071530617),
    (0.12943470551568609, 0.083129101492292315),
    (0.20305374027486922, 0.11284157410588576),
    (0.32639392877381973, 0.16445587119108268),
)
# a Gabor of 1.2 c/deg, sigma .8 deg, on noise below 12 c/deg: standard deviation of the mask, contrast at threshold
# (Gegenfurtner and Kiper 1992)
INCOHERENT = (
    (0.00789296936858555, 0.013701524937679),
    (0.015851603035923777, 0.014448579761322324),
    (0.031833403182067725, 0.01865471422938335),
    (0.06310302577988455, 0.028443883066337522),
    (0.09488950005299583, 0.0338057060601832),
    (0.12509038713049944, 0.05059777456057627),
    (0.2512424490265345, 0.08829880952500345),
    (0.3827918739820748, 0.1463292887686435),
    (0.5113169642218991, 0.191419689190795),
)
# masks outside this range are not shown, as in the published tests
MASKS = (0.005, 0.25)

# the contrast at which a grating looks as strong as one of 5 c/deg (Georgeson and Sullivan 1975): a row for each
# contrast of that one, a column for each frequency
MATCHING_FREQUENCIES = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 25.0)
MATCHING = {
    0.629620756804053: (
        0.6618163322772918, 0.6467075337280763, 0.6543139484929483, 0.617336340708057, 0.6362213537078092,
        0.6362213537078092, 0.6587419176618864, 0.8116291749696322, 0.6820596503966944,
    ),
    0.3172742535464411: (
        0.3927536247454078, 0.2617608168933862, 0.2304366862830029, 0.2679545611275092, 0.3172978097735642,
        0.3064502753660728, 0.3521991060842636, 0.3521991060842636, 0.3521991060842636,
    ),
    0.15988458548572176: (
        0.1892269408082681, 0.1176047356737337, 0.1149199027781567, 0.1290615759705606, 0.1582435099047906,
        0.1582435099047906, 0.1818670995336095, 0.1883047169168044, 0.1756495664810196,
    ),
    0.08057388865950685: (
        0.1162715623764768, 0.0722628939687436, 0.0419052572708062, 0.0690011342286421, 0.0762215334373831,
        0.0577060323518851, 0.0789195754135768, 0.115707732260186, 0.1476086439485835,
    ),
    0.04057959801817275: (
        0.0911420469725895, 0.0476155147539766, 0.0240183635469684, 0.0356293317330154, 0.0354586664131178,
        0.0287792881664022, 0.0407521598690748, 0.0577060323518851, 0.1284350493883242,
    ),
    0.0204473567267392: (
        0.0666420596653338, 0.0263581890120938, 0.0158215705168266, 0.0204212621096417, 0.0176840295045187,
        0.0159316242796267, 0.0241849256172641, 0.0538278580160398, 0.1117520049647441,
    ),
    0.009956352732490851: (
        0.0560027454570052, 0.0221501399771379, 0.0107910470703005, 0.0105446951016822, 0.0088194207834335,
        0.0088194207834335, 0.0203240130100035, 0.0436882599919409, 0.0972360011781606,
    ),
    0.0051028495869051005: (
        0.0423981365879729, 0.0161959380876738, 0.0073621479208575, 0.0054448444072878, 0.0058097221595461,
        0.0066770341411695, 0.0176840295045187, 0.0436882599919409, 0.0972360011781606,
    ),
}  # fmt: skip


def threshold(frequency: ArrayLike, sigma: ArrayLike, luminance: ArrayLike, axis: str = "achromatic") -> Floats:
    """The contrast at which people just see a Gabor, by castleCSF.

    Args:
        frequency: c/deg.
        sigma: of its Gaussian, degrees.
        luminance: of the grey, cd/m2.
        axis: of its colour.
    """
    area = np.pi * np.asarray(sigma, dtype=float) ** 2
    return np.asarray(1 / (_PER_AXIS[axis] * sensitivity(frequency, area, luminance, axis)))


def within_masks(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """The points whose masks are shown, as (contrast of the mask, threshold)."""
    lowest, highest = MASKS
    return [point for point in points if lowest < point[0] < highest]
