"""A command line up to the cursor -> the words that Tab may put there.

Nothing heavy is imported, for an answer has to come at once: options are the names of files in ``conf/``, keys are read
from the source of the schema.
"""

import ast
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from iqa_lab.cli.groups import COLUMNS_OF, GROUPS, KINDS
from iqa_lab.folders import configuration_folder, option_files

ASKED = "_IQA_LAB_COMPLETE"  # the variable in which a shell names itself when it asks
_LINE = "_IQA_LAB_LINE"  # and that which holds the line up to the cursor

_GRID = ("run", "sweep", "status", "submit", "report", "explain")
_FACTORS = ("goal", "dataset", "architecture")

# values of keys whose type does not tell them
_USUAL = {
    "layers": ("all", "fine"),
    "concat": ("raw", "scaled"),
    "runtime.device": ("auto", "cpu", "cuda"),
    "runtime.batch_size": ("auto",),
    "preprocess.resize": ("null",),
}
_OF_FLAGS = {
    "--retry": ("failed", "all"),
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
_FLAGS_OF_HYDRA = ("--cfg", "--info", "--resolve", "--package")


def answer(shell: str) -> str:
    """The answer to a shell: a candidate per line."""
    line = os.environ.get(_LINE, "")
    words, last, quoted = parsed(line)
    found = candidates(words, last)
    if shell == "bash" and not quoted:  # it takes = and : for the ends of words
        start = max(last.rfind("="), last.rfind(":")) + 1
        found = [one[start:] for one in found]
    return "".join(f"{one}\n" for one in found)


def parsed(line: str) -> tuple[list[str], str, bool]:
    """The words behind the program's name, the one that is being typed, and whether a quote is open in it.

    >>> parsed("iqa-lab run goal=cl"), parsed("cd x && iqa-lab list 'weights' ")
    ((['run'], 'goal=cl', False), (['list', 'weights'], '', False))
    """
    words: list[str] = []
    word: str | None = None
    quote = ""
    escaped = False
    for one in line:
        if escaped:
            word, escaped = (word or "") + one, False
        elif one == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if one == quote else quote
            word = (word or "") + (one if quote else "")
        elif one in "'\"":
            quote, word = one, word or ""
        elif one in "|;&\n":
            words, word = [], None
        elif one.isspace():
            words += [word] if word is not None else []
            word = None
        else:
            word = (word or "") + one
    program = next((place for place, one in enumerate(words) if Path(one).name == "iqa-lab"), -1)
    return words[program + 1 :], word or "", bool(quote)


def candidates(words: Sequence[str], last: str) -> list[str]:
    """The words that begin with the last one and may stand there; none where files may: the shell completes these.

    Args:
        words: behind the program's name, before the last one.
        last: what is typed so far, perhaps nothing.

    >>> candidates(["run"], "goal=class"), candidates([], "swe")
    (['goal=classification'], ['sweep'])
    """
    return [one for one in dict.fromkeys(_possible(words, last)) if one.startswith(last)]


def _possible(words: Sequence[str], last: str) -> Iterator[str]:
    command = next((word for word in words if not word.startswith("-")), None)
    if command is None:
        yield from _flags("") if last.startswith("-") else _flags_by_command()
        return
    previous = words[-1]
    if previous in _OF_FLAGS:
        yield from _OF_FLAGS[previous]
    elif last.startswith("-"):
        yield from _flags(command)
        yield from _FLAGS_OF_HYDRA if command in _GRID else ()
    elif previous.startswith("-") and _flags_by_command().get(command, {}).get(previous):
        yield from (f"{column}=" for column in COLUMNS_OF["results"]) if previous == "--where" else ()
    elif command in _GRID:
        yield from _overrides(words, last)
    elif command == "list":
        yield from _of_list([word for word in words[1:] if not word.startswith("-")], words, last)
    elif command in ("fetch", "verify"):
        columns = ("benchmark", *COLUMNS_OF["weights"])
        yield from _filters(columns, words, last)
    elif command == "track":
        yield from (one for one in _overrides(words, last) if one.startswith("tracker."))
    elif command == "completion":
        yield from ("bash", "zsh", "fish")


@cache
def _flags_by_command() -> dict[str, dict[str, bool]]:
    """The long flags of every command, and whether each takes a value, in the order of the help.

    They are read from the sources of the commands: importing typer takes a third of the time that an answer may take.
    """
    sources = [Path(__file__).with_name(name) for name in ("runs.py", "commands.py")]
    others = [file for file in sorted(Path(__file__).parent.glob("*.py")) if file not in [*sources, Path(__file__)]]
    found: dict[str, dict[str, bool]] = {}
    for source in [*sources, *others]:
        text = source.read_text(encoding="utf-8")
        if "@app.command(" in text:
            tree = ast.parse(text)
            shared = {node.targets[0].id: node.value for node in tree.body
                      if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}  # fmt: skip
            found |= dict(_commands_in(tree, shared))
    return found


def _commands_in(tree: ast.Module, shared: Mapping[str, ast.expr]) -> Iterator[tuple[str, dict[str, bool]]]:
    """The commands that a module declares, each with its flags; ``shared``: declarations that have a name."""
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for decorator in function.decorator_list:
            if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "app.command":
                continue
            given = [one.value.value for one in decorator.keywords
                     if one.arg == "name" and isinstance(one.value, ast.Constant)]  # fmt: skip
            flags: dict[str, bool] = {}
            for argument in function.args.args:
                declared = argument.annotation
                if isinstance(declared, ast.Name):
                    declared = shared.get(declared.id)
                flags |= _flags_of(argument.arg, declared)
            yield str((given or [function.name])[0]), {**flags, "--help": False}


def _flags_of(argument: str, declared: ast.expr | None) -> dict[str, bool]:
    """The long flags of one argument of a command; none where it is no option."""
    for call in ast.walk(declared) if declared is not None else ():
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "typer.Option":
            names = [one.value for one in call.args if isinstance(one, ast.Constant)]
            long = [str(name) for name in names if str(name).startswith("--")]
            takes_value = "Annotated[bool" not in ast.unparse(declared or call)
            return dict.fromkeys(long or [f"--{argument.strip('_').replace('_', '-')}"], takes_value)
    return {}


def _flags(command: str) -> Iterator[str]:
    if not command:
        yield from ("--help", "--version")
        return
    yield from _flags_by_command().get(command, {})


def _of_list(arguments: Sequence[str], words: Sequence[str], last: str) -> Iterator[str]:
    """What may follow ``iqa-lab list``: a kind, then its columns and names."""
    if not arguments:
        yield from KINDS
        return
    kind = arguments[0]
    yield from _filters(COLUMNS_OF.get(kind, ()), words, last)
    if "=" not in last and kind in KINDS and kind != "layers":
        options = option_files(kind if kind == "weights" else kind.removesuffix("s"), _folders(words))
        yield from dict.fromkeys(option.rpartition("/")[2] if kind == "weights" else option for option in options)


def _filters(columns: Sequence[str], words: Sequence[str], last: str) -> Iterator[str]:
    key, equals, _ = last.partition("=")
    if not equals:
        yield from (f"{column}=" for column in columns)
    elif key in columns:
        yield from _values(key, last, words)


def _overrides(words: Sequence[str], last: str) -> Iterator[str]:
    """Overrides of the configuration: groups, keys level by level, and behind = their values."""
    sign = last[: len(last) - len(last.lstrip("+~"))]
    key, equals, _ = last.removeprefix(sign).partition("=")
    if equals:
        yield from (sign + one for one in _values(key, last.removeprefix(sign), words))
        return
    if "." not in key:
        yield from (f"{sign}{group}=" for group in GROUPS)
    for name in dict.fromkeys(_level(name, key) for name in _keys(words) if name.startswith(key)):
        group = name.removesuffix(".")
        if group not in GROUPS or key.startswith(group):  # of a group its options first, its keys when it is spelt out
            yield sign + name


def _level(name: str, typed: str) -> str:
    """A key as far as the next dot behind what is typed, which another Tab goes beyond; a whole one with its =."""
    dot = name.find(".", len(typed))
    return f"{name}=" if dot < 0 else name[: dot + 1]


def _values(key: str, last: str, words: Sequence[str]) -> Iterator[str]:
    """``key=value`` for all values of a key, behind what is typed of a list."""
    _, _, typed = last.partition("=")
    head = last[: len(last) - len(typed)]
    start = max(typed.rfind(","), typed.rfind("[")) + 1
    head, typed = head + typed[:start], typed[start:]
    for value in _values_of(key, typed, words):
        yield head + value


def _values_of(key: str, typed: str, words: Sequence[str]) -> Iterator[str]:
    if key == "weights":
        yield from _weights(typed, words)
    elif key in GROUPS:
        yield from option_files(key, _folders(words))
        yield from ("basic",) if key == "hydra/launcher" else ()
    elif key in _USUAL:
        yield from _USUAL[key]
    else:
        yield from _schema().words.get(_in_schema(key), ())


def _weights(typed: str, words: Sequence[str]) -> Iterator[str]:
    """Trainings of the goal, dataset and architecture asked for: their short names, and the tree level by level."""
    asked = {key: value.split(",") for key, _, value in (word.partition("=") for word in words) if key in _FACTORS}
    for option in option_files("weights", _folders(words)):
        parts = option.split("/")
        fits = all(
            part == value or (factor == "architecture" and part.startswith(f"{value}."))
            for factor, part in zip(_FACTORS, parts, strict=False)
            for value in asked.get(factor, [part])[:1]
        )
        if fits and "/" not in typed:
            yield parts[-1]
        if fits:
            yield _branch(option, typed)


def _branch(option: str, typed: str) -> str:
    slash = option.find("/", len(typed))
    return option if slash < 0 else option[: slash + 1]


def _folders(words: Sequence[str]) -> list[Path]:
    """The configuration folders, the user's own first."""
    own = [
        Path(word.partition("=")[2] if "=" in word else following)
        for word, following in zip(words, [*words[1:], ""], strict=True)
        if word.partition("=")[0] in ("--config-dir", "-cd")
    ]
    return [*(folder.expanduser() for folder in own[-1:]), configuration_folder()]


@dataclass
class _Schema:
    """The keys of a run in dotted form, and the words that some of them take."""

    keys: list[str] = field(default_factory=list)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def _schema() -> _Schema:
    """Read from the source of ``config/schema.py``, which takes a hundredth of what importing it takes."""
    tree = ast.parse((Path(__file__).parents[1] / "config" / "schema.py").read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = _Schema()

    def add(name: str, prefix: str) -> None:
        for entry in classes[name].body:
            if not isinstance(entry, ast.AnnAssign) or not isinstance(entry.target, ast.Name):
                continue
            key, kind = prefix + entry.target.id, ast.unparse(entry.annotation)
            if kind in classes:
                add(kind, f"{key}.")
            elif kind == "dict[str, ReadoutConfig]":
                add("ReadoutConfig", f"{key}.*.")
            else:
                found.keys.append(key)
                words = ("true", "false") if kind == "bool" else _words(entry.value, constants)
                if words:
                    found.words[key] = words

    add("Config", "")
    return found


def _words(value: ast.expr | None, constants: dict[str, ast.expr]) -> tuple[str, ...]:
    """The words that a field takes whose metadata are ``word(...)``."""
    for call in ast.walk(value) if value is not None else ():
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "word":
            listed = [constants[one.value.id] if isinstance(one, ast.Starred) and isinstance(one.value, ast.Name)
                      else one for one in call.args]  # fmt: skip
            return tuple(
                one.value for part in listed for one in ast.walk(part)
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )  # fmt: skip
    return ()


def _keys(words: Sequence[str]) -> Iterator[str]:
    """All keys, those of readouts by their names."""
    readouts = option_files("readout", _folders(words))
    for key in _schema().keys:
        yield from (key.replace("*", name) for name in readouts) if "*" in key else (key,)


def _in_schema(key: str) -> str:
    """A key as the schema has it: of any readout.

    >>> _in_schema("readouts.plain.symmetric"), _in_schema("tokens")
    ('readouts.*.symmetric', 'tokens')
    """
    parts = key.split(".")
    return ".".join([parts[0], "*", *parts[2:]]) if parts[0] == "readouts" and len(parts) > 2 else key
