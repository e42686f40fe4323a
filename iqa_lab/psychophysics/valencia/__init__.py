"""Properties of human vision as in the public code visturing, corrected: stimuli, human formulas, scores."""
