"""Label and field selectors: checked here, so that a typing error is told before any request; evaluated by the server.

The grammar and the texts of the errors are Kubernetes' (k8s.io/apimachinery pkg/labels, pkg/fields):
``a=b``, ``a==b``, ``a!=b``, ``a in (b, c)``, ``a notin (b)``, ``a``, ``!a``, ``a>1``, ``a<1``, joined by commas.

The texts differ where ours say less, or more: of the rules that a name breaks we tell the first, without all of its
examples, and an equals sign that is not escaped is shown, where kubectl writes its number, 61. "63 bytes" are
those of 1.36; 1.34 has "63 characters".
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"==|!=|=|!|\(|\)|,|>|<|[^ \t\r\n=!(),<>]+")  # and between them Go's white space, not Unicode's
_OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")
_SYMBOLS = frozenset(["==", "!=", "=", "!", "(", ")", ",", ">", "<"])
_END = ""

_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_CHARACTERS = (
    "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)


def check_label_selector(text: str) -> None:
    """Raises ValueError, with kubectl's text or nearly so, when ``text`` is not a label selector."""
    _LabelSelector(text).check()


class _LabelSelector:
    """Recursive descent over the tokens; the words "in" and "notin" are ordinary names where a name may stand."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), _END]
        self._next = 0

    def _peek(self) -> str:
        return self._tokens[self._next]

    def _take(self) -> str:
        token = self._tokens[self._next]
        if token != _END:
            self._next += 1
        return token

    def check(self) -> None:
        while (token := self._peek()) != _END:
            if token in _SYMBOLS and token != "!":
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                self._requirement()
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            token = self._take()
            if token == _END:
                return
            if token != ",":
                raise ValueError(f"found '{token}', expected: ',' or 'end of string'")
            token = self._peek()
            if token == _END or (token in _SYMBOLS and token != "!"):
                raise ValueError(f"found '{token}', expected: identifier after ','")

    def _requirement(self) -> None:
        negated = self._peek() == "!"
        if negated:
            self._take()
        key = self._take()
        if key == _END or key in _SYMBOLS:
            raise ValueError(f"found '{key}', expected: identifier")
        _check_key(key)
        if negated or self._peek() in (_END, ","):
            return
        operator = self._take()
        if operator in ("in", "notin"):
            for index, value in enumerate(self._values()):
                _check_value(key, value, index)
        elif operator in ("=", "==", "!=", ">", "<"):
            value = ""
            if self._peek() not in (_END, ","):
                value = self._take()
                if value in _SYMBOLS:
                    raise ValueError(f"found '{value}', expected: identifier")
            if operator in "<>" and not (re.fullmatch("[+-]?[0-9]{1,19}", value) and -(2**63) <= int(value) < 2**63):
                raise ValueError(
                    f"values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
                )
            _check_value(key, value, 0)
        else:
            raise ValueError(f"found '{operator}', expected: {', '.join(_OPERATORS)}")

    def _values(self) -> list[str]:
        token = self._take()
        if token != "(":
            raise ValueError(f"found '{token}' expected: '('")
        values, value = set(), ""  # an empty value may stand between commas
        while True:
            token = self._take()
            if token in (",", ")"):
                values.add(value)
                value = ""
                if token == ")":
                    return sorted(values)
            elif token == _END or token in _SYMBOLS or value:
                expected = "',' or ')'" if value else "',', or identifier" if values else "',', ')' or identifier"
                raise ValueError(f"found '{token}', expected: {expected}")
            else:
                value = token


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    problem = ""
    if slash and not prefix:
        problem = "prefix part must be non-empty"
    elif "/" in prefix:
        problem = f"a qualified name must {_CHARACTERS} with an optional DNS subdomain prefix and '/'"
    elif slash and not (len(prefix) < 254 and re.fullmatch(_SUBDOMAIN, prefix)):
        problem = "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters"
    elif not name:
        problem = "name part must be non-empty"
    elif len(name) > 63:
        problem = "name part must be no more than 63 bytes"
    elif not re.fullmatch(_NAME, name):
        problem = (
            f"name part must {_CHARACTERS} (e.g. 'MyName',  or 'my.name',  or '123-abc', "
            f"regex used for validation is '{_NAME}')"
        )
    if problem:
        raise ValueError(f'<nil>: Invalid value: "{key}": {problem}')


def _check_value(key: str, value: str, index: int) -> None:
    problem = ""
    if len(value) > 63:
        problem = "must be no more than 63 bytes"
    elif value and not re.fullmatch(_NAME, value):
        problem = (
            f"a valid label must be an empty string or {_CHARACTERS} (e.g. 'MyValue',  or 'my_value',  or '12345', "
            f"regex used for validation is '({_NAME})?')"
        )
    if problem:
        raise ValueError(f'values[{index}][{key}]: Invalid value: "{value}": {problem}')


def field_names(text: str) -> frozenset[str]:
    """The fields that a field selector asks about (``metadata.name=x`` -> ``metadata.name``).

    A backslash escapes a comma, an equals sign or a backslash in a value. Raises ValueError, with kubectl's text or
    nearly so (see the top of the module).
    """
    names = set()
    for term in sorted(re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL)):
        match = re.search("!=|==|=", term)
        if match is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{term}'")
        names.add(term[: match.start()])
        value = term[match.end() :]
        if bad := re.search(r"\\(?![\\,=]).?", re.sub(r"\\[\\,=]", "", value), re.DOTALL):
            raise ValueError(f"invalid field selector: invalid escape sequence: {bad.group()}")
        if "=" in re.sub(r"\\.", "", value):
            raise ValueError("invalid field selector: unescaped character in value: =")
    return frozenset(names)
