"""Which entries of ``architecture.layers`` are lists of fine layers, which are read only where they are asked for.

By itself, for the catalogue asks it of every architecture and torch takes seconds to import.
"""

FINE = "fine"


def is_fine_group(entry: object) -> bool:
    """Whether an entry of ``architecture.layers`` is no layer but a list of fine ones."""
    return isinstance(entry, dict) and list(entry) == [FINE] and isinstance(entry[FINE], list)
