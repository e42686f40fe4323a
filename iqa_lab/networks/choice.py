"""The setting ``layers`` and the names of a network's layers -> those that it means, in the network's own order."""

from collections.abc import Collection, Sequence
from typing import Any

from iqa_lab.errors import UserError, nearest_first


def select_layers(choice: Any, names: Sequence[str], fine: Collection[str] = ()) -> list[str]:
    """The layers that a setting means, in the network's own order, each once.

    ``all``; one name; a list of names or indices (negative ones count from the end); ``{last: n}``; ``fine``: all, and
    the places inside blocks. A number is always an index and a text always a name, so a layer called 1 is asked for as
    ``"1"``. ``all``, ``last`` and indices are of the layers that are not fine.

    >>> select_layers({"last": 2}, ["a", "b", "c"])
    ['b', 'c']
    >>> select_layers([0, "c"], ["a", "b", "c"])
    ['a', 'c']
    >>> select_layers("all", ["a", "b", "c"], {"b"}), select_layers("fine", ["a", "b", "c"], {"b"})
    (['a', 'c'], ['a', 'b', 'c'])

    Args:
        choice: the setting.
        names: of all layers.
        fine: those that are read only where they are asked for.

    Raises:
        UserError: no such layer; all layers are listed.
    """
    usual = [name for name in names if name not in fine]
    if choice in ("all", "fine"):
        return usual if choice == "all" else list(names)
    if isinstance(choice, dict) and list(choice) == ["last"] and isinstance(choice["last"], int) and choice["last"] > 0:
        return usual[-choice["last"] :]
    wanted = [choice] if isinstance(choice, (str, int)) else choice
    if not isinstance(wanted, list) or not wanted or isinstance(choice, bool):
        raise UserError(f"layers={choice}: give all, fine, a list of names or indices, or {{last: n}}")
    chosen = {str(entry) if isinstance(entry, str) and entry in fine else _one_layer(entry, usual) for entry in wanted}
    return [name for name in names if name in chosen]


def _one_layer(entry: Any, names: Sequence[str]) -> str:
    if isinstance(entry, int) and not isinstance(entry, bool) and -len(names) <= entry < len(names):
        if str(entry) in names and names[entry] != str(entry):
            raise UserError(
                f"layers={entry}: as a number it is an index and means layer {names[entry]}, but there is a layer "
                f"called {entry}, too: give its name in quotes, 'layers=[\"{entry}\"]', or the other one's"
            )
        return names[entry]
    if entry in names:
        return str(entry)
    listed = ", ".join(nearest_first(str(entry), names) if isinstance(entry, str) else names)
    raise UserError(f"no such layer: {entry}; the layers are {listed}")
