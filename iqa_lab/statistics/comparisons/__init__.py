"""Is one column better than another? Dependent correlations, different and similar pairs, corrections for many."""
