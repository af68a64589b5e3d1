# SPDX-License-Identifier: Apache-2.0
"""Find and read the official packages, and check them against the pinned sums."""
import hashlib
import json
import pathlib

KINDS = ("StructureDefinition", "SearchParameter", "CompartmentDefinition", "ValueSet",
         "CodeSystem")
# Narratives and the like are never looked at; dropping them keeps memory small.
UNUSED = ("text", "differential", "contact", "mapping")


def is_example(definition):
    """The packages hold illustrations beside definitions: HL7 reserves the id "example", alone or
    as a first word, for them. In R4 that leaves 1,397 of 1,400 SearchParameter files."""
    return definition["id"] == "example" or definition["id"].startswith("example-")


class Package:
    """One package: its name, version and the definitions that the tables are made from."""

    def __init__(self, folder):
        self.folder = folder
        about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        self.name = about["name"]
        self.version = about["version"]
        self.definitions = {kind: [] for kind in KINDS}
        digest = hashlib.sha256()
        for path in sorted(folder.glob("*.json"), key=lambda p: p.name):
            kind = path.name.split("-")[0]
            if kind not in self.definitions:
                continue
            data = path.read_bytes()
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(data).digest())
            definition = json.loads(data)
            if definition.get("resourceType") != kind or is_example(definition):
                continue
            for key in UNUSED:
                definition.pop(key, None)
            self.definitions[kind].append(definition)
        self.digest = digest.hexdigest()

    def get(self, kind):
        return self.definitions[kind]


def find(folders, name, version):
    """The folder of package @name below one of @folders, however it was unpacked, or None."""
    for folder in folders:
        root = pathlib.Path(folder)
        for about in sorted(list(root.glob("package.json")) + list(root.glob("*/package.json"))
                            + list(root.glob("*/*/package.json"))
                            + list(root.glob("*/*/*/package.json"))):
            try:
                found = json.loads(about.read_text(encoding="utf-8"))
            except ValueError:
                continue
            if found.get("name") == name and found.get("version") == version:
                return about.parent
    return None


def read_pins(path):
    """Rows "label package version sha256" of tools/fhir-packages.txt."""
    pins = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            pins.append(tuple(words))
    return pins
