"""Finds what outlives a call without being owned by anybody, in the text of a C++ file: variables of
namespaces, static members and static locals that can change. Used by check_layers.py.

No parser: literals, comments and macros are blanked, braces are followed, and what stands before each
`;` and `{` is looked at. Enough for how code looks here.
"""

import re

LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<end>[^(\s]*)\(.*?\)(?P=end)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\[^\n]|[^'\\\n])[^'\n]*'",
    re.S,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)

NO_VARIABLE = re.compile(
    r"(?:using|typedef|namespace|friend|concept|enum class)\b"
    r"|(?:class|struct|union|enum) [\w:]+(?: final)?(?: ?: .*)?$|enum ?: ?[\w:]+$"
)


def code_only(text):
    """`text` with comments, literals and lines of the preprocessor blanked, and its lines kept."""

    def blank(match):
        found = match.group(0)
        kept = '""' if found[0] in '"R' else "0" if found[0] == "'" else " "
        return kept + re.sub(r"[^\n]", "", found)

    text = LITERAL.sub(blank, text)
    return DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", "", match.group(0)), text)


def declarator(head):
    """A declaration up to its `=`, without what hides its shape: attributes, template arguments."""
    head = re.sub(r"\[\[.*?\]\]|\b(?:alignas|__attribute__)\s*\(+[^()]*\)+", " ", head, flags=re.S)
    head = re.sub(r"->|\boperator\s*(?:\(\)|\[\]|[^\w\s(]+)", " operator ", head)
    head = re.sub(r"\b(?:public|private|protected)\s*:(?!:)", " ", head)
    before = None
    while before != head:
        before, head = head, re.sub(r"<[^<>;{}]*>", " ", head)
    return " ".join(head.split("=")[0].split())


def constant(declaration):
    after_pointer = declaration.rsplit("*", 1)[-1]
    return re.search(r"\bconstexpr\b", declaration) or re.search(r"\bconst\b", after_pointer)


def scope_of(head, around):
    """What the `{` after `head` opens: a namespace, a class, or anything else ("code")."""
    if around == "namespace" and re.search(r'\bnamespace\b[\w:\s]*$|\bextern\s*""$', head):
        return "namespace"
    if re.search(r"\b(?:class|struct|union)\b", head) and not re.search(r"[(=]", declarator(head)):
        return "class"
    return "code"


def declarations(code):
    """(position, scope, text before its `;` or `{`) of every statement."""
    scopes, start, depth = [("namespace", 0)], 0, 0  # depth: of parentheses in this scope
    for match in re.finditer(r"[(){};]", code):
        sign, at = match.group(0), match.start()
        if sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
            continue
        if sign == ";" and depth > 0:  # of a `for`
            continue
        before = code[start:at]
        scope = scopes[-1][0]
        if sign != "}":
            yield at - len(before.lstrip()), scope, before.strip()
        if sign == "{":
            scopes.append((scope_of(before.strip(), scope), depth))
            depth = 0
        elif sign == "}" and len(scopes) > 1:
            depth = scopes.pop()[1]
        start = at + 1


def mutable_state(text):
    """(line, declaration) of every variable in `text` that can change and outlives all calls."""
    code = code_only(text)
    for position, scope, head in declarations(code):
        found = declarator(head)
        if scope == "namespace":
            found = re.sub(r"\btemplate\b", "", found)
            shape = re.sub(r"\[[^\]]*\]", "", found).strip()
            variable = re.match(r"(?:[\w:]+[\s*&]+)+[\w:]+$", shape) and not NO_VARIABLE.match(shape)
        else:
            variable = re.search(r"\bstatic\b", found) and not (scope == "class" and "(" in found)
            found = found[found.find("static") :].split("(")[0]
        if variable and not constant(found) and not re.search(r"\bthread_local\b", found):
            yield code.count("\n", 0, position) + 1, found
