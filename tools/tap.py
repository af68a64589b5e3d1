# SPDX-License-Identifier: Apache-2.0
"""The Test Anything Protocol, for the checks in this folder."""
import sys


class Tap:
    """Prints one line a check; done() prints the plan and gives the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, title, findings):
        """A check passes when there are no findings."""
        self.count += 1
        findings = list(findings)
        for finding in findings:
            for line in str(finding).splitlines():
                print(f"# {line}")
        if findings:
            self.failed += 1
        print(f"{'not ok' if findings else 'ok'} {self.count} - {title}")
        sys.stdout.flush()

    def skip(self, title, reason):
        self.count += 1
        print(f"ok {self.count} - {title} # SKIP {reason}")

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0
