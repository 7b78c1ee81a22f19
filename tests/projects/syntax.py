"""Parses each piece of code in a Markdown file, by its language's grammar; whatever does not parse is an error.

python syntax.py FILE
"""

import importlib
import re
import sys

from tree_sitter import Language, Parser

# The word behind the fence, and the grammar's module; those with a function of another name say so.
GRAMMARS = {
    "js": "tree_sitter_javascript",
    "ts": "tree_sitter_typescript.language_typescript",
    "python": "tree_sitter_python",
    "rust": "tree_sitter_rust",
    "go": "tree_sitter_go",
    "ruby": "tree_sitter_ruby",
    "csharp": "tree_sitter_c_sharp",
    "json": "tree_sitter_json",
    "toml": "tree_sitter_toml",
    "yaml": "tree_sitter_yaml",
}
NOT_CODE = {"sh", "text"}  # commands are checked by tests/it/documents.rs


def grammar(word):
    module, _, function = GRAMMARS[word].partition(".")
    return Parser(Language(getattr(importlib.import_module(module), function or "language")()))


def faults(node):
    if node.is_error or node.is_missing:
        yield node
    for child in node.children:
        if child.has_error or child.is_missing:
            yield from faults(child)


def blocks(text):
    """Language, first line and text of each fenced block."""
    for found in re.finditer(r"^```(\S+)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield found[1], text[: found.start()].count("\n") + 2, found[2]


def main(path):
    # A grammar that takes everything would show nothing.
    for word in GRAMMARS:
        assert list(faults(grammar(word).parse(b"{ ( [ broken").root_node)), f"the grammar of {word} takes anything"
    counted, wrong = {}, []
    for word, first, code in blocks(open(path, encoding="utf-8").read()):
        if word in NOT_CODE:
            continue
        if word not in GRAMMARS:
            wrong.append(f"{path}:{first}: no grammar of '{word}' is known here")
            continue
        counted[word] = counted.get(word, 0) + 1
        found = list(faults(grammar(word).parse(code.encode()).root_node))
        wrong += [f"{path}:{first + node.start_point[0]}: this is no {word}" for node in found[:3]]
    missing = GRAMMARS.keys() - counted.keys()
    wrong += [f"{path}: there is no {word} in it: is the check still looking for the right fences?" for word in sorted(missing)]
    if wrong:
        sys.exit("\n".join(wrong))
    print("syntax:", ", ".join(f"{count} {word}" for word, count in sorted(counted.items())))


main(sys.argv[1])
