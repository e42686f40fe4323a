"""A condition on the rows of a table, as text -> which rows meet it.

A condition may come with a recipe from somebody else. It is read with Python's grammar, but only what is listed here is
ever done: names are columns, and there are no calls, attributes, subscripts or variables.
"""

import ast
import io
import operator
import tokenize
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.errors import UserError, choices

MOST = 1000  # characters of a condition
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
_COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_WORDS = {"&": "and", "|": "or", "~": "not"}  # what pandas writes for these
_KINDS = {ast.Call: "calls", ast.Attribute: "attributes (.)", ast.Subscript: "subscripts ([])", ast.Lambda: "lambda",
          ast.Constant: "such values"}  # fmt: skip


def rows_meeting(table: pd.DataFrame, condition: str) -> pd.Series:
    """For each row whether it meets a condition.

    Args:
        table: columns of numbers, words and truth values.
        condition: ``COLUMN=VALUE[,VALUE]``; or an expression of columns, numbers, 'words' and lists with ``== != < <= >
            >= in and or not + - * / // % **``.

    Raises:
        UserError: it makes no sense; the message says what does not.

    >>> rows = pd.DataFrame({"layer": ["pixels", "conv1"], "srcc": [0.7, 0.6]})
    >>> rows_meeting(rows, 'srcc > .65 and layer == "pixels"').tolist(), rows_meeting(rows, "layer=conv1").tolist()
    ([True, False], [False, True])
    """
    name, equals, values = (part.strip() for part in condition.partition("="))
    try:
        if equals and not values.startswith("=") and (name.isidentifier() or name in table.columns):
            return _is_one_of(_column(table, name), name, [value.strip() for value in values.split(",")])
        with np.errstate(all="ignore"):
            met = _value(_parsed(condition), table)
        if not isinstance(met, pd.Series) or not pd.api.types.is_bool_dtype(met):
            raise UserError("it is true or false of no row: compare a column, as in srcc > .7")
        return met.fillna(False).astype(bool)  # what is not known does not meet it
    except UserError as error:
        raise UserError(f"--where {condition[:80]!r}: {error}") from error
    except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"--where {condition[:80]!r} cannot be computed: {reason}") from error


def _parsed(condition: str) -> ast.expr:
    """The expression; ``& | ~`` are read as ``and or not``.

    Raises:
        UserError: it is none.
    """
    if len(condition) > MOST:
        raise UserError(f"it has more than {MOST} characters")
    try:
        tokens = tokenize.generate_tokens(io.StringIO(condition.strip()).readline)
        plain = [
            (one.type, f" {_WORDS[one.string]} " if one.type == tokenize.OP and one.string in _WORDS else one.string)
            for one in tokens
            if one.type not in (tokenize.NEWLINE, tokenize.NL)
        ]
        return ast.parse(tokenize.untokenize(plain).strip(), mode="eval").body
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError) as error:
        raise UserError("it is neither COLUMN=VALUE nor an expression as srcc > .7 and layer == 'pixels'") from error


def _value(node: ast.expr, table: pd.DataFrame) -> Any:
    """A column, a number, a word, a truth value or a list of these."""
    match node:
        case ast.Constant(bool() | str() as value):
            return value
        case ast.Constant(int() | float() as number):
            return float(number)  # whole numbers would grow without a limit
        case ast.List(elements) | ast.Tuple(elements) | ast.Set(elements):
            return [_single(_value(element, table)) for element in elements]
        case ast.Name(name):
            return _column(table, name)
        case ast.UnaryOp(ast.Not(), operand):
            return ~_truth(_value(operand, table))
        case ast.UnaryOp(ast.USub() | ast.UAdd() as sign, operand):
            number = _numbers(_value(operand, table))
            return -number if isinstance(sign, ast.USub) else number
        case ast.BoolOp(ast.And(), values):
            return reduce(operator.and_, [_truth(_value(value, table)) for value in values])
        case ast.BoolOp(ast.Or(), values):
            return reduce(operator.or_, [_truth(_value(value, table)) for value in values])
        case ast.BinOp(left, sign, right) if type(sign) in _ARITHMETIC:
            return _real(_ARITHMETIC[type(sign)](_numbers(_value(left, table)), _numbers(_value(right, table))))
        case ast.Compare(left, signs, others):
            values = [_value(value, table) for value in (left, *others)]
            pairs = zip(values, signs, values[1:], strict=False)
            return reduce(operator.and_, [_compared(one, sign, other) for one, sign, other in pairs])
    kind = _KINDS.get(type(node), f"{type(node).__name__}s")
    raise UserError(f"there are no {kind} in a condition, only columns, numbers, 'words', comparisons, and, or, not")


def _compared(one: Any, sign: ast.cmpop, other: Any) -> Any:
    """One comparison; of words with words and numbers with numbers."""
    if isinstance(sign, (ast.In, ast.NotIn)):
        if not isinstance(one, pd.Series) or not isinstance(other, list):
            raise UserError("write COLUMN in [VALUE, VALUE]")
        for value in other:
            _check_alike(one, value)
        found = one.isin(other)
        return ~found if isinstance(sign, ast.NotIn) else found
    if type(sign) not in _COMPARISONS:
        raise UserError("compare with == or !=, not with is")
    _check_alike(one, other)
    return _COMPARISONS[type(sign)](one, other)


def _check_alike(one: Any, other: Any) -> None:
    kinds = {_kind(one), _kind(other)}
    if "list" in kinds:
        raise UserError("a list is only compared with in")
    if len(kinds) > 1:
        said = " is compared with ".join(f"{_named(value)} ({_kind(value)})" for value in (one, other))
        raise UserError(f"{said}: words stand in quotes, numbers do not")


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "list"
    if isinstance(value, pd.Series):
        if pd.api.types.is_bool_dtype(value):
            return "truth value"
        return "number" if pd.api.types.is_numeric_dtype(value) else "word"
    return {bool: "truth value", str: "word"}.get(type(value), "number")


def _named(value: Any) -> str:
    return str(value.name or "a column") if isinstance(value, pd.Series) else repr(value)[:40]


def _numbers(value: Any) -> Any:
    if _kind(value) != "number":
        raise UserError(f"{_named(value)} is no number")
    return value.astype(float) if isinstance(value, pd.Series) else value


def _real(value: Any) -> Any:
    if isinstance(value, complex):
        raise UserError("the root of a negative number is no number")
    return value


def _truth(value: Any) -> pd.Series:
    if not isinstance(value, pd.Series) or _kind(value) != "truth value":
        raise UserError(f"{_named(value)} alone says nothing of a row: compare a column, as in srcc > .7")
    return value


def _single(value: Any) -> Any:
    if isinstance(value, (pd.Series, list)):
        raise UserError("a list holds numbers and 'words'")
    return value


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table.columns:
        raise UserError(f"there is no column {name}; choose from {choices(name, map(str, table.columns))}")
    column: pd.Series = table[name]
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return column.astype("boolean")  # some rows have none
    return column


def _is_one_of(column: pd.Series, name: str, values: list[str]) -> pd.Series:
    """Whether a column is one of some values; a number however it is written."""
    if _kind(column) == "truth value":
        return column.astype(str).str.lower().isin([value.lower() for value in values])
    if _kind(column) == "word":
        return column.astype(str).isin(values)
    try:
        return column.astype(float).isin([float(value) for value in values])
    except ValueError:
        raise UserError(f"{name} holds numbers") from None
