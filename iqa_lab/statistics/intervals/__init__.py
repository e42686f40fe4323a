"""How sure an agreement is: resampled references, the choice of a layer, and what people themselves can reach."""
