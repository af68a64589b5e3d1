#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Python's binding adds to a read by id, beside the same loop in C:  bench/reads.py BUILD-FOLDER"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
os.environ.setdefault("FHIRSTORE_LIBRARY", str(BUILD / "lib" / "libfhirstore.so.0"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bindings" / "python"))
import fhirstore  # noqa: E402

COUNT, ROUNDS = 20_000, 5


def read_often(store, name):
    with fhirstore.Store(store, plaintext=True) as opened, opened.session("bench", everything=True) as session:
        read = session.read
        begun = time.process_time_ns()
        for _ in range(COUNT):
            read("Patient", name)
        reading = time.process_time_ns() - begun
        answer = read("Patient", name)
        begun = time.process_time_ns()
        for _ in range(COUNT):
            answer.body
        return reading / COUNT, (time.process_time_ns() - begun) / COUNT


def main():
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/store"
        with fhirstore.Store(store, plaintext=True, create=True) as made, \
                made.session("bench", everything=True) as session:
            name = session.create({"resourceType": "Patient", "active": True, "name": [{"family": "Reader"}]}).id
        pairs = []
        for _ in range(ROUNDS):
            in_c = float(subprocess.run([BUILD / "bench" / "bench_reads", store, name, str(COUNT)], check=True, text=True,
                                        stdout=subprocess.PIPE).stdout)
            pairs.append((in_c, *read_often(store, name)))
    in_c, in_python, copying = (statistics.median(column) / 1000 for column in zip(*pairs))
    figures = f"{in_python:.2f} us to {in_c:.2f} us in C, {in_python - in_c:.2f} us more"
    print(f"{f'read by id from Python; copying its body {copying:.2f} us':<58} {figures:<34} (under 3 us more)")


main()
