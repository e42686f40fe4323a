"""The command line's frame: the commands' common form, their help pages, and the refusal of unknown flags.

It imports nothing but typer: help and completion answer at once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from iqa_lab.cli.arguments import split
from iqa_lab.cli.groups import GROUPS, number_of_options
from iqa_lab.errors import (
    DONE,
    FAILED,
    WRONG_USE,
    Interrupted,
    UnitFailed,
    UserError,
    either,
    nearest_first,
    pass_on_interrupt,
)

_INTERRUPTED = 130  # what typer makes of Ctrl-C
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 80}
_HYDRA = "hydra"  # of Hydra's flags in a command's context


class Command(TyperCommand):
    """A command with examples in its help, which refuses a flag by name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer parses; unknown flags are refused first."""
        self.refuse_unknown(ctx, args)
        return super().parse_args(ctx, args)

    def refuse_unknown(self, ctx: Any, args: Sequence[str]) -> None:
        """Nothing, if the command knows every flag.

        Raises:
            UserError: it does not; the nearest flag is named, or the command that has it.
        """
        takes_value = flags_of(self, ctx)
        waiting = list(args)
        while waiting:
            flag, equals, _ = waiting.pop(0).partition("=")
            if flag == "--":
                return
            if not flag.startswith("-") or flag == "-":
                continue
            if flag not in takes_value:
                raise UserError(f"{ctx.command_path} has no {flag}: {_nearest_flag(flag, list(takes_value), ctx)}")
            if takes_value[flag] and not equals and waiting:
                waiting.pop(0)

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """The examples, line by line as they are written."""
        _write_examples(self.epilog, formatter)


class GridCommand(Command):
    """A command that takes overrides of the configuration and, besides its own flags, Hydra's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer parses what remains without Hydra's flags; ``hydra_flags`` gives those."""
        if "--hydra-help" in args:
            ctx.meta[_HYDRA] = ["--hydra-help"]
            return super().parse_args(ctx, [])
        plain, flags = split(args)
        ctx.meta[_HYDRA] = flags
        return super().parse_args(ctx, plain)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The groups to choose from, then the options."""
        with formatter.section("Choose GROUP=OPTION (iqa-lab list shows the options)"):
            rows = [(f"{group}=", f"{number_of_options(group):>4}  {what}") for group, what in GROUPS.items()]
            formatter.write_dl(rows)
        with formatter.section("Set KEY=VALUE"):
            formatter.write_text(
                "Any key, as layers, precision, preprocess.resize, runtime.device, benchmark.path, weights.seed: Tab "
                "completes them (iqa-lab completion --install); --cfg job prints them all."
            )
        super().format_options(ctx, formatter)


class Group(TyperGroup):
    """All commands; one that does not exist is refused with the nearest."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names.

        Raises:
            UserError: there is none.
        """
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            near = nearest_first(args[0], known)[:3]
            raise UserError(f"there is no command {args[0]}; the nearest are {', '.join(near)}: iqa-lab -h shows all")
        return super().resolve_command(ctx, args)

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """The examples, line by line as they are written."""
        _write_examples(self.epilog, formatter)


def hydra_flags(context: typer.Context) -> list[str]:
    """Hydra's own flags among a command's arguments, with their values."""
    flags: list[str] = context.meta.get(_HYDRA, [])
    return flags


def flags_of(command: Any, ctx: Any) -> dict[str, bool]:
    """A command's own flags, and whether each takes a value."""
    return {
        name: not getattr(param, "is_flag", True)
        for param in command.get_params(ctx)
        if param.param_type_name == "option"
        for name in (*param.opts, *param.secondary_opts)
    }


def _nearest_flag(flag: str, own: list[str], ctx: Any) -> str:
    """What to say about a flag that a command does not know."""
    elsewhere = [name for name, flags in _others(ctx) if flag in flags and name != ctx.info_name]
    if elsewhere:
        return f"it is a flag of iqa-lab {either(flag, elsewhere)}"
    near = nearest_first(flag, own)
    return f"the nearest is {near[0]}; {ctx.command_path} -h shows all"


def _others(ctx: Any) -> Iterator[tuple[str, dict[str, bool]]]:
    group: Any = ctx.parent.command if ctx.parent is not None else None
    for name in group.list_commands(ctx) if isinstance(group, Group) else []:
        yield name, flags_of(group.get_command(ctx, name), ctx)


def _write_examples(text: str | None, formatter: Any) -> None:
    if not text:
        return
    with formatter.section("Examples"):
        for line in text.strip().splitlines():
            formatter.write(f"  {line.strip()}\n")


app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, cls=Group,
    context_settings=_CONTEXT, epilog="""
    iqa-lab run                                             the built-in example
    iqa-lab run benchmark=table benchmark.path=pairs.csv    your own pairs
    iqa-lab list benchmarks                                 what there is
    """,
)  # fmt: skip


def call(arguments: Sequence[str]) -> tuple[int, str]:
    """The exit code of one command, and its message for standard error; empty if all went well.

    Args:
        arguments: of the command line.
    """
    words = list(arguments)
    if words[:1] == ["run"] and {"-m", "--multirun"} & set(words):
        words = ["sweep", *(word for word in words[1:] if word not in ("-m", "--multirun"))]
    try:
        leave = app(words, standalone_mode=False, prog_name="iqa-lab")  # a number where a command gave an exit code
    except Interrupted as error:
        return WRONG_USE, str(error)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        pass_on_interrupt(error)
        if isinstance(error, UserError | UnitFailed):
            return (FAILED if isinstance(error, UnitFailed) else WRONG_USE), str(error)
        if hasattr(error, "format_message"):  # click's own errors of usage
            return WRONG_USE, error.format_message()
        from iqa_lab.config.messages import foreseen_message

        message = foreseen_message(error)
        if message is None:
            raise
        return WRONG_USE, message
    if leave == _INTERRUPTED:
        raise KeyboardInterrupt
    return (leave, "") if isinstance(leave, int) else (DONE, "")
