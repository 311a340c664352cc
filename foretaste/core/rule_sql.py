"""What a hand-written rule may say: one expression of columns, constants and pure functions.

Rules come from people at a desk, and some of them may be careless or worse. A rule is
parsed, every part of it is looked up in a list of what is allowed, and what runs is
written anew from the tree: nothing of the text that was typed reaches an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from foretaste.core.errors import PolicyError

if TYPE_CHECKING:
    from sqlglot import exp

Dialect = Literal["duckdb", "spark"]

MAX_CHARS: Final = 4_000
_MAX_DEPTH: Final = 25
_MAX_TOKENS: Final = 1_500
_MAX_TREE: Final = 120
"""Deepest tree: engines take more than proportional time for chains of operators."""
_TOO_LONG: Final = "it is too long or nested too deep"

_SYNTAX: Final = frozenset(
    {
        "And",
        "Or",
        "Not",
        "Xor",
        "Paren",
        "EQ",
        "NEQ",
        "NullSafeEQ",
        "NullSafeNEQ",
        "GT",
        "GTE",
        "LT",
        "LTE",
        "Between",
        "In",
        "Is",
        "Like",
        "ILike",
        "Escape",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Mod",
        "Neg",
        "Case",
        "If",
        "Cast",
        "TryCast",
        "DataType",
        "DataTypeParam",
        "Column",
        "Identifier",
        "Literal",
        "Boolean",
        "Null",
        "Interval",
        "Var",
    }
)
FUNCTIONS: Final[Mapping[str, str]] = {
    "abs": "Abs",
    "ceil": "Ceil",
    "coalesce": "Coalesce",
    "contains": "Contains",
    "date_trunc": "TimestampTrunc",
    "day": "Day",
    "ends_with": "EndsWith",
    "exp": "Exp",
    "floor": "Floor",
    "greatest": "Greatest",
    "hour": "Hour",
    "isnan": "IsNan",
    "least": "Least",
    "length": "Length",
    "ln": "Ln",
    "log10": "Log",
    "lower": "Lower",
    "minute": "Minute",
    "month": "Month",
    "nullif": "Nullif",
    "regexp_extract": "RegexpExtract",
    "regexp_matches": "RegexpLike",
    "replace": "Replace",
    "reverse": "Reverse",
    "round": "Round",
    "sign": "Sign",
    "split_part": "SplitPart",
    "sqrt": "Sqrt",
    "starts_with": "StartsWith",
    "strpos": "StrPosition",
    "substring": "Substring",
    "trim": "Trim",
    "upper": "Upper",
    "year": "Year",
}
"""Functions that a rule may call, as DuckDB spells them, and what the parser calls them.

