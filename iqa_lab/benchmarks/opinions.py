"""Settings and rows of opinions -> the same, checked; here, once, for all loaders. And votes -> mean opinions."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.lists import label, missing, numbers
from iqa_lab.benchmarks.names import folded, inside, places
from iqa_lab.config import BenchmarkConfig
from iqa_lab.config.check import check
from iqa_lab.errors import UserError, first_names

# An opinion of every distorted image; a choice between two of them; which of two pairs of images differs more; how
# well stimuli are seen.
MOS, CHOICE, QUADRUPLES, THRESHOLDS = "mos", "2afc", "quadruples", "thresholds"
# The protocols of choices: two rows a question, the left side's before the right one's.
CHOICES = (CHOICE, QUADRUPLES)

# What a loader knows of a pair; names are the database's own.
COLUMNS = ["reference", "distorted", "distortion", "level", "opinion"]

# line ends, tabs and the like, with the blanks around them
_CONTROL = re.compile("[ ]*[\x00-\x1f\x7f-\x9f\u2028\u2029]+[ ]*")
# squares of larger numbers overflow in the statistics
_LARGEST = 1e100


def questions(protocol: str) -> str:
    """What the questions of a protocol are called, in the plural."""
    return {MOS: "pairs", CHOICE: "triplets", QUADRUPLES: "quadruples", THRESHOLDS: "trials"}[protocol]


def check_settings(config: BenchmarkConfig) -> None:
    """Nothing, if a benchmark's settings keep the rules of the schema, and its places lie below the data folder.

    Raises:
        UserError: naming the setting, and what it may be.
    """
    check(config, "benchmark.")
    inside(config.folder, "benchmark.folder")
    if config.opinions is not None:
        inside(str(config.opinions), "benchmark.opinions")
    for archive in config.archives:
        inside(archive.into, "benchmark.archives.into")


def cleaned(config: BenchmarkConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """A loader's rows with names as text and opinions as numbers.

    ``distortion``, ``level`` and ``split`` may be empty; ``None`` and ``NA`` in them are names like any other. They
    become names of columns, so a line end in one becomes a blank.

    Args:
        config: the benchmark's settings.
        rows: as ``assemble`` takes them.

    Raises:
        UserError: a column is missing, an image has no name, or an opinion or its spread is no number.
    """
    files = ["reference_file", "distorted_file"]
    absent = [name for name in [*COLUMNS, *files] if name not in rows]
    if absent:
        raise UserError(f"benchmark {config.name}: its loader ({config.family}) gives no column {absent[0]}")
    rows = rows.reset_index(drop=True)
    for name in ("reference", "distorted", *files):
        rows[name] = rows[name].map(label)
        wrong = rows.index[[not text.strip() or not text.isprintable() for text in rows[name]]]
        if len(wrong):
            raise UserError(
                f"benchmark {config.name}: {_place(rows, wrong[0])} names no image: {rows.loc[wrong[0], name]!r}"
            )
    for name in (name for name in ("distortion", "level", "split") if name in rows):
        values = rows[name].astype(object)  # whatever kind of column it was: text, categories, numbers with gaps
        if name != "level" or not pd.api.types.is_numeric_dtype(rows[name]) or any(map(missing, values)):
            rows[name] = values.map(label).map(_one_line)
    rows["opinion"] = as_numbers(rows["opinion"], rows, "opinions", f"benchmark {config.name}: ")
    if "opinion_std" in rows:
        rows["opinion_std"] = as_numbers(rows["opinion_std"], rows, "opinion_std", f"benchmark {config.name}: ")
    return rows


def _one_line(text: str) -> str:
    """A name without line ends, tabs and the like, which no header of a table can hold."""
    return _CONTROL.sub(" ", text).strip() if _CONTROL.search(text) else text


def as_numbers(values: pd.Series, rows: pd.DataFrame, what: str, prefix: str = "") -> pd.Series:
    """A column as numbers, NaN where nothing is known.

    Args:
        values: numbers or text.
        rows: of the same index; ``distorted`` or ``right`` and perhaps ``line`` are named in the error.
        what: the column's name, in the plural.
        prefix: of the error.

    Raises:
        UserError: naming the first rows that hold something else.
    """
    found, wrong = numbers(values)
    if wrong:
        named = first_names(_named(rows, row, reason) for row, reason in wrong.items())
        raise UserError(f"{prefix}{len(wrong)} {what} are no numbers: {named}")
    return found


def check_values(config: BenchmarkConfig, rows: pd.DataFrame) -> None:
    """Nothing, if every opinion, or vote, that counts is a number within its range, and every spread 0 or more.

    The opinion of a judged reference may lie beyond the range.

    Args:
        config: the benchmark's settings.
        rows: cleaned.

    Raises:
        UserError: naming the first rows that are wrong, and the range.
    """
    name, choice = f"benchmark {config.name}", config.protocol in CHOICES
    if "reference_copy" in rows and not config.reference_copies:
        rows = rows[~rows["reference_copy"]]
    if choice:
        _check_triplets(name, rows)
        rows = rows.iloc[1::2]  # the share of people who chose the right image says all
    opinions = rows["opinion"]
    _refuse(name, "opinions are no numbers", rows, ~(opinions.abs() < _LARGEST), opinions)
    if "opinion_std" in rows:
        spread = rows["opinion_std"]
        wrong = ~(spread.isna() | ((spread >= 0) & (spread < _LARGEST)))
        _refuse(name, "opinion_std are not 0 or more", rows, wrong, spread)
    if "reference_copy" in rows and not choice:
        rows = rows[~rows["reference_copy"]]
        opinions = rows["opinion"]
    for low, high in [*([config.range] if config.range else []), *([[0.0, 1.0]] if choice else [])]:
        _refuse(name, f"opinions outside of {low:g} to {high:g}", rows, ~opinions.between(low, high), opinions)


def check_opinions(config: BenchmarkConfig, rows: pd.DataFrame, lists_of_references: bool = False) -> int:
    """How many pairs or triplets of a complete copy have no opinion here; each of the others has one.

    Args:
        config: the benchmark's settings.
        rows: cleaned, with ``reference_path`` and ``distorted_path`` ("" where a file is missing).
        lists_of_references: whether opinions lie in a file for each reference: with ``allow_missing`` some may be
            missing, but none may be cut short.

    Raises:
        UserError: naming the first rows that are there twice, or what is not as many as expected.
    """
    name, choice = f"benchmark {config.name}", config.protocol in CHOICES
    if "reference_copy" in rows:
        rows = rows[~rows["reference_copy"]]  # beyond what is counted
    keys = pd.Series(_pair_keys(rows, choice), dtype=object)
    rows = rows.iloc[1::2] if choice else rows
    repeated = rows.index[keys.duplicated()]
    if len(repeated):
        raise UserError(
            f"{name}: {len(repeated)} opinions are there twice: {first_names(_named(rows, row) for row in repeated)}; "
            "if every row is one person's vote, say benchmark.votes=true"
        )
    # both images of one pair of a quadruple may be distorted: the picture that they show is counted
    pictures = rows["reference"] if config.protocol == QUADRUPLES else _keys(rows, "reference")
    found = {
        "pairs": len(rows),
        "references": len(set(pictures)),
        "distortions": rows["distortion"].nunique(),
    }
    expected = {key: getattr(config.expected, key) for key in found}
    expected = {key: found[key] if number is None else number for key, number in expected.items()}
    if found == expected:
        return 0
    fewer = lists_of_references and all(found[key] <= expected[key] for key in found)
    if not (fewer and config.allow_missing):
        wrong_counts = ", ".join(
            f"{found[key]} {key} ({expected[key]} expected)" for key in found if found[key] != expected[key]
        )
        advice = f"; benchmark.allow_missing=true scores the {found['pairs']} that are there" if fewer else ""
        raise UserError(f"{name}: the list of opinions has {wrong_counts}{advice}")
    _check_whole_lists(config, rows)
    return int(expected["pairs"] - found["pairs"])


def _check_whole_lists(config: BenchmarkConfig, rows: pd.DataFrame) -> None:
    """Nothing, if every reference that has opinions has all of them, where all references have equally many.

    Raises:
        UserError: a list is cut short, or too long.
    """
    pairs, references = config.expected.pairs, config.expected.references
    if not pairs or not references or pairs % references:
        return
    counts = rows.groupby("reference", sort=False).size()
    wrong = counts[counts != pairs // references]
    if len(wrong):
        raise UserError(
            f"benchmark {config.name}: the list of opinions of {wrong.index[0]} has {wrong.iloc[0]} of "
            f"{pairs // references}" + (f", and {len(wrong) - 1} more lists are not whole" if len(wrong) > 1 else "")
        )


def average_votes(config: BenchmarkConfig, rows: pd.DataFrame) -> tuple[BenchmarkConfig, pd.DataFrame]:
    """One row a pair (two a triplet) from one a vote, and the settings that say what its opinions are made of.

    An opinion is the mean of the votes, ``opinion_std`` its standard error (their standard deviation, with n - 1, over
    the root of n; empty for a single vote), ``people`` the number of votes, where it is the same for all. Of choices,
    the opinion is the share of votes for an image, whichever side it was shown on.

    Raises:
        UserError: the votes of one pair disagree about what it is, or settings contradict them.
    """
    name = f"benchmark {config.name}"
    if "opinion_std" in rows and rows["opinion_std"].notna().any():
        raise UserError(f"{name}: votes have no opinion_std of their own, which is computed from them")
    choice = config.protocol in CHOICES
    first, votes = (rows.iloc[0::2], rows.iloc[1::2]) if choice else (rows, rows)
    keys = _pair_keys(rows, choice)
    numbered, _ = pd.factorize(pd.Series(keys, dtype=object))
    shares = votes["opinion"].to_numpy(dtype=float)
    if choice:  # of the side that was on the right when the question came first
        right, _ = pd.factorize(pd.Series(_pair_keys(votes, choice=False), dtype=object))
        leading = right[np.unique(numbered, return_index=True)[1]][numbered]
        shares = np.where(right == leading, shares, 1 - shares)
    counts = np.bincount(numbered)
    means = np.bincount(numbered, shares) / counts
    squares = np.bincount(numbered, (shares - means[numbered]) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(counts > 1, np.sqrt(squares / (counts - 1) / counts), np.nan)
    for column in ("distortion", "level", "split"):
        kinds = votes[column].groupby(numbered).nunique() if column in votes else pd.Series(dtype=int)
        if (kinds > 1).any():
            row = votes.index[numbered == kinds.index[kinds > 1][0]][0]
            raise UserError(f"{name}: the votes of {_named(rows, row)} are of several values of {column}")
    people = int(counts[0]) if (counts == counts[0]).all() else None
    if config.people is not None and config.people != people:
        raise UserError(f"{name}: benchmark.people={config.people}, but {counts.min()} to {counts.max()} judged a pair")
    chosen = np.unique(numbered, return_index=True)[1]
    if not choice:
        made = votes.iloc[chosen].assign(opinion=means, opinion_std=errors).reset_index(drop=True)
        return replace(config, people=people, opinion_std="standard_error"), made
    both = [first.iloc[chosen].assign(opinion=1 - means), votes.iloc[chosen].assign(opinion=means)]
    made = pd.concat([side.reset_index(drop=True) for side in both]).sort_index(kind="stable").reset_index(drop=True)
    return replace(config, people=people), made


def _check_triplets(name: str, rows: pd.DataFrame) -> None:
    """Nothing, if every triplet has two rows, of one reference, whose opinions are shares of one whole."""
    left, right = rows.iloc[0::2], rows.iloc[1::2]
    whole = len(left) == len(right) and (left["reference"].to_numpy() == right["reference"].to_numpy()).all()
    known = [side["opinion"].replace([np.inf, -np.inf], np.nan).to_numpy(dtype=float) for side in (left, right)]
    if not whole or (np.abs(known[0] + known[1] - 1) > 1e-6).any():  # NaN is said elsewhere
        raise UserError(f"{name}: its loader has to give two rows a triplet, whose opinions sum to 1")


def _keys(rows: pd.DataFrame, side: str) -> list[str]:
    """What tells images apart: the file, whatever it is called; its name in any case where it is missing."""
    paths, names = rows[f"{side}_path"], rows[side]
    located = zip(paths, places(paths), names, strict=True)
    return [place if path else f"missing {folded(name)}" for path, place, name in located]


def _pair_keys(rows: pd.DataFrame, choice: bool) -> list[tuple[str, ...]]:
    """What tells pairs apart, or questions, whose two sides may be shown either way round."""
    pairs = list(zip(_keys(rows, "reference"), _keys(rows, "distorted"), strict=True))
    if not choice:
        return list(pairs)
    return [(*first, *second) for first, second in map(sorted, zip(pairs[0::2], pairs[1::2], strict=True))]


def _refuse(name: str, what: str, rows: pd.DataFrame, wrong: pd.Series, values: pd.Series) -> None:
    """Raise where a row is wrong, and say how many are."""
    if wrong.any():
        bad = rows.index[wrong]
        named = first_names(_named(rows, row, f"{values[row]:.12g}") for row in bad)
        raise UserError(f"{name}: {len(bad)} {what}: {named}")


def _named(rows: pd.DataFrame, row: Any, value: str = "") -> str:
    """A row for an error: its image, and in brackets the line of the list and the value, as far as they are known."""
    image = rows["distorted" if "distorted" in rows else "right"][row]
    known = [_place(rows, row)] if "line" in rows else []
    inside_brackets = ": ".join([*known, *([value] if value else [])])
    return f"{image} ({inside_brackets})" if inside_brackets else str(image)


def _place(rows: pd.DataFrame, row: Any) -> str:
    return f"line {rows['line'][row]}" if "line" in rows else f"row {int(str(row)) + 1}"
