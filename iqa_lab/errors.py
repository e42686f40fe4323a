"""The two ways in which a run ends badly; both reach the user as one line."""

from collections.abc import Iterable
from difflib import get_close_matches

# exit codes: all is well; a unit failed; wrong use, configuration or data
DONE, FAILED, WRONG_USE = 0, 1, 2

SHOWN = 15

# What somebody else's code may raise: anything, and sys.exit(), which would end the command with exit code 0.
FOREIGN = (Exception, SystemExit)


class UserError(Exception):
    """Wrong use, configuration or data; the message says what to do. Exit code 2."""


class UnitFailed(Exception):
    """A unit that was asked for correctly and could not be scored. Exit code 1."""


class Interrupted(UserError):
    """A person pressed Ctrl-C; the message says what is kept. Exit code 2."""


def is_interrupt(error: BaseException | None) -> bool:
    """Whether a person's Ctrl-C ended it, even where another error covers the KeyboardInterrupt.

    Ctrl-C may meet somebody else's code anywhere, and what this code does on its way out may fail too.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def pass_on_interrupt(error: BaseException) -> None:
    """Nothing, unless a person's Ctrl-C ended it: whoever catches any error and goes on asks this first.

    Raises:
        KeyboardInterrupt: it did.
    """
    if is_interrupt(error):
        raise KeyboardInterrupt from None


def first_names(names: Iterable[str], limit: int = 3) -> str:
    """The first names of a list, and how many more there are.

    >>> first_names(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    listed = list(names)
    shown = ", ".join(listed[:limit])
    return shown if len(listed) <= limit else f"{shown} and {len(listed) - limit} more"


def percent(share: float) -> str:
    """A share of 0 to 1 in whole percent; 0 and 100 are said only of none and of all.

    >>> percent(0), percent(0.004), percent(0.764), percent(0.996), percent(1)
    ('0 %', '<1 %', '76 %', '>99 %', '100 %')
    """
    text = f"{100 * share:.0f} %"
    if 0 < share < 1:
        return {"0 %": "<1 %", "100 %": ">99 %"}.get(text, text)
    return text


def counted(number: int, noun: str, nouns: str | None = None) -> str:
    """A number with its noun, as every message writes it.

    Args:
        number: of things.
        noun: for one of them.
        nouns: for several, where it is not the noun with an s.

    >>> counted(1, "unit"), counted(1200, "unit"), counted(0, "benchmark of choices", "benchmarks of choices")
    ('1 unit', '1,200 units', '0 benchmarks of choices')
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def nearest_first(wanted: str, options: Iterable[str]) -> list[str]:
    """All options in their own order, but those that resemble the wanted word (in whatever case) first.

    >>> nearest_first("alexnt", ["vgg16", "alexnet", "resnet18"])
    ['alexnet', 'vgg16', 'resnet18']
    """
    listed = list(options)
    close = get_close_matches(wanted.lower(), {option.lower(): None for option in listed}, n=3, cutoff=0.5)
    near = [option for match in close for option in listed if option.lower() == match]
    return near + [option for option in listed if option not in near]


def either(wanted: str, options: Iterable[str]) -> str:
    """A few options as words, those that resemble the wanted word first.

    >>> either("fp8", ["bf16", "fp32", "tf32"])
    'fp32, bf16 or tf32'
    """
    *first, last = nearest_first(wanted, options)
    return f"{', '.join(first)} or {last}" if first else last


def choices(wanted: str, options: Iterable[str]) -> str:
    """The options for an error message, those that resemble the wanted word first; of very many only the nearest.

    >>> choices("alexnt", ["vgg16", "alexnet"])
    'alexnet, vgg16'
    """
    listed = nearest_first(wanted, options)
    if not listed:
        return "none"
    shown = listed if len(listed) <= SHOWN else listed[:5]
    return first_names(listed, len(shown))
