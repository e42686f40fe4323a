"""The schema of a run: one dataclass a group. Types and rules hold for every YAML file, override and result read back.

OmegaConf checks keys and types, ``check.py`` the rules in ``metadata``. The YAML files under ``conf/`` say what the
values are; the comments here say what they mean.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from omegaconf import MISSING

from iqa_lab.config.rules import (
    address_fault,
    archives_fault,
    batch_size_fault,
    identifier,
    number,
    origin_fault,
    people_fault,
    range_fault,
    whole,
    word,
    workers_fault,
)

PUBLISHER = "publisher"  # the source of a benchmark's archives that needs no terms of its own
SEED = number(0, 2**32 - 1)
COUNT = number(0)


@dataclass
class GoalConfig:
    """What a network was optimised for."""

    name: str = field(default=MISSING, metadata=identifier())
    description: str = MISSING
    family: str = MISSING  # supervised | pretext | contrastive | decorrelation | distillation | clustering | ... | none
    supervision: str = MISSING  # labels | hashtags | text | none


@dataclass
class DatasetConfig:
    """The environment a network learned from."""

    name: str = field(default=MISSING, metadata=identifier())
    description: str = MISSING
    images: int | None = field(default=None, metadata=COUNT)  # number of training images, where published


@dataclass
class ArchitectureConfig:
    """How a network is built, and the names of the places where its responses are read."""

    name: str = field(default=MISSING, metadata=identifier())
    constructor: str = MISSING  # import path of a function that returns a torch module without weights
    arguments: dict[str, Any] = field(default_factory=dict)
    # names from early to late, each alone or with its channels; or auto: every block. A name is a module's path, with
    # :call2 behind it (its second call in a forward), :0 or :key (a part of a tuple or dictionary). A number is no name
    # but an index, here as everywhere: a module called 1 is written "1", in quotes. fine: [names] between them lists
    # places inside blocks, which are read with layers=fine
    layers: Any = "auto"
    # map: [B, C, H, W]; map_last: [B, H, W, C]; tokens: [B, prefix + H * W, C]; auto: as found, layer by layer
    layout: str = field(default="auto", metadata=word("auto", "map", "map_last", "tokens"))
    patch: int = field(default=0, metadata=COUNT)  # side of a token's patch in pixels; 0: found, layer by layer
    # class and register tokens before the patch tokens; 0 beside patch 0: found
    prefix_tokens: int = field(default=0, metadata=COUNT)
    # side of the only square images that it takes; null: any
    image_size: int | None = field(default=None, metadata=number(1))


@dataclass
class FamilyConfig:
    """A controlled family of trainings: what its members share, and what several of them in one cell are."""

    name: str = field(default=MISSING, metadata=identifier())
    description: str = MISSING
    held: str = MISSING  # what is the same in all members
    # replicates: recipes of one cell tell how far chance takes them; strengths: they differ by intention
    recipes: str = field(default="replicates", metadata=word("replicates", "strengths"))


@dataclass
class InputConfig:
    """How 8-bit RGB becomes the network's input: (value * range / 255 - mean) / std, for each channel of ``order``."""

    # the limits: between the smallest and the largest of these, float32 keeps the steps of 8-bit images apart
    mean: list[float] = field(default_factory=lambda: [0.485, 0.456, 0.406], metadata=number(-1e4, 1e4))
    std: list[float] = field(default_factory=lambda: [0.229, 0.224, 0.225], metadata=number(1e-4, 1e4))
    range: float = field(default=1.0, metadata=number(1e-4, 1e4))  # of a white pixel before the mean is taken off
    # lightness: one channel, L of CIELAB in 8 bits
    order: str = field(default="rgb", metadata=word("rgb", "bgr", "lightness"))
    size: int | None = field(default=None, metadata=number(1))  # of the images it was trained on; nothing is resized


@dataclass
class WeightsConfig:
    """One training of one cell of the grid; all empty where the cell has no public weights."""

    goal: str | None = field(default=None, metadata=identifier())
    dataset: str | None = field(default=None, metadata=identifier())
    architecture: str | None = field(default=None, metadata=identifier())
    recipe: str | None = field(default=None, metadata=identifier())  # tells several trainings of one cell apart
    # goal/dataset of the training whose weights this one began with; null: it began at random
    initialised_from: str | None = field(default=None, metadata=whole(origin_fault))
    # the controlled family that it belongs to: trainings of one publisher that differ in one factor
    family: str | None = field(default=None, metadata=identifier())
    publisher: str | None = None
    source: str | None = None  # folder:FILE | package:NAME/FILE | torchvision:NAME | hf:REPOSITORY[/FILE] | url:ADDRESS
    path: str | None = None  # the user's own file, instead of source
    url: str | None = None  # the user's own address, instead of source
    steps: str | None = None  # what a person has to do to get the file where there is no public address (source: null)
    sha256: str | None = None  # of the file; a prefix counts; null: unverified
    state: str | None = None  # where the state dict lies inside the file, as a/b/c
    prefix: str = ""  # stripped from every key
    renames: dict[str, str] = field(default_factory=dict)  # regular expressions and what replaces them in every key
    # in_order: matched by order and shape, the names differ; timm: by timm's own conversion
    keys: str = field(default="same", metadata=word("same", "in_order", "timm"))
    ignores: list[str] = field(default_factory=list)  # patterns of keys that may be missing or left over
    arguments: dict[str, Any] = field(default_factory=dict)  # constructor arguments of this training
    input: InputConfig = field(default_factory=InputConfig)
    seed: int = field(default=0, metadata=SEED)  # of the random initialisation (goal=untrained)
    licence: str | None = None
    citation: str | None = None
    # per cent on ImageNet-1k, where published; of a linear readout if it was not the goal
    top1: float | None = field(default=None, metadata=number(0, 100))
    score: str | None = None  # at its own task, where published
    parameters: int | None = field(default=None, metadata=COUNT)  # number, where published


