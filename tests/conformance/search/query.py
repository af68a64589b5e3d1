# SPDX-License-Identifier: Apache-2.0
"""A search query over a full scan: slow, short, and without an index. It is what the store is held against."""

import time
import urllib.parse

import extract
import values
from values import BadValue


class BadQuery(Exception):
    """The query is not one that a server should accept."""


# ---- text ----

def split(text, separator):
    """At every @separator that has no backslash before it."""
    parts, current, i = [], [], 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text):
            current.append(text[i:i + 2])
            i += 2
        elif text[i] == separator:
            parts.append("".join(current))
            current = []
            i += 1
        else:
            current.append(text[i])
            i += 1
    parts.append("".join(current))
    return parts


def unescape(text):
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\" and i + 1 < len(text) and text[i + 1] in "\\,|$":
            i += 1
        out.append(text[i])
        i += 1
    return "".join(out)


def escape(text):
    return "".join("\\" + c if c in "\\,|$" else c for c in text)


# ---- values against entries: each reader gives a test of one entry ----

def lower(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def is_case_sensitive(system):
    return system is not None and (system in extract.CASE_SENSITIVE
                                   or system.startswith(extract.HL7))


def same_code(system, code, wanted):
    if code is None:
        return False
    return code == wanted if is_case_sensitive(system) else lower(code) == lower(wanted)


def read_token(raw):
    parts = split(raw, "|")
    if len(parts) == 1:
        wanted = unescape(raw)
        return lambda e: same_code(e.system, e.code, wanted)
    system, wanted = unescape(parts[0]), unescape("|".join(parts[1:]))
    if not wanted:
        return lambda e: e.system == system
    return lambda e: (e.system or "") == system and same_code(e.system, e.code, wanted)


def read_of_type(raw):
    parts = [unescape(part) for part in split(raw, "|")]
    if len(parts) != 3 or not all(parts):
        raise BadValue(raw)
    system, code, wanted = parts
    return lambda e: (same_code(e.system, e.code, wanted)
                      and any(s == system and same_code(s, c, code) for s, c in e.of_type))


def read_code_start(raw):
    wanted = lower(unescape(raw))
    return lambda e: e.code is not None and lower(e.code).startswith(wanted)


def read_text(raw):
    """Some word of a text, and what stands behind it, begins with what was typed."""
    wanted = values.fold(unescape(raw))

    def begins(text):
        text = values.fold(text)
        return any(text.startswith(wanted, at) for at in range(len(text))
                   if at == 0 or (text[at].isalnum() and not text[at - 1].isalnum()))
    return lambda e: any(begins(text) for text in e.texts)


def read_string(raw, modifier=""):
    wanted = unescape(raw)
    if modifier == "exact":
        return lambda e: e == wanted
    folded = values.fold(wanted)
    if modifier == "contains":
        return lambda e: folded in values.fold(e)
    return lambda e: values.fold(e).startswith(folded)


PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


def cut_prefix(text):
    if text[:1].isalpha():
        if text[:2] not in PREFIXES:
            raise BadValue(text)
        return text[:2], text[2:]
    return "eq", text


def read_date(raw):
    prefix, text = cut_prefix(raw)
    low, high = values.date_interval(text.replace(" ", "+"))  # a '+' that was not encoded
    if prefix == "ap":
        now = (time.time_ns() // 100) + values.ticks_of(1970, 1, 1)
        tenth = abs(now - low) // 10
        low, high = low - tenth, high + tenth
    return lambda e: values.date_holds(prefix, low, high, *e)


def read_number(raw):
    prefix, text = cut_prefix(raw)
    values.decimal(text)
    return lambda e: values.number_holds(prefix, text, e)


def read_quantity(raw):
    parts = split(raw, "|")
    if len(parts) > 3:
        raise BadValue(raw)
    prefix, text = cut_prefix(parts[0])
    values.decimal(text)
    parts += [""] * (3 - len(parts))
    system, code = unescape(parts[1]), unescape(parts[2])

    def test(entry):
        written = ((not system or entry.system == system)
                   and (not code or entry.code == code or (not system and entry.unit == code)))
        if written:
            return values.number_holds(prefix, text, entry.span)
        if code and system == entry.system == values.UCUM and entry.code:
            change = values.conversion(code, entry.code)
            if change is not None:
                return values.number_holds(prefix, text, entry.span, *change)
        return False
    return test


def read_reference(raw, type_=None):
    wanted = values.read_reference(unescape(raw), extract.BASE)
    if type_ is not None:
        if wanted.type not in (None, type_):
            raise BadValue(raw)
        wanted.type = type_ if wanted.url is None else None

    def test(entry):
        target = entry.target
        if target is None or (wanted.version and wanted.version != target.version):
            return False
        if wanted.url is not None:
            return target.url == wanted.url
        return target.id == wanted.id and wanted.type in (None, target.type)
    return test


def read_identifier(raw):
    test = read_token(raw)
    return lambda e: e.identifier is not None and test(extract.identifier(e.identifier)[0])


def read_uri(raw, modifier=""):
    wanted = unescape(raw)
    if modifier == "below":
        return lambda e: values.is_at_or_below(e, wanted)
    if modifier == "above":
        return lambda e: values.is_at_or_below(wanted, e)
    if modifier == "contains":
        return lambda e: values.fold(wanted) in values.fold(e)
    # A canonical behind a uri parameter (_profile) may carry a version that was not asked for.
    return lambda e: e == wanted or ("|" not in wanted and e.startswith(wanted + "|"))


READERS = {"token": read_token, "string": read_string, "date": read_date, "number": read_number,
           "quantity": read_quantity, "reference": read_reference, "uri": read_uri}


def read_composite(raw, param):
    parts = split(raw, "$")
    if len(parts) != len(param.components):
        raise BadValue(raw)
    tests = [READERS[component[0]](part) for part, component in zip(parts, param.components)]
    return lambda row: all(any(test(e) for e in found) for test, found in zip(tests, row))


# ---- conditions ----

class Resource:
    def __init__(self, body):
        self.body = body
        self.type = body["resourceType"]
        self.id = body["id"]
        self.cache = {}

    def entries(self, code):
        found = self.cache.get(code)
        if found is None:
            found = extract.entries(self.body, extract.parameter(self.type, code))
            self.cache[code] = found
        return found


class World:
    """All current resources, and what refers to what."""

    def __init__(self, bodies):
        self.resources = [Resource(body) for body in bodies]
        self.by_key = {(r.type, r.id): r for r in self.resources}
        self.by_type = {}
        for resource in self.resources:
            self.by_type.setdefault(resource.type, []).append(resource)
        self.by_url = {}
        for resource in self.resources:
            if isinstance(resource.body.get("url"), str):
                self.by_url.setdefault(resource.body["url"], []).append(resource)

    def targets(self, resource, code):
        for entry in resource.entries(code):
            if entry.target is not None and entry.target.type is not None:
                found = self.by_key.get((entry.target.type, entry.target.id))
                if found is not None:
                    yield found

    def reached(self, resource, code):
        """The same, and what a canonical reference names: every version, or the one it asks for."""
        yield from self.targets(resource, code)
        for entry in resource.entries(code):
            target = entry.target
            if target is not None and target.type is None and target.url:
                for other in self.by_url.get(target.url, ()):
                    if target.version in (None, other.body.get("version")):
                        yield other

    def search(self, type_, text):
        """The resources that satisfy "name=value&…"; result parameters are left out."""
        tests = [condition(self, type_, *pair) for pair in pairs_of(text)
                 if pair[0] not in RESULT_PARAMETERS]
        return [r for r in self.by_type.get(type_, ()) if all(test(r) for test in tests)]


RESULT_PARAMETERS = {"_sort", "_count", "_total", "_summary", "_elements", "_format", "_include",
                     "_revinclude", "_include:iterate", "_revinclude:iterate", "_pretty"}


def pairs_of(text):
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        yield urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(value)


def remembered(test):
    """The far end of a chain is looked at once a resource."""
    known = {}

    def look(resource):
        key = id(resource)
        if key not in known:
            known[key] = test(resource)
        return known[key]
    return look


def condition(world, type_, name, value):
    """A test of one resource of @type_."""
    if name.startswith("_has:"):
        return has_condition(world, type_, name, value)
    head, dot, rest = name.partition(".")
    if dot:
        return chain_condition(world, type_, head, rest, value)
    code, _, modifier = name.partition(":")
    if code == "_type":  # at the end of a chain
        return lambda r: r.type in value.split(",")
    param = extract.parameter(type_, code)
    if param is None:
        raise BadQuery(f"{type_} has no {code}")
    return leaf_condition(param, code, modifier, value)


def leaf_condition(param, code, modifier, value):
    if modifier == "missing":
        if value not in ("true", "false"):
            raise BadValue(value)
        return lambda r: bool(r.entries(code)) == (value == "false")
    tests = [alternative(param, modifier, raw) for raw in split(value, ",") if raw]
    if not tests:
        raise BadValue(value)
    if modifier == "not":
        return lambda r: not any(test(e) for e in r.entries(code) for test in tests)
    return lambda r: any(test(e) for e in r.entries(code) for test in tests)


def alternative(param, modifier, raw):
    kind = param.kind
    if kind == "composite":
        if modifier:
            raise BadQuery(modifier)
        return read_composite(raw, param)
    if not modifier:
        return READERS[kind](raw)
    if kind == "token" and modifier == "not":
        return read_token(raw)
    if kind == "token" and modifier == "of-type":
        return read_of_type(raw)
    if kind == "token" and modifier == "code-text":
        # R5 says the textual display; a code that is shown as it is written counts here, too.
        code, shown = read_code_start(raw), read_text(raw)
        return lambda e: code(e) or shown(e)
    if kind == "token" and modifier == "text":
        return read_text(raw)
    if kind == "string" and modifier in ("exact", "contains"):
        return read_string(raw, modifier)
    if kind == "uri" and modifier in ("above", "below", "contains"):
        return read_uri(raw, modifier)
    if kind == "reference" and modifier == "identifier":
        return read_identifier(raw)
    if kind == "reference" and modifier in param.targets:
        return read_reference(raw, modifier)
    raise BadQuery(f"{kind} has no :{modifier}")


def can_ask(type_, name):
    """Whether a name, with all its chain, means something for a type."""
    if name.startswith("_has:"):
        _, source, code, rest = name.split(":", 3)
        param = extract.parameter(source, code)
        return param is not None and type_ in param.targets and can_ask(source, rest)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if name == "_type":
        return True
    param = extract.parameter(type_, code)
    if param is None:
        return False
    if not dot:
        return True
    types = [modifier] if modifier else param.targets
    return param.kind == "reference" and any(can_ask(t, rest) for t in types)


def chain_condition(world, type_, head, rest, value):
    code, _, target = head.partition(":")
    param = extract.parameter(type_, code)
    if param is None or param.kind != "reference" or (target and target not in param.targets):
        raise BadQuery(head)
    types = [t for t in ([target] if target else param.targets) if can_ask(t, rest)]
    if not types:
        raise BadQuery(rest)
    inner = {t: remembered(condition(world, t, rest, value)) for t in types}
    return lambda r: any(t.type in inner and inner[t.type](t) for t in world.reached(r, code))


def has_condition(world, type_, name, value):
    _, source, code, rest = name.split(":", 3)
    param = extract.parameter(source, code)
    if param is None or param.kind != "reference" or type_ not in param.targets:
        raise BadQuery(name)
    inner = condition(world, source, rest, value)
    found = set()
    for resource in world.by_type.get(source, ()):
        if inner(resource):
            found.update((t.type, t.id) for t in world.reached(resource, code))
    return lambda r: (r.type, r.id) in found


# ---- order ----

FAR = float("inf")


def sort_value(world, resource, code, descending):
    """What a resource is sorted by: the value that comes first in that order. None: it has none."""
    head, dot, rest = code.partition(".")
    if dot:
        link, _, type_ = head.partition(":")
        found = [sort_value(world, target, rest, descending)
                 for target in world.targets(resource, link) if type_ in ("", target.type)]
        found = [value for value in found if value is not None]
        return (max if descending else min)(found, default=None)
    param = extract.parameter(resource.type, code)
    points = []
    for entry in resource.entries(code):
        if param.kind == "date":
            points.append(entry)
        elif param.kind == "string":
            points.append(values.fold(entry).encode())
        elif param.kind == "uri":
            points.append(entry.encode())
        elif param.kind == "token":
            points.append(lower(entry.code or "").encode())
        elif param.kind == "number":
            points.append((-FAR if entry.low is None else entry.low,
                           FAR if entry.high is None else entry.high))
        else:
            points.append(0)  # only that the missing ones are last is told here
    if not points:
        return None
    return max(points) if descending else min(points)


def order_fault(world, resources, keys):
    """The first place where a page is not in the order of "_sort=@keys", or None."""
    keys = [(key.lstrip("-"), key.startswith("-")) for key in keys.split(",")]
    for before, after in zip(resources, resources[1:]):
        for code, descending in keys:
            one, other = (sort_value(world, r, code, descending) for r in (before, after))
            if one == other:
                continue
            if one is None or (other is not None and (one < other if descending else one > other)):
                return (f"{before.type}/{before.id} before {after.type}/{after.id}, though {code}"
                        f" has {one!r} and {other!r}")
            break
    return None
