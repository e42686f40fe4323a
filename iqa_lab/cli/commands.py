"""The commands: what they take; thin. Hydra reads the overrides, ``iqa_lab.unit`` does the work."""

import json
from pathlib import Path
from typing import Annotated

import typer
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from iqa_lab import __version__
from iqa_lab.cli.arguments import own_folder, split, take_option
from iqa_lab.cli.hydra import check_choice_of_weights, run_hydra, with_flags
from iqa_lab.cli.printing import print_rows
from iqa_lab.config import StatisticsConfig, configuration_folder
from iqa_lab.config.check import checked
from iqa_lab.config.messages import plain_message
from iqa_lab.config.options import checked_own_folder
from iqa_lab.errors import DONE, FAILED, WRONG_USE, UnitFailed, UserError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
_INTERRUPTED = 130  # what typer makes of Ctrl-C
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": True}


def call(arguments: list[str] | None = None) -> tuple[int, str]:
    """The exit code of one command, and what is to be said on standard error; nothing where all is well.

    Args:
        arguments: of the command line; None takes this process's own.
    """
    try:
        leave = app(arguments, standalone_mode=False)  # a number where a command asked for an exit code
        if leave == _INTERRUPTED:
            raise KeyboardInterrupt
        return (leave, "") if isinstance(leave, int) else (DONE, "")
    except (UserError, UnitFailed, HydraException, OmegaConfBaseException, YAMLError) as error:
        return (FAILED if isinstance(error, UnitFailed) else WRONG_USE), plain_message(error)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own errors of usage
            return WRONG_USE, error.format_message()
        raise


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Why do networks that never saw a human opinion predict human opinion of image quality?"""
    if version:
        print(__version__)


@app.command(context_settings={**_PASS_ON, "help_option_names": []})
def run(context: typer.Context) -> None:
    """Score one unit; -m is sweep. Takes Hydra's overrides and flags, and --force."""
    run_hydra(with_flags(context.args))


@app.command(context_settings={**_PASS_ON, "help_option_names": []})
def sweep(context: typer.Context) -> None:
    """Score the grid of comma lists, glob(*), range() and experiment=NAME; the same command again does what is missing.

    --dry-run shows the plan, --retry failed does only what failed, --force everything again, --all lists in full.
    """
    run_hydra(["-m", *with_flags(context.args)])


@app.command(context_settings={**_PASS_ON, "help_option_names": []})
def status(context: typer.Context) -> None:
    """Show what of a grid is done, running, failed, missing and empty; without overrides that of the last sweep.

    --watch keeps looking, --all lists in full.
    """
    from iqa_lab.cli.sweep import last_arguments

    overrides, flags = split(with_flags(context.args))
    own = own_folder(flags)
    if own is not None:
        checked_own_folder(own)
    if all(override.startswith(("hydra.", "results=")) for override in overrides):
        folders = [override.partition("=")[2] for override in overrides if override.startswith("results=")]
        last, config_dir = last_arguments(Path(folders[-1] if folders else "results"))
        overrides = [*last, *overrides]
        flags = flags or (["--config-dir", config_dir] if config_dir else [])
    run_hydra(["-m", *flags, *overrides, "hydra.sweeper.action=status"])


@app.command(context_settings={**_PASS_ON, "help_option_names": []})
def submit(context: typer.Context) -> None:
    """Like sweep, on SLURM: hands in an array of jobs and returns at once with its number."""
    arguments = with_flags(context.args)
    launcher = [] if any(argument.startswith("hydra/launcher=") for argument in arguments) else ["hydra/launcher=slurm"]
    run_hydra(["-m", *arguments, *launcher, "hydra.sweeper.action=submit"])


@app.command()
def results(
    folder: Annotated[Path, typer.Argument(help="The results folder.")] = Path("results"),
    where: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE or an expression: only these rows")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows and columns, as CSV.")] = False,
    across: Annotated[bool, typer.Option("--across", help="One number over all benchmarks.")] = False,
) -> None:
    """Show one row a unit, the held-out correlation and its interval first; --where shows single columns.

    --csv prints all columns of all units. --across prints one number for each network and readout over benchmarks.
    """
    from iqa_lab.cli.headlines import print_across, print_headlines
    from iqa_lab.store.index import UNIT
    from iqa_lab.store.table import chosen_rows, read_results

    found = read_results(folder)
    table = chosen_rows(found.table, where or [])
    if across:
        print_across(folder, table, where or [], as_csv)
        found.end()
        return
    if as_csv:
        print(table.to_csv(index=False), end="")
        found.end()
        return
    whole = found.only(set(table[UNIT]))
    if len(whole.table) == len(table):  # nothing was chosen inside of units
        print_headlines(whole, "--where chooses, --csv prints all")
        found.end()
        return
    from iqa_lab.statistics.direction import is_low_good

    there = [name for name in ("rms_db", "srcc", "agreement") if name in table and table[name].notna().any()]
    # of stimuli and of opinions together by what both have
    by = [name for name in there if name != "rms_db" or table[name].notna().all()]
    factors = ["benchmark", "goal", "dataset", "weights", "layer", "readout", "n"]
    best = table.sort_values(by, ascending=[is_low_good(name) for name in by]) if by else table
    shown = best[[name for name in [*factors, *there] if name in table]].head(20).round(4).astype(object)
    print_rows([{str(name): value for name, value in row.items()} for row in shown.to_dict("records")])
    if len(table) > 20:
        print(f"{len(table) - 20} more rows: --where chooses, --csv prints all")
    print("Single columns, each by itself: the best of many is optimistic; without --where is what is held out.")
    found.end()


