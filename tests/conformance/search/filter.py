# SPDX-License-Identifier: Apache-2.0
"""_filter over a full scan, and random filters: comparisons, and/or from left to right, not(), paths."""

import json
import re

import extract
import query
import random_data as data
import values
from values import UCUM


def operand(text):
    return json.loads(text) if text.startswith('"') else text


class Parser:
    """Makes a test of one resource; the text is one that random_filter() wrote."""

    def __init__(self, world, text):
        self.world, self.text, self.at = world, text, 0

    def peek(self, pattern):
        return re.compile(r'\s*' + pattern).match(self.text, self.at)

    def take(self, pattern):
        match = self.peek(pattern)
        if match is not None:
            self.at = match.end()
        return match

    def filter(self, type_):
        test = self.term(type_)
        while True:
            joint = self.take(r'(and|or)\b')
            if joint is None:
                return test
            test = self.join(joint.group(1), test, self.term(type_))

    @staticmethod
    def join(word, one, other):
        if word == "and":
            return lambda r: one(r) and other(r)
        return lambda r: one(r) or other(r)

    def term(self, type_):
        negated = self.take(r'not\s*\(')
        if negated or self.take(r'\('):
            inner = self.filter(type_)
            assert self.take(r'\)')
            return (lambda r: not inner(r)) if negated else inner
        return self.comparison(type_)

    def comparison(self, type_):
        name = self.take(r'([A-Za-z_][\w-]*)(?::(\w+))?').groups()
        code, target = name
        param = extract.parameter(type_, code)
        condition = None
        if self.take(r'\['):
            condition = self.filter(target or param.targets[0])
            assert self.take(r'\]')
        if self.take(r'\.'):
            rest = self.comparison(target or param.targets[0])
            wanted = target or param.targets[0]
            return lambda r: any(t.type == wanted and (condition is None or condition(t)) and rest(t)
                                 for t in self.world.reached(r, code))
        operator = self.take(r'(\w\w)\b').group(1)
        text = operand(self.take(r'("(?:[^"\\]|\\.)*"|[^\s()\[\]]+)').group(1))
        return leaf(param, code, operator, text)


def leaf(param, code, operator, text):
    if operator == "pr":
        return lambda r: bool(r.entries(code)) == (text == "true")
    test = entry_test(param.kind, operator, text)
    return lambda r: any(test(e) for e in r.entries(code))


def entry_test(kind, operator, text):
    if kind in ("date", "number", "quantity"):
        if operator == "po":
            low, high = values.date_interval(text)
            return lambda e: e[0] <= high and e[1] >= low
        return query.READERS[kind](operator + text)
    if kind == "reference":
        return query.read_reference(query.escape(text))
    if kind == "token" and operator in ("eq", "ne"):
        equal = query.read_token(query.escape(text).replace("\\|", "|"))
        return equal if operator == "eq" else (lambda e: not equal(e))
    fold = {"string": values.fold, "token": query.lower, "uri": str}[kind]
    wanted = fold(text)
    compare = {"eq": lambda e: e == wanted, "ne": lambda e: e != wanted, "co": lambda e: wanted in e,
               "sw": lambda e: e.startswith(wanted), "ew": lambda e: e.endswith(wanted),
               "gt": lambda e: e > wanted, "lt": lambda e: e < wanted,
               "ge": lambda e: e >= wanted, "le": lambda e: e <= wanted}[operator]
    if kind == "token":
        return lambda e: e.code is not None and compare(fold(e.code))
    return lambda e: compare(fold(e))


# ---- random filters ----

OPERATORS = {
    "token": ["eq", "eq", "ne", "co", "sw", "ew"], "string": ["eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le"],
    "date": ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "po"], "reference": ["re", "eq"],
    "number": ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"],
    "quantity": ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"], "uri": ["eq", "ne", "co", "sw", "ew"],
}
PLAIN = re.compile(r'[A-Za-z0-9_:/.+|-]+')


class FilterMaker:
    def __init__(self, asker):
        self.asker = asker

    def operand(self, kind, code, param, operator):
        asker = self.asker
        if kind == "token":
            text = query.unescape(asker.token_for(code))
            if operator in ("co", "sw", "ew"):
                text = text.split("|")[-1][:asker.pick([1, 2, 9])] or "b"
            return text if not text.count("|") or operator in ("eq", "ne") else "bp"
        if kind == "string":
            return query.unescape(asker.words()) or "m"
        if kind == "date":
            return asker.pick(data.DATES + data.TIMES)
        if kind == "number":
            return asker.pick(data.NUMBERS)
        if kind == "quantity":
            return asker.pick(data.NUMBERS) + asker.pick(["", f"|{UCUM}|{asker.pick(data.UNITS)}"])
        if kind == "uri":
            return asker.pick(data.URLS)
        return asker.reference(param, asker.pick(param.targets))

    def comparison(self, type_, depth):
        asker = self.asker
        if depth < 2 and asker.maybe(0.2) and asker.references(type_):
            code, param = asker.pick(asker.references(type_))
            target = asker.pick([t for t in param.targets if t in extract.PARAMETERS])
            inside = f"[{self.filter(target, depth + 1)}]" if asker.maybe(0.3) else ""
            return f"{code}:{target}{inside}.{self.comparison(target, depth + 1)}"
        codes = [(c, p) for c, p in extract.PARAMETERS[type_].items() if p.kind in OPERATORS and c != "base"]
        code, param = asker.pick(codes)
        if asker.maybe(0.1):
            return f"{code} pr {asker.pick(['true', 'false'])}"
        operator = asker.pick(OPERATORS[param.kind])
        text = self.operand(param.kind, code, param, operator)
        is_plain = PLAIN.fullmatch(text) and asker.maybe(0.5)
        return f"{code} {operator} {text if is_plain else json.dumps(text, ensure_ascii=asker.maybe(0.3))}"

    def term(self, type_, depth):
        form = self.asker.chance.random()
        if depth < 2 and form < 0.15:
            return f"not({self.filter(type_, depth + 1)})"
        if depth < 2 and form < 0.3:
            return f"({self.filter(type_, depth + 1)})"
        return self.comparison(type_, depth)

    def filter(self, type_, depth=0):
        text = self.term(type_, depth)
        for _ in range(self.asker.pick([0, 0, 1, 1, 2, 3])):
            text += f" {self.asker.pick(['and', 'or'])} {self.term(type_, depth)}"
        return text