All take time and memory in proportion to the text: nothing puts texts together or compares
each letter with each, for the texts are an attacker's.
"""

_REGULAR: Final = frozenset({"RegexpLike", "RegexpExtract"})
_TYPES: Final = frozenset(
    {
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
        "VARCHAR",
        "TEXT",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMPNTZ",
    }
)


def canonical(
    predicate: str, columns: Collection[str] | None, *, rule: str, dialect: Dialect = "duckdb"
) -> str:
    """Check a predicate and write it anew for an engine.

    Parameters
    ----------
    predicate
        One true-or-false expression in DuckDB's dialect, as behind WHERE.
    columns
        Names that it may use, any case; None: not checked.
    rule
        Name of the rule, for the error.
    dialect
        Engine that will run it. Spark's regular expressions take exponential time on
        hostile text, so rules with one are refused there.

    Raises
    ------
    PolicyError
        If it is anything else than one expression of what is allowed; says what.
    """
    tree = _parse(predicate, rule)
    depths: dict[int, int] = {}
    for part in tree.walk():
        depths[id(part)] = depth = depths.get(id(part.parent), 0) + 1
        if depth > _MAX_TREE:
            raise refusal(rule, _TOO_LONG)
        _check(part, columns, rule, dialect)
    return str(tree.sql(dialect=dialect, comments=False))


def columns_in(predicate: str, *, rule: str) -> frozenset[str]:
    """Name the columns that a predicate reads, in lower case.

    Raises
    ------
    PolicyError
        If it cannot be read.
    """
    from sqlglot import exp

    return frozenset(one.name.lower() for one in _parse(predicate, rule).find_all(exp.Column))


def refusal(rule: str, why: str) -> PolicyError:
    """Say that a rule cannot be used, and what one looks like."""
    return PolicyError(
        f"the predicate cannot be used: {why}",
        location=f"rules.{rule}.where",
        hint="write one true-or-false expression of the columns, as behind WHERE in DuckDB",
    )


def _parse(predicate: str, rule: str) -> exp.Expr:
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.tokenizer_core import TokenType

    if len(predicate) > MAX_CHARS:
        raise refusal(rule, f"it is longer than {MAX_CHARS:,} characters")
    if "\0" in predicate:
        raise refusal(rule, "it holds a character that ends texts")
    try:
        tokens = sqlglot.tokenize(predicate, read="duckdb")
        kinds = [token.token_type for token in tokens]
        if TokenType.SEMICOLON in kinds:
            raise refusal(rule, "it is more than one expression")
        # The parser calls itself for every bracket and operator.
        if len(kinds) > _MAX_TOKENS or _depth(kinds) > _MAX_DEPTH:
            raise refusal(rule, _TOO_LONG)
        found = sqlglot.parse(predicate, read="duckdb")
    except (SqlglotError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise refusal(rule, f"it cannot be read ({first})") from None
    if len(found) != 1 or found[0] is None:
        raise refusal(rule, "it is empty" if not any(found) else "it is more than one expression")
    return found[0]


def _depth(kinds: Sequence[object]) -> int:
    """Most brackets open at once, runs of NOT and CASE counted like brackets."""
    from sqlglot.tokenizer_core import TokenType as Kind

    opens = {Kind.L_PAREN, Kind.L_BRACKET, Kind.CASE, Kind.NOT, Kind.DASH}
    closes = {Kind.R_PAREN, Kind.R_BRACKET, Kind.END}
    deepest = now = 0
    for kind in kinds:
        now += (kind in opens) - (kind in closes)
        deepest = max(deepest, now)
    return deepest


def _check(part: exp.Expr, columns: Collection[str] | None, rule: str, dialect: Dialect) -> None:
    from sqlglot import exp

    kind = type(part).__name__
    if isinstance(part, exp.Column):
        _check_column(part, columns, rule)
    elif isinstance(part, exp.Func) and kind not in _SYNTAX:
        if kind not in FUNCTIONS.values():
            raise refusal(rule, f"{_called(part)} is not among the functions of rules")
    elif kind not in _SYNTAX:
        raise refusal(rule, f"it holds {_plain(kind)}")
    if (check := _FURTHER.get(kind)) is not None:
        check(part, rule)
    if dialect == "spark" and kind in _REGULAR:
        raise refusal(rule, "regular expressions are not allowed on Spark")


def _check_column(column: exp.Column, columns: Collection[str] | None, rule: str) -> None:
    if column.table:
        raise refusal(rule, f"{column.sql()} names a table")
    known = None if columns is None else {name.lower() for name in columns}
    if known is not None and column.name.lower() not in known:
        raise refusal(rule, f"there is no column {column.name[:64]!r}")


def _check_type(part: exp.Expr, rule: str) -> None:
    name = getattr(part.this, "value", part.this)
    if name not in _TYPES or part.args.get("nested"):
        raise refusal(rule, f"{str(name).lower()} is not among the types of rules")


def _check_regular(part: exp.Expr, rule: str) -> None:
    """Take no pattern out of a row: it would be the attacker's."""
    if not _is_text(part.expression):
        raise refusal(rule, "a regular expression must be a text constant")


def _check_replace(part: exp.Expr, rule: str) -> None:
    """Let a replacement make no text longer: a few of them in each other would fill memory."""
    old, new = part.expression, part.args.get("replacement")
    if not (_is_text(old) and _is_text(new)) or _size(new) > _size(old):
        raise refusal(rule, "replace takes two text constants, the second no longer than the first")


def _size(constant: exp.Expr | None) -> int:
    return len(constant.name.encode()) if constant is not None else 0


def _is_text(part: object) -> bool:
    from sqlglot import exp

    return isinstance(part, exp.Literal) and part.is_string


_FURTHER: Final[Mapping[str, Callable[[exp.Expr, str], None]]] = {
    "DataType": _check_type,
    "RegexpLike": _check_regular,
    "RegexpExtract": _check_regular,
    "Replace": _check_replace,
}


def _called(part: exp.Func) -> str:
    from sqlglot import exp

    return part.name if isinstance(part, exp.Anonymous) else part.sql_name().lower()


def _plain(kind: str) -> str:
    return {
        "Select": "a subquery",
        "Subquery": "a subquery",
        "Exists": "a subquery",
        "Window": "a window function",
        "Star": "a star",
        "Placeholder": "a parameter",
        "Parameter": "a parameter",
    }.get(kind, f"{kind.lower()}, which rules may not")
