"""The limits of a query, checked before it runs: size, depth, number and time."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, cast

from django.utils.translation import gettext as _
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    VariableDefinitionNode,
    VariablesInAllowedPositionRule,
    Visitor,
    get_named_type,
    parse_type,
    print_ast,
    specified_rules,
    visit,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.extensions import SchemaExtension

from accounts.api.durudex.errors import TookTooLong

LONGEST_QUERY = 10_000
# The introspection query of client generators has 183.
MOST_TOKENS = 500
# The most entries of one list in the document: definitions, fields of a selection, arguments, variables, directives,
# values. A message about one of them may repeat them all.
MOST_IN_A_ROW = 30
MOST_VALUES = 1_000
MOST_ALIASES = 15
# The introspection query of client generators has 18. Fragments count as levels, because walking them needs the same
# stack.
MOST_LEVELS = 20
MOST_SECONDS = 5.0
# Fields of one name are compared pair by pair, and again wherever their fragment is used. Two units are one comparison.
# The queries of clients need less than 100.
MOST_COMPARISONS = 2_000
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = MOST_COMPARISONS


def is_clean(text: str) -> bool:
    """Whether a database and an encoder accept the text: it has no NUL and no lone surrogate."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def values_in(value: Any) -> Iterator[Any]:
    """All values and keys in a JSON value at any depth, and the value itself."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one


def holds_unclean_text(value: Any) -> bool:
    """Whether any text in a JSON value is unclean."""
    return any(isinstance(one, str) and not is_clean(one) for one in values_in(value))


def holds_too_many(variables: Any) -> bool:
    """Whether variables hold more than MOST_VALUES values and keys. Each may be compared with similar names."""
    return next(islice(values_in(variables), MOST_VALUES, None), None) is not None


class Rows(Visitor):
    """Finds the first node that holds more than MOST_IN_A_ROW others in one list."""

    def __init__(self) -> None:
        super().__init__()
        self.too_long: Node | None = None

    def enter(self, node: Node, *_args: Any) -> Any:
        rows = (value for key in node.keys if isinstance(value := getattr(node, key), tuple))
        if any(len(row) > MOST_IN_A_ROW for row in rows):
            self.too_long = node
            return self.BREAK
        return None


class Sizes(ASTValidationRule):
    """Refuses too many aliases, too many levels, unclean text, and two mutations of a kind in one operation."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.aliases = 0
        # A fragment is measured once. It counts as flat while it is measured, so that a circle of fragments ends.
        self.fragment_levels: dict[str, int] = {}

    def enter_string_value(self, node: StringValueNode, *_args: Any) -> None:
        if not is_clean(node.value):
            self.report_error(GraphQLError(_("The request holds characters that no text has."), node))

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        self.aliases += node.alias is not None
        if node.alias is not None and self.aliases == MOST_ALIASES + 1:
            message = _("A query may have at most %(most)d aliases.") % {"most": MOST_ALIASES}
            self.report_error(GraphQLError(message, node))

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args: Any) -> None:
        if self._levels(node.selection_set) > MOST_LEVELS:
            message = _("A query may be at most %(most)d levels deep.") % {"most": MOST_LEVELS}
            self.report_error(GraphQLError(message, node))
        if node.operation is OperationType.MUTATION:
            keys_by_name: dict[str, set[str]] = {}
            for field in self._fields(node.selection_set, set()):
                keys = keys_by_name.setdefault(field.name.value, set())
                keys.add((field.alias or field.name).value)
            if any(len(keys) > 1 for keys in keys_by_name.values()):
                self.report_error(GraphQLError(_("A request may hold one mutation of a kind."), node))

    def _levels(self, selection_set: SelectionSetNode | None) -> int:
        if selection_set is None:
            return 0
        return max((self._levels_of(selection) for selection in selection_set.selections), default=0)

    def _levels_of(self, selection: SelectionNode) -> int:
        if not isinstance(selection, FragmentSpreadNode):
            return 1 + self._levels(cast(FieldNode | InlineFragmentNode, selection).selection_set)
        name = selection.name.value
        if name not in self.fragment_levels:
            self.fragment_levels[name] = 0
            fragment = self.context.get_fragment(name)
            self.fragment_levels[name] = self._levels(fragment.selection_set) if fragment else 0
        return 1 + self.fragment_levels[name]

    def _fields(self, selection_set: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
        """The fields of an operation's first level, including those in fragments."""
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self._fields(selection.selection_set, seen)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                seen.add(selection.name.value)
                fragment = self.context.get_fragment(selection.name.value)
                yield from self._fields(fragment.selection_set, seen) if fragment else ()


class CodeVariables(VariablesInAllowedPositionRule):
    """Accepts a variable of the type Int! or String! in place of a Code, as literals are accepted."""

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_args: Any) -> None:
        for usage in self.context.get_recursive_variable_usages(operation):
            definition = self.var_def_map.get(usage.node.name.value)
            if definition and usage.type and get_named_type(usage.type).name == "Code":
                self.var_def_map[usage.node.name.value] = _as_code(definition)
        super().leave_operation_definition(operation)


def _as_code(definition: VariableDefinitionNode) -> VariableDefinitionNode:
    if print_ast(definition.type) not in ("Int!", "String!"):
        return definition
    return replace(definition, type=parse_type("Code!"))


def _rules() -> Iterable[type[ASTValidationRule]]:
    yield Sizes
    for rule in specified_rules:
        yield CodeVariables if rule is VariablesInAllowedPositionRule else rule


RULES = tuple(_rules())


class QueryLimits(SchemaExtension):
    def on_operation(self) -> Iterator[None]:
        self.deadline = time.monotonic() + MOST_SECONDS
        self.execution_context.parse_options["max_tokens"] = MOST_TOKENS
        self.execution_context.validation_rules = RULES
        yield

    def on_validate(self) -> Iterator[None]:
        document = self.execution_context.graphql_document
        refusal = self._refusal(document) if document else None
        # A query that is refused here is not validated.
        self.execution_context.pre_execution_errors = [refusal] if refusal else None
        yield

    def _refusal(self, document: DocumentNode) -> GraphQLError | None:
        rows = Rows()
        visit(document, rows)
        if rows.too_long:
            message = _("A query may have at most %(most)d fields, arguments or values side by side.")
            return GraphQLError(message % {"most": MOST_IN_A_ROW}, rows.too_long)
        # strawberry would run the first of several operations if the client names none.
        operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        if len(operations) > 1 and self.execution_context.context.operation_name is None:
            return GraphQLError(_("The request does not say which operation to run."), operations)
        return None

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() > self.deadline:
            raise TookTooLong
        return _next(root, info, *args, **kwargs)
