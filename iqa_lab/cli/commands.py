"""The commands about what there is and what was found: results, compare, list, fetch, verify and the like; thin.

The commands that take a configuration are in ``runs``. Each imports what it needs when it is called.
"""

from pathlib import Path
from typing import Annotated

import typer

from iqa_lab import __version__
from iqa_lab.cli import runs  # noqa: F401  first in the help
from iqa_lab.cli.app import Command, app, call
from iqa_lab.cli.groups import KINDS
from iqa_lab.errors import Interrupted, UserError, counted
from iqa_lab.progress import status

__all__ = ["app", "call"]


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Why do networks that never saw a human opinion predict human opinion of image quality?

    iqa-lab COMMAND -h explains a command.
    """
    if version:
        print(__version__)


@app.command(
    cls=Command,
    short_help="Show what was found: a block per benchmark, a row per unit.",
    epilog="""
    iqa-lab results
    iqa-lab results --where benchmark=tid2013 --where 'depth > .5' --top 10
    iqa-lab results --csv > all.csv
    """,
)
def results(
    folder: Annotated[Path, typer.Argument(help="The results folder.", metavar="RESULTS")] = Path("results"),
    where: Annotated[
        list[str] | None,
        typer.Option(help="Only these rows; several times: all of them hold.", metavar="COLUMN=VALUE|EXPRESSION"),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="Numbers from the best, names from A to Z.", metavar="COLUMN")
    ] = None,
    top: Annotated[int | None, typer.Option(help="So many rows of each benchmark.", metavar="N", min=1)] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows and columns, as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as a list of objects.")] = False,
    across: Annotated[bool, typer.Option("--across", help="One number over all benchmarks.")] = False,
) -> None:
    """Show what was found: a block for each benchmark, a row for each unit.

    First the value at the layer and readout that other references choose, with its interval, then the best column.
    Each benchmark is ordered by its own statistic; those without human opinion come last. --where on layers or
    readouts shows single columns.
    """
    with status("reading the results"):
        from iqa_lab.cli.headlines import Wanted, print_across, print_columns, print_headlines
        from iqa_lab.cli.headlines import as_json as json_of
        from iqa_lab.store.index import UNIT
        from iqa_lab.store.table import chosen_rows, read_results

    if as_csv and as_json:
        raise UserError("--csv or --json, not both")
    machine = "csv" if as_csv else "json" if as_json else None
    wanted = Wanted(sort, top)
    found = read_results(folder)
    table = chosen_rows(found.table, where or [])
    whole = found.only(set(table[UNIT]))
    if across:
        if sort is not None or top is not None:
            raise UserError("--across is ordered by its one number: leave out --sort and --top")
        print_across(folder, table, where or [], machine)
    elif machine:
        chosen = wanted.chosen(table, "")
        print(json_of(chosen) if as_json else chosen.to_csv(index=False).rstrip("\n"))
    elif len(whole.table) == len(table):  # nothing was chosen inside of units
        print_headlines(whole, "--top N shows more, --where chooses, --csv prints all", folder, wanted)
    else:
        print_columns(whole, table, folder, wanted)
    found.end()


@app.command(
    cls=Command,
    short_help="Compare metrics on the same pairs, with intervals.",
    epilog="""
    iqa-lab compare FOLDER:plain@features.7 FOLDER:mean@features.7
    iqa-lab compare FOLDER:lpips@layer3 FOLDER_OF_PSNR --confidence .9
    iqa-lab compare FOLDER_OF_PSNR FOLDER_OF_SSIM --csv > differences.csv
    """,
)
def compare(
    metrics: Annotated[
        list[str],
        typer.Argument(help="Two or more FOLDER:READOUT@LAYER; of a baseline the FOLDER.", metavar="METRIC"),
    ],
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(help="Of the references.")] = 2000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    as_csv: Annotated[bool, typer.Option("--csv", help="All columns, as CSV.")] = False,
) -> None:
    """Compare metrics on the same pairs of images: differences of SRCC with intervals, and the customary tests.

    A FOLDER is a unit's, as results/tid2013/NETWORK/SIGNATURE.
    """
    with status("starting"):
        from iqa_lab.cli.compare import compare as show
        from iqa_lab.config import StatisticsConfig

    show(metrics, StatisticsConfig(resamples, confidence, seed), as_csv)


@app.command(
    cls=Command,
    short_help="Show the pairs on which two metrics disagree most.",
    epilog="""
    iqa-lab disagree FOLDER:plain@features.7 FOLDER_OF_PSNR
    iqa-lab disagree FOLDER:plain@features.7 FOLDER_OF_PSNR --out pairs.png
    iqa-lab disagree FOLDER_OF_PSNR FOLDER_OF_SSIM --most 20 --csv > pairs.csv
    """,
)
def disagree(
    one: Annotated[str, typer.Argument(help="FOLDER:READOUT@LAYER; of a baseline the FOLDER.", metavar="METRIC")],
    other: Annotated[str, typer.Argument(help="Another.", metavar="METRIC")],
    within: Annotated[float, typer.Option(help="What counts as equal, in standard deviations of the scores.")] = 0.1,
    most: Annotated[int, typer.Option(help="Pairs of images of each kind.")] = 5,
    out: Annotated[
        Path | None, typer.Option(help="A PNG file with the images.", metavar="FILE", show_default=False)
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:
    """Show pairs of images that one metric calls equally good and another does not, and what people say of them.

    A FOLDER is a unit's, as results/tid2013/NETWORK/SIGNATURE.
    """
    with status("starting"):
        from iqa_lab.cli.compare import disagree as show

    show(one, other, within, most, out, as_csv)


@app.command(
    cls=Command,
    short_help="Send offline W&B runs to the server.",
    epilog="""
    iqa-lab sync
    iqa-lab sync --dir /data/experiment
    iqa-lab sync --timeout 600
    """,
)
def sync(
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds wandb/.", metavar="FOLDER")] = Path("."),
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the server, all runs together.")] = 1800,
) -> None:
    """Send all offline W&B runs to the server. A run that was sent before is not sent again."""
    from iqa_lab.tracking.sync import sync as send

    print(f"{counted(send(folder, patience=timeout), 'run')} sent")


@app.command(
    cls=Command,
    short_help="Log finished results in W&B that were made without it.",
    epilog="""
    iqa-lab track
    iqa-lab track results tracker.project=mine
    iqa-lab track results/tid2013/NETWORK/SIGNATURE tracker.mode=online
    """,
)
def track(
    results: Annotated[
        Path, typer.Argument(help="A results folder, or the folder of one unit.", metavar="RESULTS")
    ] = Path("results"),
    overrides: Annotated[
        list[str] | None, typer.Argument(help="As tracker.project=NAME tracker.mode=online.", metavar="KEY=VALUE")
    ] = None,
) -> None:
    """Log finished results in W&B that were made without it (tracker=none). Nothing is computed or logged again."""
    from iqa_lab.tracking.later import track_results, tracker_of

    given = "=" not in str(results)  # else it is the first override, and the results are those of the working folder
    tracker = tracker_of([*([] if given else [str(results)]), *(overrides or [])])
    logged = track_results(results if given else Path("results"), tracker)
    where = f"offline in {tracker.dir}; iqa-lab sync sends them" if tracker.mode == "offline" else "online"
    print(f"{counted(len(logged), 'unit')} logged, {where}")


@app.command(
    cls=Command,
    short_help="Score images by any metric; no opinions needed.",
    epilog="""
    iqa-lab score ref.png a.png b.png architecture=alexnet readout=lpips
    iqa-lab score pairs.csv --metric mine.safetensors --out scores.csv
    iqa-lab score --reference-folder refs --distorted-folder images --csv
    """,
)
def score(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            help="REFERENCE DISTORTED..., or pairs.csv; and words as of run: architecture=...",
            metavar="IMAGE|KEY=VALUE",
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="A .safetensors file, or RESULT:COLUMN.", metavar="METRIC", show_default=False)
    ] = None,
    reference_folder: Annotated[
        Path | None,
        typer.Option(help="Of images, by the names of the distorted.", metavar="FOLDER", show_default=False),
    ] = None,
    distorted_folder: Annotated[
        Path | None, typer.Option(help="Of distorted images.", metavar="FOLDER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A CSV file; the same command goes on there.", metavar="FILE", show_default=False),
    ] = None,
    opinion_of: Annotated[
        Path | None,
        typer.Option(help="Of a unit: predict opinions by its logistic.", metavar="FOLDER", show_default=False),
    ] = None,
    each_layer: Annotated[bool, typer.Option("--each-layer", help="Every layer by itself.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at once.")] = 8,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
    config_dir: Annotated[
        Path | None, typer.Option(help="A configuration folder of your own.", metavar="FOLDER", show_default=False)
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that the metric names.")] = False,
) -> None:
    """Score images by a metric; no opinions needed.

    Several layers become one distance, as concat=[raw] does.
    """
    with status("loading torch"):
        from iqa_lab.cli.score import score_command

    words = [text for text in images or [] if "=" in text and not Path(text).exists()]
    score_command(
        [text for text in images or [] if text not in words], words, metric=metric, reference_folder=reference_folder,
        distorted_folder=distorted_folder, out=out, opinion_of=opinion_of, each_layer=each_layer, as_csv=as_csv,
        batch_size=batch_size, workers=workers, config_dir=config_dir, trust=trust,
    )  # fmt: skip


@app.command(
    cls=Command,
    name="list",
    short_help="Show what there is to choose from.",
    epilog="""
    iqa-lab list benchmarks
    iqa-lab list benchmarks tid2013
    iqa-lab list weights 'resnet50*' 'goal=dino*'
    """,
)
def list_command(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.", metavar="KIND")],
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these; * stands for any text. One NAME alone: all about it.", metavar="NAME|COLUMN=VALUE"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All columns, as a list of objects.")] = False,
    config_dir: Annotated[
        Path | None, typer.Option(help="A configuration folder of your own.", metavar="FOLDER", show_default=False)
    ] = None,
) -> None:
    """Show what there is to choose from: one line per option; all about one; or --json.

    Layers are those of one network: iqa-lab list layers architecture=alexnet.
    """
    with status("looking"):  # torch takes seconds to import
        from iqa_lab.cli.listing import show_options

    show_options(kind, filters or [], _folders(config_dir), as_json)


@app.command(
    cls=Command,
    short_help="Download benchmarks or weights ahead of a run.",
    epilog="""
    iqa-lab fetch benchmark=csiq
    iqa-lab fetch goal=classification dataset=imagenet1k architecture=alexnet
    iqa-lab fetch benchmark=kadid10k,pipal
    """,
)
def fetch(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="benchmark=..., or goal=... dataset=... architecture=... weights=...", metavar="COLUMN=VALUE"
        ),
    ] = None,
    config_dir: Annotated[
        Path | None, typer.Option(help="A configuration folder of your own.", metavar="FOLDER", show_default=False)
    ] = None,
) -> None:
    """Download benchmarks or weights ahead of a run; the same command again goes on where it was cut."""
    with status("starting"):
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
        raise Interrupted("interrupted: what came is kept; the same command goes on from there") from None


@app.command(
    cls=Command,
    short_help="Check every training and benchmark that is here.",
    epilog="""
    iqa-lab verify
    iqa-lab verify 'goal=dino*' --fetch
    iqa-lab verify benchmark=tid2013
    """,
)
def verify(
    filters: Annotated[
        list[str] | None,
        typer.Argument(help="Any columns of iqa-lab list weights; or benchmark=...", metavar="COLUMN=VALUE"),
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download what is not here.")] = False,
    addresses: Annotated[bool, typer.Option("--addresses", help="Only ask whether each address answers.")] = False,
    out: Annotated[Path, typer.Option(help="The JSON file with all facts, to send back.", metavar="FILE")] = Path(
        "verify.json"
    ),
    config_dir: Annotated[
        Path | None, typer.Option(help="A configuration folder of your own.", metavar="FOLDER", show_default=False)
    ] = None,
) -> None:
    """Load every training and benchmark that is here and say what does not fit.

    Looks at files, tensors, layers and what is made of a known image; writes all that it finds as JSON.
    """
    with status("starting"):
        from iqa_lab.cli.verify import ask_addresses, verify_everything

    pairs = dict(_key_value(text) for text in filters or [])
    if addresses:
        if fetch:
            raise UserError("--addresses downloads nothing: leave out --fetch")
        ask_addresses(pairs, _folders(config_dir), out)
        return
    verify_everything(pairs, _folders(config_dir), fetch, out)


@app.command(
    cls=Command,
    short_help="Let the Tab key complete commands, options and keys.",
    epilog="""
    iqa-lab completion --install
    iqa-lab completion zsh --install
    iqa-lab completion fish > ~/.config/fish/completions/iqa-lab.fish
    """,
)
def completion(
    shell: Annotated[str | None, typer.Argument(help="bash, zsh or fish; otherwise yours.", metavar="SHELL")] = None,
    install: Annotated[bool, typer.Option("--install", help="For good: new shells know it.")] = False,
) -> None:
    """Let the Tab key complete commands, groups, options, keys and values.

    Prints the script for your shell; --install writes it and has your shell read it.
    """
    from iqa_lab.cli.shells import install as write
    from iqa_lab.cli.shells import named, script

    found = named(shell)
    print(write(found) if install else script(found), end="" if not install else "\n")


def _folders(own: Path | None) -> list[Path]:
    """The configuration folders, the user's own first."""
    from iqa_lab.config.options import checked_own_folder
    from iqa_lab.folders import configuration_folder

    return [*([checked_own_folder(own)] if own is not None else []), configuration_folder()]


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"{text!r} is no filter: write COLUMN=VALUE, as in goal=classification")
    return key, value
