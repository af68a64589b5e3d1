# SPDX-License-Identifier: Apache-2.0
"""Code systems and value sets of one version, as compressed JSON.

Each becomes a small JSON document of what deciding about codes needs. All documents together are
compressed by pair encoding: the commonest pair of neighbours becomes a symbol of its own, again and
again, up to 4,096 symbols of twelve bits. Symbols below 256 are bytes.
"""
import collections
import json

SYMBOLS = 4096
BYTES = 256
# Pairs that become symbols in one round; they are about equally common and share no symbol.
ROUND = 40
# A reader unfolds a symbol with a stack of this many.
DEPTH = 64
# Vocabularies of HL7 version 2 and 3, and DICOM: many codes that FHIR itself hardly uses, so their
# displays are left out.
BARE = ("http://terminology.hl7.org/CodeSystem/v2-", "http://terminology.hl7.org/CodeSystem/v3-",
        "http://dicom.nema.org/")
KEPT_PROPERTIES = ("parent", "child", "subsumedBy", "notSelectable", "abstract", "inactive")


def concept(source, bare):
    kept = {"code": source["code"]}
    display = source.get("display")
    if display and display != source["code"] and not bare:
        kept["display"] = display
    properties = [{k: v for k, v in p.items() if k == "code" or k.startswith("value")}
                  for p in source.get("property", []) if p["code"] in KEPT_PROPERTIES]
    if properties:
        kept["property"] = properties
    if source.get("concept"):
        kept["concept"] = [concept(child, bare) for child in source["concept"]]
    return kept


def code_system(source):
    """The url comes first: it is what the reader looks for."""
    kept = {"url": source["url"]}
    for key in ("version", "caseSensitive", "hierarchyMeaning", "content"):
        if key in source:
            kept[key] = source[key]
    bare = source["url"].startswith(BARE)
    kept["concept"] = [concept(child, bare) for child in source.get("concept", [])]
    return kept


def part(source):
    """An include or exclude."""
    kept = {key: source[key] for key in ("system", "version", "valueSet", "filter")
            if key in source}
    if "concept" in source:
        kept["concept"] = [{"code": c["code"]} for c in source["concept"]]
    return kept


def contained(source):
    """The codes of an expansion, flat."""
    kept = []
    for item in source:
        if "code" in item:
            kept.append({key: item[key] for key in ("system", "code", "display") if key in item})
        kept += contained(item.get("contains", []))
    return kept


def value_set(source):
    compose = {key: [part(p) for p in source["compose"][key]] for key in ("include", "exclude")
               if key in source["compose"]}
    kept = {"url": source["url"]}
    if "version" in source:
        kept["version"] = source["version"]
    kept["compose"] = compose
    if source.get("expansion", {}).get("contains"):
        kept["expansion"] = {"contains": contained(source["expansion"]["contains"])}
    return kept


def documents(package):
    """[code systems], [value sets], each sorted by url: pairs (url, JSON)."""
    systems = {c["url"]: code_system(c) for c in package.get("CodeSystem")
               if c.get("content") != "supplement"}
    sets = {v["url"]: value_set(v) for v in package.get("ValueSet") if "compose" in v}
    return [[(url, json.dumps(found[url], separators=(",", ":"), ensure_ascii=False))
             for url in sorted(found)] for found in (systems, sets)]


def choose(text, room):
    """The pairs of one round, commonest first."""
    count = collections.Counter(zip(text, text[1:]))
    ranked = sorted(((pair, n) for pair, n in count.items() if "\0" not in pair and n > 2),
                    key=lambda item: (-item[1], item[0]))
    taken = []
    used = set()
    for pair, n in ranked[:10 * ROUND]:
        if used & set(pair):
            continue
        if len(taken) == min(ROUND, room) or n < 0.7 * ranked[0][1]:
            break
        taken.append(pair)
        used |= set(pair)
    return taken


def compress(texts):
    """The symbols of each text, and the pairs that symbols from BYTES on stand for."""
    whole = "\0".join(texts).encode("utf-8").decode("latin-1")
    pairs = []
    depth = {}
    while len(pairs) < SYMBOLS - BYTES:
        taken = choose(whole, SYMBOLS - BYTES - len(pairs))
        if not taken:
            break
        for left, right in taken:
            symbol = chr(BYTES + len(pairs))
            pairs.append((ord(left), ord(right)))
            depth[symbol] = 1 + max(depth.get(left, 0), depth.get(right, 0))
            whole = whole.replace(left + right, symbol)
    if depth and max(depth.values()) >= DEPTH:
        raise SystemExit("the pairs are nested too deeply")
    return [[ord(symbol) for symbol in text] for text in whole.split("\0")], pairs


def pack(symbols):
    """Two symbols in three bytes."""
    out = []
    for i in range(0, len(symbols), 2):
        first = symbols[i]
        second = symbols[i + 1] if i + 1 < len(symbols) else 0
        out += [first & 0xFF, first >> 8 | (second & 0xF) << 4, second >> 4]
    return out


class Terms:
    def __init__(self, package):
        systems, sets = documents(package)
        for url, text in systems + sets:
            if not text.startswith(f'{{"url":"{url}"') or "\0" in text:
                raise SystemExit(f"{url}: does not begin with its url")
        texts, self.pairs = compress([text for _, text in systems + sets])
        self.symbols = []
        self.at = []
        for symbols in texts:
            self.at.append(len(self.symbols))
            self.symbols += symbols
        self.at.append(len(self.symbols))
        self.system_count = len(systems)
        self.value_set_count = len(sets)
