"""The contrast tests of Cai et al. (CVPR 2025): stimuli from formulas, human values, scores from distances."""
