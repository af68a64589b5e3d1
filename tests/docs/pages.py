# SPDX-License-Identifier: Apache-2.0
"""The code blocks of Markdown pages."""
import dataclasses
import re

FENCE = re.compile(r'^( *)(`{3,}|~{3,})\s*([\w+-]*)\s*(.*)$')
TITLE = re.compile(r'title="([^"]+)"')


@dataclasses.dataclass
class Block:
    """A fenced block: its language, the file that it is to be saved as, its text, its line."""
    language: str
    title: str
    text: str
    line: int


def blocks(text):
    """All fenced blocks, in order; text that is only indented is a block of the language "indented"."""
    lines = text.splitlines()
    at = 0
    in_list = False
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence:
            indent, mark, language, rest = fence.groups()
            begin = at
            at += 1
            body = []
            while at < len(lines) and lines[at].strip() != mark:
                body.append(lines[at][len(indent):])
                at += 1
            title = TITLE.search(rest)
            yield Block(language, title.group(1) if title else "", "\n".join(body) + "\n", begin + 1)
        elif re.match(r'\s*([-*+]|\d+\.)\s', lines[at]):
            in_list = True
        elif lines[at] and not lines[at].startswith(" "):
            in_list = False
        elif lines[at].startswith("    ") and not in_list and not lines[at - 1].strip():
            yield Block("indented", "", lines[at] + "\n", at + 1)
        at += 1


def commands(console):
    """(command, expected lines) of a console block: a "$ " begins a command, a "\\" at its end goes on."""
    found = []
    goes_on = False
    for line in console.splitlines():
        if goes_on:
            found[-1][0] += "\n" + line
        elif line.startswith("$ "):
            found.append([line[2:], []])
        elif found:
            found[-1][1].append(line)
        goes_on = line.endswith("\\") and (goes_on or line.startswith("$ "))
    return found


def fits(expected, printed):
    """None, or what is not as expected. "…" is anything in a line; alone on a line, any lines."""
    pattern = ""
    for line in expected:
        if line.strip() == "…":
            pattern += r'(?:.*\n)*?'
        else:
            pattern += ".*?".join(map(re.escape, line.rstrip().split("…"))) + r'[ \t]*\n'
    text = "".join(line.rstrip() + "\n" for line in printed)
    if re.fullmatch(pattern, text):
        return None
    return "printed:\n" + text + "where this was expected:\n" + "\n".join(expected)
