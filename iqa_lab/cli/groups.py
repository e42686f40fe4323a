"""The configuration's groups, and the kinds that ``iqa-lab list`` shows, in words."""

from iqa_lab.folders import configuration_folder

# in the order of a network, then of what is done with it
GROUPS = {
    "goal": "what the network was trained for",
    "dataset": "what it was trained on",
    "architecture": "how it is built",
    "weights": "which training, where a network has several",
    "readout": "how responses become a distance; [plain,mean]: both",
    "benchmark": "images with people's opinions; table: your own",
    "experiment": "a study: a question with its grid and its claims",
    "tracker": "wandb, or none",
    "runtime": "auto, or gpu",
    "hydra/launcher": "where a sweep runs: processes, gpus, slurm ...",
}

KINDS = ("goals", "datasets", "architectures", "weights", "readouts", "benchmarks", "layers", "experiments",
         "metrics")  # fmt: skip

# by which rows of each kind may be chosen; of results with --where
COLUMNS_OF = {
    "weights": ("goal", "dataset", "architecture", "weights", "publisher", "family", "available", "tried"),
    "goals": ("name", "supervision"),
    "architectures": ("name", "layout"),
    "readouts": ("name", "symmetric"),
    "benchmarks": ("name", "protocol", "human", "present"),
    "layers": ("architecture",),
    "results": ("benchmark", "goal", "dataset", "architecture", "weights", "layer", "readout"),
}


def number_of_options(group: str) -> int:
    """How many options a group of the shipped configuration has; files of untrained weights do not count."""
    files = (configuration_folder() / group).rglob("*.yaml")
    return sum(group != "weights" or "untrained" not in file.parts for file in files)
