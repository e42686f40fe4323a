"""The schema of a run: one dataclass a group, checked by OmegaConf against every YAML and every override.

The YAML files under ``conf/`` say what the values are; the comments here say what they mean.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class GoalConfig:
    """What a network was optimised for."""

    name: str = MISSING
    description: str = MISSING
    family: str = MISSING  # supervised | pretext | contrastive | decorrelation | distillation | clustering | ... | none
    supervision: str = MISSING  # labels | hashtags | text | none


@dataclass
class DatasetConfig:
    """The environment a network learned from."""

    name: str = MISSING
    description: str = MISSING
    images: int | None = None  # number of training images, where published


@dataclass
class ArchitectureConfig:
    """How a network is built, and the names of the places where its responses are read."""

    name: str = MISSING
    constructor: str = MISSING  # import path of a function that returns a torch module without weights
    arguments: dict[str, Any] = field(default_factory=dict)
    # names from early to late, each alone or with its channels; or auto: every block. A name is a module's path, with
    # :call2 behind it (its second call in a forward), :0 or :key (a part of a tuple or dictionary). A number is no name
    # but an index, here as everywhere: a module called 1 is written "1", in quotes
    layers: Any = "auto"
    # map: [B, C, H, W]; map_last: [B, H, W, C]; tokens: [B, prefix + H * W, C]; auto: as found, layer by layer
    layout: str = "auto"
    patch: int = 0  # side of a token's patch in pixels; 0: found, layer by layer
    prefix_tokens: int = 0  # class and register tokens before the patch tokens; 0 beside patch 0: found
    image_size: int | None = None  # side of the only square images that it takes; null: any


@dataclass
class InputConfig:
    """How 8-bit RGB becomes the network's input: (value * range / 255 - mean) / std, for each channel of ``order``."""

    mean: list[float] = field(default_factory=lambda: [0.485, 0.456, 0.406])
    std: list[float] = field(default_factory=lambda: [0.229, 0.224, 0.225])
    range: float = 1.0  # the value of a white pixel before the mean is taken off
    order: str = "rgb"  # rgb | bgr | lightness: one channel, L of CIELAB in 8 bits
    size: int | None = None  # side of the images it was trained on; a fact, nothing is resized


@dataclass
class WeightsConfig:
    """One training of one cell of the grid; all empty where the cell has no public weights."""

    goal: str | None = None
    dataset: str | None = None
    architecture: str | None = None
    recipe: str | None = None  # tells several trainings of one cell apart
    publisher: str | None = None
    source: str | None = None  # folder:FILE | package:NAME/FILE | torchvision:NAME | hf:REPOSITORY[/FILE] | url:ADDRESS
    path: str | None = None  # the user's own file, instead of source
    url: str | None = None  # the user's own address, instead of source
    sha256: str | None = None  # of the file; a prefix counts; null: unverified
    state: str | None = None  # where the state dict lies inside the file, as a/b/c
    prefix: str = ""  # stripped from every key
    renames: dict[str, str] = field(default_factory=dict)  # regular expressions and what replaces them in every key
    keys: str = "same"  # same | in_order: matched by order and shape, the names differ | timm: by timm's own conversion
    ignores: list[str] = field(default_factory=list)  # patterns of keys that may be missing or left over
    arguments: dict[str, Any] = field(default_factory=dict)  # constructor arguments of this training
    input: InputConfig = field(default_factory=InputConfig)
    seed: int = 0  # of the random initialisation (goal=untrained)
    licence: str | None = None
    citation: str | None = None
    top1: float | None = None  # per cent on ImageNet-1k, where published; of a linear readout if it was not the goal
    score: str | None = None  # at its own task, where published
    parameters: int | None = None  # number, where published


@dataclass
class ReadoutConfig:
    """How two responses become one distance."""

    function: str = MISSING  # module in iqa_lab.readouts, or a dotted import path of your own function
    formula: str = MISSING
    reads: str = "responses"  # responses: in the pass; channels: after it, from every channel's squared differences
    arguments: dict[str, Any] = field(default_factory=dict)
    symmetric: bool = True  # d(x, y) == d(y, x)
    spatial: bool = False  # needs positions: refused on a class token or a pooled vector
    combine: str = "sum"  # how layers are concatenated: sum, or euclidean: root of the sum of squares
    layers: Any = "${layers}"
    tokens: str = "${tokens}"
    concat: Any = "${concat}"


@dataclass
class ExpectedConfig:
    """What a complete copy of a benchmark holds; null: not known beforehand."""

    references: int | None = None
    pairs: int | None = None
    distortions: int | None = None


