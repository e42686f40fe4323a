"""Results -> Weights & Biases; the disk is always first."""
