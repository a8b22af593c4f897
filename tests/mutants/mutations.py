"""What is changed: one operator, number, condition, exception or decorator of a module at a time.

Cosmic Ray changes the code. Of its operators those are used that turn a thing into its neighbour
or its opposite: with all of them each ``+`` would become eleven mutants, nearly all of which fail
at once.
"""

import ast
import difflib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

_BINARY = (
    *("Add_Sub", "Sub_Add", "Mul_FloorDiv", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul"),
    *("RShift_LShift", "LShift_RShift", "BitOr_BitAnd", "BitAnd_BitOr", "BitXor_BitAnd"),
)
_COMPARISON = (
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
)
OPERATORS = (
    *(f"ReplaceBinaryOperator_{change}" for change in _BINARY),
    *(f"ReplaceComparisonOperator_{change}" for change in _COMPARISON),
    *(f"ReplaceUnaryOperator_Delete_{name}" for name in ("Not", "USub", "Invert")),
    *("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop"),
    *("ExceptionReplacer", "NumberReplacer", "RemoveDecorator"),
)
_FLAGS = {"ReplaceTrueWithFalse", "ReplaceFalseWithTrue"}

Position = tuple[int, int]


@dataclass(frozen=True)
class Mutant:
    """One change of a module: in ``function``, ``before`` became ``after``.

    ``lines`` are those of the changed statement; there are none if it runs only while the module
    is imported. ``source`` is the text of the whole module with the change.
    """

    module: str
    function: str
    before: str
    after: str
    line: int
    lines: frozenset[int]
    source: str

    @property
    def key(self) -> str:
        """What identifies the mutant as long as its statement stays as it is."""
        return f"{self.module}\t{self.function}\t{self.before}\t{self.after}"

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}: {self.before}  ->  {self.after}"


def of_module(module: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of ``source``, the text of ``module``.

    What does not compile, or means the same as another, is no mutant; neither is a change of an
    annotation, which nothing runs, or of a flag of a dataclass, whose promise mypy checks.
    """
    tree = ast.parse(source)
    seen = {_meaning(source)}
    count: Counter[tuple[str, str, str]] = Counter()
    annotations, flags = list(_not_run(tree)), list(_flags(tree))
    for name in OPERATORS:
        left_out = [*annotations, *flags] if name in _FLAGS else annotations
        for position, mutated in _changed(source, name):
            if any(_start(node) <= position < _end(node) for node in left_out):
                continue
            try:
                meaning = _meaning(mutated)
            except SyntaxError:
                continue
            if meaning in seen:
                continue
            seen.add(meaning)
            function, lines = _place(tree, position[0])
            before, after = _difference(source, mutated)
            count[function, before, after] += 1
            if (times := count[function, before, after]) > 1:
                after += f"  (number {times})"
            yield Mutant(module, function, before, after, position[0], lines, mutated)


def _changed(source: str, name: str) -> Iterator[tuple[Position, str]]:
    """Yield where the operator changes ``source``, and the changed text."""
    # Only the environment of `make mutants` has Cosmic Ray.
    from cosmic_ray import ast as trees  # type: ignore[import-not-found] # noqa: PLC0415 - see above
    from cosmic_ray import mutating, plugins  # noqa: PLC0415 - see above

    operator = plugins.get_operator(f"core/{name}")()
    places = [
        start
        for node in trees.ast_nodes(trees.get_ast(source))
        for start, _ in operator.mutation_positions(node)
    ]
    for occurrence, place in enumerate(places):
        # Cosmic Ray 8.7 fails at an exception of another module (`except queue.Empty`).
        with suppress(AttributeError):
            yield place, mutating.mutate_code(source, operator, occurrence)


class _Plain(ast.NodeTransformer):
    """Writes ``not a == b`` as ``a != b``, and ``not not a`` as ``a``."""

    opposites: ClassVar = dict(
        [
            *((ast.Eq, ast.NotEq), (ast.NotEq, ast.Eq), (ast.Is, ast.IsNot), (ast.IsNot, ast.Is)),
            *((ast.Lt, ast.GtE), (ast.GtE, ast.Lt), (ast.Gt, ast.LtE), (ast.LtE, ast.Gt)),
            *((ast.In, ast.NotIn), (ast.NotIn, ast.In)),
        ]
    )

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        inner = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
                return inner.operand
            if isinstance(inner, ast.Compare) and len(inner.ops) == 1:
                return ast.Compare(
                    inner.left, [self.opposites[type(inner.ops[0])]()], inner.comparators
                )
        return ast.UnaryOp(node.op, inner)


def _meaning(source: str) -> str:
    return ast.dump(_Plain().visit(ast.parse(source)))


def _difference(source: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, before and after, each as one line."""
    lines = list(difflib.unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))
    before, after = (
        " ".join(
            " ".join(line[1:].split("  # ")[0] for line in lines[2:] if line[0] == sign).split()
        )
        for sign in "-+"
    )
    return before, after


def _start(node: ast.expr) -> Position:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> Position:
    return node.end_lineno or 0, node.end_col_offset or 0


def _not_run(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns:
            yield node.returns
        elif isinstance(node, ast.Name) and node.id == "TYPE_CHECKING":
            yield node


def _flags(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from node.decorator_list


def _place(tree: ast.AST, line: int) -> tuple[str, frozenset[int]]:
    """Return the function that ``line`` belongs to, and the lines of its statement.

    There are no lines for what runs only while the module is imported.
    """
    function: list[str] = []
    statement: ast.stmt | None = None
    runs_later = False
    for node in _statements_around(tree, line):
        inside = line >= _body_line(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function.append(node.name)
            runs_later = isinstance(node, ast.FunctionDef) and inside
        statement = node
    name = ".".join(function) or "<module>"
    if not runs_later or statement is None:
        return name, frozenset()
    header = range(statement.lineno, _body_line(statement))
    return name, frozenset(header if line in header else [line])


def _statements_around(tree: ast.AST, line: int) -> Iterator[ast.stmt]:
    """Yield the statements that ``line`` is in, the outermost first."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt):
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(each.lineno for each in decorators)])
            if first <= line <= (node.end_lineno or 0):
                yield node
                yield from _statements_around(node, line)
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from _statements_around(node, line)


def _body_line(statement: ast.stmt) -> int:
    """Return the line where the body of a compound statement begins, or the one after it."""
    body: list[ast.stmt] = getattr(statement, "body", [])
    return body[0].lineno if body else (statement.end_lineno or 0) + 1