@app.command()
def compare(
    metrics: Annotated[list[str], typer.Argument(help="Two or more FOLDER:READOUT@LAYER; of a baseline the FOLDER.")],
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(help="Of the references.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    as_csv: Annotated[bool, typer.Option("--csv", help="All columns, as CSV.")] = False,
) -> None:
    """Compare metrics on the same pairs of images: differences of SRCC with intervals, and the customary tests.

    A FOLDER is a unit's, as results/tid2013/NETWORK/SIGNATURE.
    """
    from iqa_lab.cli.compare import compare as show

    show(metrics, StatisticsConfig(resamples, confidence, seed), as_csv)


@app.command()
def disagree(
    one: Annotated[str, typer.Argument(help="FOLDER:READOUT@LAYER; of a baseline the FOLDER.")],
    other: Annotated[str, typer.Argument(help="Another.")],
    within: Annotated[float, typer.Option(help="What counts as equal, in standard deviations of the scores.")] = 0.1,
    most: Annotated[int, typer.Option(help="Pairs of images of each kind.")] = 5,
    out: Annotated[Path | None, typer.Option(help="A PNG file with the images.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:
    """Show pairs of images that one metric calls equally good and another does not, and what people say of them."""
    from iqa_lab.cli.compare import disagree as show

    show(one, other, within, most, out, as_csv)


@app.command()
def sync(
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds wandb/.")] = Path("."),
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the server, all runs together.")] = 1800,
) -> None:
    """Send all offline W&B runs to the server in one go; twice is as good as once."""
    from iqa_lab.tracking.sync import sync as send

    print(f"{send(folder, patience=timeout)} runs sent")


@app.command()
def track(
    results: Annotated[Path, typer.Argument(help="A results folder, or the folder of one unit.")] = Path("results"),
    overrides: Annotated[list[str] | None, typer.Argument(help="As tracker.project=NAME tracker.mode=online.")] = None,
) -> None:
    """Log finished results in W&B that were made without it (tracker=none): no pass, twice is as good as once."""
    from iqa_lab.tracking.later import track_results, tracker_of

    given = "=" not in str(results)  # else it is the first override, and the results are those of the working folder
    tracker = tracker_of([*([] if given else [str(results)]), *(overrides or [])])
    logged = track_results(results if given else Path("results"), tracker)
    where = f"offline in {tracker.dir}; iqa-lab sync sends them" if tracker.mode == "offline" else "online"
    print(f"{len(logged)} units logged, {where}")


@app.command(context_settings=_PASS_ON)
def explain(
    context: typer.Context,
    reference: Annotated[Path, typer.Argument(help="The undistorted image.")],
    distorted: Annotated[Path, typer.Argument(help="Another of the same size.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the pictures; else one in explained/.")] = None,
    config_dir: Annotated[Path | None, typer.Option(help="A configuration folder of your own.")] = None,
) -> None:
    """Show where a network sees the difference of two images, layer by layer; takes the overrides of run.

    Such as goal=classification dataset=imagenet1k architecture=alexnet readout=lpips layers=[features.1].
    """
    if {"-m", "--multirun"} & set(context.args):
        raise UserError("explain shows one network at a time: leave out -m")

    def show(composed: DictConfig) -> None:
        from iqa_lab.explain import explain, write_explanation  # torch takes seconds to import
        from iqa_lab.progress import status

        config = checked(composed)
        check_choice_of_weights(config)
        with status(f"{distorted.name}: maps of {config.architecture.name}"):
            explanation = explain(reference, distorted, config)
            own = Path("explained") / f"{distorted.stem}-{explanation.cell}-{explanation.readout}"
            files = write_explanation(explanation, out or own)
        print_rows(explanation.rows())
        print(f"{explanation.network}, readout {explanation.readout}: {files[0]} and {len(files) - 1} pictures beside")

    run_hydra([*context.args, *(["--config-dir", str(config_dir)] if config_dir else [])], show)


@app.command(name="list")
def list_command(
    kind: Annotated[str, typer.Argument(help="goals, datasets, architectures, weights, readouts, benchmarks, ...")],
    filters: Annotated[list[str] | None, typer.Argument(help="COLUMN=VALUE: only these rows")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    config_dir: Annotated[Path | None, typer.Option(help="A configuration folder of your own.")] = None,
) -> None:
    """Show what there is to choose from, as a table or --json."""
    from iqa_lab.cli.catalogue import coverage, coverage_counts, list_options  # torch takes seconds to import

    pairs = dict(_key_value(text) for text in filters or [])
    folders = _folders(config_dir)
    rows = list_options(kind, pairs, folders)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if kind == "weights" and rows:
        print_rows(coverage(rows))
        print(f"\n{coverage_counts(rows)}\n")
    print_rows(rows)


@app.command()
def fetch(
    what: Annotated[
        list[str] | None, typer.Argument(help="benchmark=... or goal=... dataset=... architecture=... weights=...")
    ] = None,
    config_dir: Annotated[Path | None, typer.Option(help="A configuration folder of your own.")] = None,
) -> None:
    """Download benchmarks or weights ahead of a run; the same command again goes on where it was cut."""
    from iqa_lab.benchmarks.fetch import fetch_benchmarks
    from iqa_lab.networks.fetch import fetch_weights

    filters = dict(_key_value(text) for text in what or [])
    folders = _folders(config_dir)
    try:
        benchmarks = filters.pop("benchmark", None)
        if benchmarks is not None:
            fetch_benchmarks([name for name in benchmarks.split(",") if name], folders)
        if filters or benchmarks is None:
            fetch_weights(filters, folders)
    except KeyboardInterrupt:
        raise UserError("interrupted: what came is kept; the same command goes on from there") from None


@app.command()
def verify(
    filters: Annotated[
        list[str] | None,
        typer.Argument(help="As goal=dino*, any columns of list weights; or benchmark=..."),
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download what is not here.")] = False,
    addresses: Annotated[bool, typer.Option("--addresses", help="Only ask whether each address answers.")] = False,
    out: Annotated[Path, typer.Option(help="The JSON file with all facts, to send back.")] = Path("verify.json"),
    config_dir: Annotated[Path | None, typer.Option(help="A configuration folder of your own.")] = None,
) -> None:
    """Load every training and benchmark that is here and say what does not fit.

    Looks at files, tensors, layers and what is made of a known image; writes all that is found as JSON, to send back.
    """
    from iqa_lab.cli.verify import ask_addresses, verify_everything  # torch takes seconds to import

    pairs = dict(_key_value(text) for text in filters or [])
    if addresses:
        if fetch:
            raise UserError("--addresses downloads nothing: leave out --fetch")
        ask_addresses(pairs, _folders(config_dir), out)
        return
    verify_everything(pairs, _folders(config_dir), fetch, out)


@app.command(context_settings={**_PASS_ON, "help_option_names": []})
def report(context: typer.Context) -> None:
    """Write one HTML page with figures and tables: report [RESULTS], or report experiment=NAME and other overrides.

    --out FOLDER says where (default reports/NAME), --recompute makes all statistics anew from the scores, with other
    settings where they are given, as statistics.confidence=.9. --pairs writes the scores of all pairs of a results
    folder as CSV, and no page.
    """
    arguments, out = take_option(context.args, "--out")
    again, pairs = "--recompute" in arguments, "--pairs" in arguments
    plain, flags = split([argument for argument in arguments if argument not in ("--recompute", "--pairs")])
    folders = [argument for argument in plain if "=" not in argument]
    if len(folders) > 1:
        raise UserError(f"one results folder, not {len(folders)}: iqa-lab report [RESULTS] [experiment=NAME]")
    overrides = [*(argument for argument in plain if "=" in argument), *flags]
    if pairs:
        from iqa_lab.report.pairs import write_pairs

        results = Path(folders[0] if folders else "results")
        if overrides or again:
            raise UserError(
                "--pairs takes a results folder and nothing else: iqa-lab report RESULTS --pairs [--out FOLDER]"
            )
        beside = Path(out) if out else Path("reports") / results.resolve().name
        print(f"scores of the pairs of {write_pairs(results, beside)} units in {beside / 'pairs'}")
    elif again:
        from iqa_lab.store.recompute import recompute

        results = Path(folders[0] if folders else "results")
        units = recompute(results, overrides)
        print(f"recomputed the statistics of {len(units)} unit{'s' * (len(units) != 1)} in {results}")
    elif overrides:
        where = [f"results={folders[0]}"] if folders else []
        place = [f"hydra.sweeper.report_folder={out}"] if out else []
        run_hydra(["-m", *with_flags(overrides), *where, *place, "hydra.sweeper.action=report"])
    else:
        from iqa_lab.report.command import report_everything

        page = report_everything(Path(folders[0] if folders else "results"), Path(out) if out else None)
        print(f"report in {page}")


def _folders(own: Path | None) -> list[Path]:
    """The configuration folders, the user's own first."""
    return [*([checked_own_folder(own)] if own is not None else []), configuration_folder()]


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"{text!r} is no filter: write COLUMN=VALUE, as in goal=classification")
    return key, value