@dataclass
class ReadoutConfig:
    """How two responses become one distance."""

    function: str = MISSING  # module in iqa_lab.readouts, or a dotted import path of your own function
    formula: str = MISSING
    # responses: in the pass; channels: after it, from every channel's squared differences
    reads: str = field(default="responses", metadata=word("responses", "channels"))
    arguments: dict[str, Any] = field(default_factory=dict)
    symmetric: bool = True  # d(x, y) == d(y, x)
    spatial: bool = False  # needs positions: refused on a class token or a pooled vector
    # how layers are concatenated; euclidean: root of the sum of squares
    combine: str = field(default="sum", metadata=word("sum", "euclidean"))
    layers: Any = "${layers}"
    tokens: str = field(default="${tokens}", metadata=word("patch", "class", "both"))
    concat: Any = field(default="${concat}", metadata=word("raw", "scaled"))


@dataclass
class ExpectedConfig:
    """What a complete copy of a benchmark holds; null: not known beforehand."""

    references: int | None = field(default=None, metadata=number(1))
    pairs: int | None = field(default=None, metadata=number(1))
    distortions: int | None = field(default=None, metadata=number(1))


@dataclass
class ColumnsConfig:
    """What a table of one's own calls its columns; those below ``preference`` need not be there."""

    reference: str = "reference"
    distorted: str = "distorted"
    opinion: str = "opinion"
    left: str = "left"  # of a table of choices, with right and preference instead of distorted and opinion
    right: str = "right"
    left_reference: str = "left_reference"  # of quadruples, what left is compared with; both show what reference names
    right_reference: str = "right_reference"
    preference: str = "preference"
    distortion: str = "distortion"
    level: str = "level"
    opinion_std: str = "opinion_std"
    split: str = "split"


@dataclass
class ArchiveConfig:
    """One file of a benchmark that has a public address.

    The files of one source make a whole copy; the sources are tried in the order in which they are first named.
    """

    url: str = field(default=MISSING, metadata=whole(address_fault))
    checksum: str | None = None  # sha256:... or md5:...; null: its source names none
    into: str = ""  # folder inside the benchmark's own; empty: that itself
    source: str = field(default=PUBLISHER, metadata=identifier())  # who hands it out
    terms: str | None = None  # on which terms, in a sentence; null: the benchmark's licence


@dataclass
class SplitConfig:
    """A part of a benchmark's references; the same seed and shares give the same part on every machine."""

    part: str | None = None  # train, validation, test, or one that a table of one's own names; null: all references
    seed: int = field(default=0, metadata=SEED)
    train: float = field(default=0.6, metadata=number(0, 1))  # shares of the references
    validation: float = field(default=0.2, metadata=number(0, 1))
    test: float = field(default=0.2, metadata=number(0, 1))


# statistics by which columns are ordered; of those in LOW_IS_GOOD the lowest is the best, of the others the highest
LOW_IS_GOOD = ("rms_db", "log_rmse")
HEADLINES = (
    "srcc", "plcc", "plcc_logistic", "krcc", "srcc_within_distortion", "srcc_within_reference", "agreement",
    "average_precision", *LOW_IS_GOOD,
)  # fmt: skip