@dataclass
class ColumnsConfig:
    """What a table of one's own calls its columns; those below ``preference`` need not be there."""

    reference: str = "reference"
    distorted: str = "distorted"
    opinion: str = "opinion"
    left: str = "left"  # of a table of choices, with right and preference instead of distorted and opinion
    right: str = "right"
    preference: str = "preference"
    distortion: str = "distortion"
    level: str = "level"
    opinion_std: str = "opinion_std"
    split: str = "split"


@dataclass
class ArchiveConfig:
    """One file of a benchmark that has a public address."""

    url: str = MISSING
    checksum: str | None = None  # sha256:... or md5:...; null: its publisher names none
    into: str = ""  # folder inside the benchmark's own; empty: that itself


@dataclass
class SplitConfig:
    """A part of a benchmark's references; the same seed and shares give the same part on every machine."""

    part: str | None = None  # train | validation | test; null: all references
    seed: int = 0
    train: float = 0.6  # shares of the references
    validation: float = 0.2
    test: float = 0.2


@dataclass
class BenchmarkConfig:
    """Human judgements on disk."""

    name: str = MISSING
    description: str = MISSING
    family: str = MISSING  # module in iqa_lab.benchmarks that reads it, or a dotted import path of your own function
    protocol: str = "mos"  # mos: an opinion of every image; 2afc: a choice between two images
    opinion: str = MISSING  # mos: higher is better; dmos: lower is better
    human: bool = True  # false: the opinion is made, not asked for
    headline: str = "srcc"  # the column that tables are ordered by
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
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)  # of a table
    expected: ExpectedConfig = field(default_factory=ExpectedConfig)
    range: list[float] | None = None  # lowest and highest possible opinion
    people: int | None = None  # how many judged each image or triplet
    opinion_std: str = "none"  # what the opinions' spread is: none | standard_error | standard_deviation
    psnr_srcc: float | None = None  # published rank correlation of PSNR on all pairs, which the pixels must reproduce
    shares_references: list[str] = field(default_factory=list)  # benchmarks of the same photographs
    licence: str | None = None
    url: str | None = None  # where to get it, and on what terms
    archives: list[ArchiveConfig] = field(default_factory=list)  # what iqa-lab fetch downloads
    steps: str | None = None  # what a person has to do where there are no public addresses
    bibtex: str | None = None


@dataclass
class TrackerConfig:
    """Where results are shown besides the disk."""

    name: str = MISSING  # wandb | none
    mode: str = "offline"  # offline | online
    project: str = "iqa_lab"
    entity: str | None = None
    group: str | None = None  # the name of a sweep or study
    dir: str = "."


@dataclass
class RuntimeConfig:
    """How, not what: nothing here may move a number."""

    device: str = "auto"  # auto | cpu | cuda | cuda:1
    batch_size: Any = "auto"  # images at once; auto: what the memory and the processor like
    workers: int = 2  # threads that decode images
    force: bool = False  # recompute what is already there


@dataclass
class PreprocessConfig:
    """What happens to the images before any network or readout sees them."""

    resize: Any = None  # short side in pixels, or [height, width] (bilinear, antialiased); null: as they are


@dataclass
class StatisticsConfig:
    """Settings of the intervals."""

    resamples: int = 2000
    confidence: float = 0.95
    seed: int = 0


@dataclass
class Config:
    """One unit: one network on one benchmark, with the readouts asked for."""

    goal: GoalConfig = field(default_factory=GoalConfig)
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    weights: WeightsConfig = field(default_factory=WeightsConfig)
    readouts: dict[str, ReadoutConfig] = field(default_factory=dict)
    benchmark: BenchmarkConfig = field(default_factory=BenchmarkConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    statistics: StatisticsConfig = field(default_factory=StatisticsConfig)
    claims: list[str] = field(default_factory=list)  # of a study: what its report judges
    results: str = "results"
    layers: Any = "all"  # all, a list of names (texts) or indices (numbers) of layers, or last: n
    tokens: str = "patch"  # patch | class | both: what is read of a transformer's blocks
    concat: list[str] = field(default_factory=list)  # raw, scaled: the layers together, from the first to each
    precision: str = "fp32"  # fp32 | tf32 | bf16


def register_schema() -> None:
    """Make the schema known to Hydra, as the first entry of the defaults list in conf/config.yaml."""
    ConfigStore.instance().store(name="schema", node=Config, provider="iqa_lab")
