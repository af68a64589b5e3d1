# SPDX-License-Identifier: Apache-2.0
"""Write tables as C."""
WIDTH = 98


def escape(text):
    out = []
    for char in text:
        if char in '"\\?':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif char == "\r":
            out.append("\\r")
        elif char == "\t":
            out.append("\\t")
        elif " " <= char <= "~":
            out.append(char)
        else:
            raise SystemExit(f"cannot write {char!r}")
    return "".join(out)


def string(name, text):
    lines = [f'    "{escape(text[i:i + 90])}"' for i in range(0, len(text), 90)]
    return f"static const char {name}[] =\n" + "\n".join(lines or ['    ""']) + ";\n"


def numbers(ctype, name, values):
    """An array of integers, as many to a line as fit."""
    lines = []
    line = "   "
    for value in values or [0]:
        item = f" {value},"
        if len(line) + len(item) > WIDTH:
            lines.append(line)
            line = "   "
        line += item
    lines.append(line)
    return f"static const {ctype} {name}[] = {{\n" + "\n".join(lines) + "\n};\n"


def rows(ctype, name, values):
    """An array of structs, one tuple each."""
    lines = []
    line = "   "
    for value in values:
        item = " {" + ", ".join(str(v) for v in value) + "},"
        if len(line) + len(item) > WIDTH:
            lines.append(line)
            line = "   "
        line += item
    lines.append(line)
    return f"static const {ctype} {name}[] = {{\n" + "\n".join(lines) + "\n};\n"


def fits(value, bits, what):
    if not 0 <= value < 1 << bits:
        raise SystemExit(f"{what}: {value} does not fit in {bits} bits")
    return value