@dataclass
class BenchmarkConfig:
    """Human judgements on disk."""

    name: str = field(default=MISSING, metadata=identifier())
    description: str = MISSING
    family: str = MISSING  # module in iqa_lab.benchmarks that reads it, or a dotted import path of your own function
    # mos: an opinion of every image; 2afc: a choice between two images; quadruples: which of two pairs differs more;
    # thresholds: how well people see stimuli that are made on the spot (iqa_lab/psychophysics)
    protocol: str = field(default="mos", metadata=word("mos", "2afc", "quadruples", "thresholds"))
    opinion: str = field(
        default=MISSING, metadata=word("mos", "dmos", meaning="mos: higher is better; dmos: lower is better")
    )
    human: bool = True  # false: the opinion is made, not asked for
    headline: str = field(default="srcc", metadata=word(*HEADLINES))  # the column that tables are ordered by
    folder: str = MISSING  # below data/ or $IQA_LAB_DATA
    opinions: str | None = None  # the file of opinions in it, where the family does not fix its name
    path: str | None = None  # the folder itself, instead
    allow_missing: bool = False  # score the pairs that are there
    distortions: list[Any] = field(default_factory=list)  # only these; empty: all
    levels: list[Any] = field(default_factory=list)  # only these
    references: list[Any] = field(default_factory=list)  # only these
    split: SplitConfig = field(default_factory=SplitConfig)
    exclude_identical: bool = False  # leave out distorted images whose pixels are the reference's
    reference_copies: bool = False  # score references that were judged among the distorted images, too
    votes: bool = False  # every row is one person's vote: those of a pair are averaged
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)  # of a table
    # of a table: the folder of its images, or their whole path with columns of the table in braces
    reference_root: str | None = None
    distorted_root: str | None = None
    expected: ExpectedConfig = field(default_factory=ExpectedConfig)
    # lowest and highest possible opinion
    range: list[float] | None = field(default=None, metadata=whole(range_fault))
    # how many judged each image or triplet: a number, or [FEWEST, MOST] where it varies
    people: Any = field(default=None, metadata=whole(people_fault))
    # what the opinions' spread is
    opinion_std: str = field(default="none", metadata=word("none", "standard_error", "standard_deviation"))
    # published rank correlation of PSNR on all pairs, which the pixels must reproduce
    psnr_srcc: float | None = field(default=None, metadata=number(-1, 1))
    # of stimuli (protocol=thresholds), null for all others: pixels in a degree of visual angle, cd/m2 of a white pixel,
    # a frame of the stimulus's own grey in pixels, and how thresholds are found
    pixels_per_degree: float | None = field(default=None, metadata=number(1, 10_000))
    peak_luminance: float | None = field(default=None, metadata=number(1e-3, 1e6))
    border: int | None = field(default=None, metadata=number(0, 1024))
    # linear: from the distance at people's thresholds; bisect: where the distance itself reaches its criterion
    thresholds: str | None = field(default=None, metadata=word("linear", "bisect"))
    shares_references: list[str] = field(default_factory=list)  # benchmarks of the same photographs
    licence: str | None = None
    url: str | None = None  # where to get it, and on what terms
    # what iqa-lab fetch downloads
    archives: list[ArchiveConfig] = field(default_factory=list, metadata=whole(archives_fault))
    steps: str | None = None  # what a person has to do where there are no public addresses, or none answers
    bibtex: str | None = None


@dataclass
class TrackerConfig:
    """Where results are shown besides the disk."""

    name: str = field(default=MISSING, metadata=word("wandb", "none"))
    mode: str = field(default="offline", metadata=word("offline", "online"))
    project: str = "iqa_lab"
    entity: str | None = None
    group: str | None = None  # the name of a sweep or study
    dir: str = "."


@dataclass
class RuntimeConfig:
    """How, not what: nothing here may move a number."""

    device: str = "auto"  # auto | cpu | cuda | cuda:1
    # images at once; auto: what the memory and the processor like
    batch_size: Any = field(default="auto", metadata=whole(batch_size_fault))
    # threads that decode images, for a GPU each with a process; auto: 2, or 8 for a GPU
    workers: Any = field(default="auto", metadata=whole(workers_fault))
    force: bool = False  # recompute what is already there


@dataclass
class PreprocessConfig:
    """What happens to the images before any network or readout sees them."""

    resize: Any = None  # short side in pixels, or [height, width] (bilinear, antialiased); null: as they are


@dataclass
class StatisticsConfig:
    """Settings of the intervals."""

    resamples: int = field(default=2000, metadata=number(10, 100_000))  # fewer make no interval; 1000 make a steady one
    confidence: float = field(
        default=0.95, metadata=number(0, 1, inside=True, meaning="give a share between 0 and 1, as .95 for 95 %")
    )
    seed: int = field(default=0, metadata=SEED)


@dataclass
class Config:
    """One unit: one network on one benchmark, with the readouts asked for."""

    goal: GoalConfig = field(default_factory=GoalConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    readouts: dict[str, ReadoutConfig] = field(default_factory=dict, metadata=identifier())
    benchmark: BenchmarkConfig = field(default_factory=BenchmarkConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    statistics: StatisticsConfig = field(default_factory=StatisticsConfig)
    claims: list[str] = field(default_factory=list)  # of a study: what its report judges
    results: str = "results"
    layers: Any = "all"  # all, fine, a list of names (texts) or indices (numbers) of layers, or last: n
    # what is read of a transformer's blocks
    tokens: str = field(default="patch", metadata=word("patch", "class", "both"))
    # the layers together, from the first to each; scaled: each brought to mean 1 first
    concat: list[str] = field(default_factory=list, metadata=word("raw", "scaled"))
    precision: str = field(default="fp32", metadata=word("fp32", "tf32", "bf16"))


@cache  # OmegaConf takes some hundredths of a second to look at all classes
def register_schema() -> None:
    """Make the schema known to Hydra, as the first entry of the defaults list in conf/config.yaml."""
    from hydra.core.config_store import ConfigStore  # commands that compose nothing need the schema, too

    ConfigStore.instance().store(name="schema", node=Config, provider="iqa_lab")
