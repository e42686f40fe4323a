"""Which factor makes networks agree with people? Contrasts, claims and trends across units."""
