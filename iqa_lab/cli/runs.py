"""The commands that take a configuration: run, sweep, status, submit, report, explain. Overrides in, a result out.

Each imports what it needs when it is called: Hydra and torch take seconds.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from iqa_lab.cli.app import GridCommand, app, hydra_flags
from iqa_lab.cli.arguments import own_folder
from iqa_lab.errors import UserError, counted

Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="GROUP=OPTION|KEY=VALUE", show_default=False, hidden=True)
]
ConfigDir = Annotated[
    # Hydra's; taken out before typer parses, declared for the help
    Path | None, typer.Option("--config-dir", help="A configuration folder of your own.", metavar="FOLDER")
]
HydraHelp = Annotated[bool, typer.Option("--hydra-help", help="Hydra's own flags: --cfg, --info ...")]
Force = Annotated[bool, typer.Option("--force", help="Compute again what is there.")]
All = Annotated[bool, typer.Option("--all", help="Print long lists in full.")]
Retry = Annotated[
    str | None, typer.Option("--retry", metavar="failed|all", help="Do only what failed, or all that is not done.")
]


@app.command(
    cls=GridCommand,
    short_help="Score one network on one benchmark.",
    epilog="""
    iqa-lab run goal=untrained dataset=none architecture=resnet18
    iqa-lab run 'readout=[plain,lpips,mean]' 'layers={last: 3}' --dry-run
    iqa-lab run benchmark=table benchmark.path=pairs.csv
    """,
)
def run(
    context: typer.Context,
    overrides: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and do nothing.")] = False,
    force: Force = False,
    _multirun: Annotated[bool, typer.Option("--multirun", "-m", help="The same as iqa-lab sweep.")] = False,
    _config_dir: ConfigDir = None,
    _hydra_help: HydraHelp = False,
) -> None:
    """Score one network on one benchmark: print the table, write the result.

    One pass over the images gives every layer in every readout. The same command again does nothing; another readout
    or layer computes only itself.
    """
    from iqa_lab.cli.hydra import dry_run_unit, run_hydra

    again = ["runtime.force=true"] if force else []
    run_hydra([*(overrides or []), *again], hydra_flags(context), dry_run_unit if dry_run else None)


@app.command(
    cls=GridCommand,
    short_help="Score a grid of them; again: only what is missing.",
    epilog="""
    iqa-lab sweep architecture=alexnet,vgg16,resnet18 readout=plain,mean
    iqa-lab sweep 'architecture=glob(vgg*)' goal=untrained dataset=none --dry-run
    iqa-lab sweep experiment=quick --retry failed
    """,
)
def sweep(
    context: typer.Context,
    overrides: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and do nothing.")] = False,
    retry: Retry = None,
    force: Force = False,
    everything: All = False,
    _config_dir: ConfigDir = None,
    _hydra_help: HydraHelp = False,
) -> None:
    """Score a grid: comma lists, glob(*), range() or experiment=NAME.

    Does what is missing: the same command again goes on where it ended. A unit that fails stops no other.
    """
    from iqa_lab.cli.hydra import run_hydra

    own = [
        *(["runtime.force=true"] if force else []),
        *(["hydra.sweeper.action=plan"] if dry_run else []),
        *(["hydra.sweeper.everything=true"] if everything else []),
        *([f"hydra.sweeper.retry={retry}"] if retry is not None else []),
    ]
    run_hydra([*(overrides or []), *own], ["-m", *hydra_flags(context)])


@app.command(
    cls=GridCommand,
    short_help="Show how far a sweep is.",
    epilog="""
    iqa-lab status
    iqa-lab status --watch
    iqa-lab status experiment=quick --all
    """,
)
def status(
    context: typer.Context,
    overrides: Overrides = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking until nothing is left to wait for.")] = False,
    everything: All = False,
    _config_dir: ConfigDir = None,
    _hydra_help: HydraHelp = False,
) -> None:
    """Show what of a grid is done, running, failed, missing and empty.

    Runs nothing. Without overrides: the grid of the last sweep.
    """
    from iqa_lab.cli.hydra import run_hydra
    from iqa_lab.cli.sweep import last_arguments
    from iqa_lab.config.options import checked_own_folder

    plain, flags = list(overrides or []), hydra_flags(context)
    own = own_folder(flags)
    if own is not None:
        checked_own_folder(own)
    if "--hydra-help" not in flags and all(one.startswith(("hydra.", "results=")) for one in plain):
        folders = [one.partition("=")[2] for one in plain if one.startswith("results=")]
        last, config_dir = last_arguments(Path(folders[-1] if folders else "results"))
        plain = [*last, *plain]
        flags = flags or (["--config-dir", config_dir] if config_dir else [])
    asked = [
        *(["hydra.sweeper.watch=true"] if watch else []),
        *(["hydra.sweeper.everything=true"] if everything else []),
        "hydra.sweeper.action=status",
    ]
    run_hydra([*plain, *asked], ["-m", *flags])


@app.command(
    cls=GridCommand,
    short_help="Hand a sweep to SLURM.",
    epilog="""
    iqa-lab submit experiment=quick
    iqa-lab submit experiment=quick hydra.launcher.partition=gpu
    iqa-lab submit architecture=resnet18,resnet50 goal=untrained dataset=none
    """,
)
def submit(
    context: typer.Context,
    overrides: Overrides = None,
    retry: Retry = None,
    force: Force = False,
    _config_dir: ConfigDir = None,
    _hydra_help: HydraHelp = False,
) -> None:
    """Like sweep, on SLURM: hand in an array of jobs and return at once.

    Prints the array's number; iqa-lab status shows how far it is.
    """
    from iqa_lab.cli.hydra import run_hydra

    plain = list(overrides or [])
    own = [
        *([] if any(one.startswith("hydra/launcher=") for one in plain) else ["hydra/launcher=slurm"]),
        *(["runtime.force=true"] if force else []),
        *([f"hydra.sweeper.retry={retry}"] if retry is not None else []),
        "hydra.sweeper.action=submit",
    ]
    run_hydra([*plain, *own], ["-m", *hydra_flags(context)])


@app.command(
    cls=GridCommand,
    short_help="Write a page with figures and tables.",
    epilog="""
    iqa-lab report
    iqa-lab report experiment=quick --out page
    iqa-lab report results --recompute statistics.confidence=.9
    """,
)
def report(
    context: typer.Context,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="RESULTS|GROUP=OPTION|KEY=VALUE", show_default=False, hidden=True),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Where; otherwise reports/NAME.", show_default=False)
    ] = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Make the statistics anew from the scores; no page.")
    ] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Write the scores of all pairs of a results folder as CSV; no page.")
    ] = False,
    _config_dir: ConfigDir = None,
    _hydra_help: HydraHelp = False,
) -> None:
    """Write one HTML page with figures and tables.

    Of all results in a folder; with overrides, of the units of that grid or study and of its claims.
    """
    plain, flags = list(overrides or []), hydra_flags(context)
    folders = [argument for argument in plain if "=" not in argument]
    if len(folders) > 1:
        raise UserError(f"one results folder, not {len(folders)}: iqa-lab report [RESULTS] [experiment=NAME]")
    settings = [argument for argument in plain if "=" in argument]
    if pairs:
        from iqa_lab.report.pairs import write_pairs

        if settings or flags or recompute:
            raise UserError(
                "--pairs takes a results folder and nothing else: iqa-lab report RESULTS --pairs [--out FOLDER]"
            )
        results = Path(folders[0] if folders else "results")
        page = out or Path("reports") / results.resolve().name
        print(f"scores of the pairs of {counted(write_pairs(results, page), 'unit')} in {page / 'pairs'}")
    elif recompute:
        from iqa_lab.store.recompute import recompute as make_anew

        results = Path(folders[0] if folders else "results")
        units = make_anew(results, [*settings, *flags])
        print(f"recomputed the statistics of {counted(len(units), 'unit')} in {results}")
    elif settings or flags:
        from iqa_lab.cli.hydra import run_hydra

        where = [f"results={folders[0]}"] if folders else []
        place = [f"hydra.sweeper.report_folder={out}"] if out else []
        run_hydra([*settings, *where, *place, "hydra.sweeper.action=report"], ["-m", *flags])
    else:
        from iqa_lab.report.command import report_everything

        print(f"report in {report_everything(Path(folders[0] if folders else 'results'), out)}")


@app.command(
    cls=GridCommand,
    short_help="Show where a network sees a difference of two images.",
    epilog="""
    iqa-lab explain lake.png lake_jpeg.png
    iqa-lab explain lake.png lake_jpeg.png readout=lpips 'layers=[blocks.5.2]'
    iqa-lab explain lake.png lake_jpeg.png architecture=alexnet --out maps
    """,
)
def explain(
    context: typer.Context,
    reference: Annotated[Path, typer.Argument(help="The undistorted image.")],
    distorted: Annotated[Path, typer.Argument(help="Another of the same size.")],
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where; otherwise a folder in explained/.", show_default=False),
    ] = None,
    _config_dir: ConfigDir = None,
    _hydra_help: HydraHelp = False,
) -> None:
    """Show where a network sees the difference of two images, layer by layer.

    Takes the overrides of run. Writes a picture for each layer, a sheet and a page.
    """
    flags = hydra_flags(context)
    if {"-m", "--multirun"} & set(flags):
        raise UserError("explain shows one network at a time: leave out -m")
    from iqa_lab.cli.hydra import run_hydra

    def show(composed: Any) -> None:
        from iqa_lab.cli.hydra import checked_unit
        from iqa_lab.cli.printing import print_rows
        from iqa_lab.explain.files import write_explanation
        from iqa_lab.explain.maps import explain
        from iqa_lab.progress import status

        config = checked_unit(composed)
        with status(f"{distorted.name}: maps of {config.architecture.name}"):
            explanation = explain(reference, distorted, config)
            own = Path("explained") / f"{distorted.stem}-{explanation.cell}-{explanation.readout}"
            files = write_explanation(explanation, out or own)
        print_rows(explanation.rows())
        print(f"{explanation.network}, readout {explanation.readout}: {files[0]} and {len(files) - 1} pictures beside")

    run_hydra(list(overrides or []), flags, show)
