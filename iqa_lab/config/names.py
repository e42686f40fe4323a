"""What may be a name: of a benchmark, a goal, a readout, a study; names become folders, files and W&B runs."""

import re

from iqa_lab.errors import UserError

# Three names and two dashes make the folder of a network; file systems take 255 bytes.
LONGEST = 64

_ALLOWED = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

# Windows keeps these for devices, whatever follows the first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}

# what becomes of a bare no, off, yes, on and null in YAML
_TRUTHS = {"true", "false", "null"}


def name_fault(name: object) -> str | None:
    """What is wrong with a name, in words; None if it may become a folder, a file and the name of a W&B run.

    >>> name_fault("tid2013"), name_fault(".hidden")
    (None, 'a name does not begin with a dot')
    """
    if not isinstance(name, str):
        return f"a name is text: put {name!r} in quotes"
    if not name:
        return "a name is not empty"
    if name.startswith("."):
        return "a name does not begin with a dot"
    if not _ALLOWED.fullmatch(name) or name.startswith("-") or name.endswith("."):
        return "a name is made of letters a to z, digits and . _ - and does not begin with - or end with ."
    if len(name) > LONGEST:
        return f"a name has at most {LONGEST} characters"
    if name.lower() in _TRUTHS:
        return "YAML reads no, off, yes, on and null as values, not as names: put the name in quotes, or choose another"
    if name.partition(".")[0].lower() in _DEVICES:
        return "Windows keeps this name for a device"
    return None


def checked_name(name: object, what: str) -> str:
    """The name itself, if it may become part of a path.

    Args:
        name: from a configuration, a result or the command line.
        what: it is a name of, for the error, as ``benchmark.name``.

    Raises:
        UserError: it may not.
    """
    fault = name_fault(name)
    if fault is not None:
        raise UserError(f"{what}={shortened(name)}: {fault}")
    return str(name)


def shortened(value: object, longest: int = 60) -> str:
    r"""A value on one printable line, cut where it is long.

    >>> shortened("a" * 70)[-5:], shortened("two" + chr(10) + "lines")
    ('aa...', 'two\\nlines')
    """
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(value))
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
