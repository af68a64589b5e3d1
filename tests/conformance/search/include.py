# SPDX-License-Identifier: Apache-2.0
"""_include and _revinclude over a full scan."""

import extract


def reference_codes(type_):
    return [code for code, param in extract.PARAMETERS.get(type_, {}).items()
            if param.kind == "reference"]


class Rule:
    """"Type:parameter", "Type:parameter:Type", "Type:*" or "*"."""

    def __init__(self, text, is_reverse, is_iterated):
        parts = text.split(":")
        self.source = None if parts[0] == "*" else parts[0]
        self.code = None if len(parts) < 2 or parts[1] == "*" else parts[1]
        self.target = parts[2] if len(parts) > 2 else None
        self.is_reverse, self.is_iterated = is_reverse, is_iterated

    def codes(self, type_):
        if self.source not in (None, type_):
            return []
        return [self.code] if self.code else reference_codes(type_)


class OldVersion(Exception):
    """A reference leads to a version that is not the current one: not told here."""


def links(world, resource, code):
    """What a reference leads to: Type/id here, or everything stored under a canonical url."""
    yield from world.targets(resource, code)
    for entry in resource.entries(code):
        if entry.target is not None and entry.target.type is not None and entry.target.version:
            current = world.by_key.get((entry.target.type, entry.target.id))
            if current is None or current.body["meta"]["versionId"] != entry.target.version:
                raise OldVersion
        target = entry.target
        if target is None or target.url is None or extract.parameter(resource.type, code).targets == ():
            continue
        for other in world.resources:
            if (other.type in extract.parameter(resource.type, code).targets
                    and other.body.get("url") == target.url
                    and target.version in (None, other.body.get("version"))):
                yield other


def one_step(world, resource, rule):
    if not rule.is_reverse:
        for code in rule.codes(resource.type):
            for target in links(world, resource, code):
                if rule.target in (None, target.type):
                    yield target
        return
    for other in world.resources:
        for code in rule.codes(other.type):
            if (rule.target in (None, resource.type)
                    and any(target is resource for target in links(world, other, code))):
                yield other


def included(world, matches, rules):
    """The resources that come with @matches, without them."""
    found = {}
    seen = {id(resource) for resource in matches}
    wave = list(matches)
    is_first = True
    while wave:
        following = []
        for resource in wave:
            for rule in rules:
                if not is_first and not rule.is_iterated:
                    continue
                for other in one_step(world, resource, rule):
                    if id(other) not in seen:
                        seen.add(id(other))
                        found[(other.type, other.id)] = other
                        following.append(other)
        wave, is_first = following, False
    return found
