#!/usr/bin/python3
"""README's tour and its chapter on policies as printed, with Debian's AWS CLI against a daemon that scripts/run starts.

The ```console blocks are one session of bash: a line "$ command", continued by lines "> ...", is followed by what it
prints, errors included. Ids, blobs and times are compared by where they are the same; "..." stands for anything.
"""

import os
import re
import signal
import subprocess
import tempfile
import unittest

import daemon

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RELEASE = os.path.join(daemon.ROOT, "build", "release", "kms-connectord")
# What differs from run to run. Longer forms first.
VARIABLE = re.compile("|".join(["(?P<%s>%s)" % pair for pair in [
    ("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"),
    ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    ("store", r"cks-[0-9a-f]{17}\b"),
    ("hex", r"\b([0-9a-f]{64}|[0-9a-f]{32})\b"),
    ("blob", r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}={0,2}(?=\")"),
]]))


def steps_of(text):
    """(command, expected output) for each command of the blocks, in order."""
    steps = []
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append(([line[2:]], []))
            elif line.startswith("> ") and not steps[-1][1]:
                steps[-1][0].append(line[2:])
            else:
                steps[-1][1].append(line)
    return [("\n".join(command), "\n".join(output)) for command, output in steps]


class Names:
    """Replaces what varies by its kind and the number of its first appearance in a text."""

    def __init__(self):
        self.seen = {}

    def replace(self, text):
        return VARIABLE.sub(self.name, text)

    def name(self, match):
        kind = match.lastgroup
        if kind == "time":
            return "<time>"
        known = self.seen.setdefault(kind, {})
        return "<%s %d>" % (kind, known.setdefault(match.group(), len(known) + 1))


def matches(expected, printed):
    return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), printed, re.DOTALL) is not None


class ReadmeTour(unittest.TestCase):
    def test_prints_what_it_says(self):
        with open(os.path.join(daemon.ROOT, "README.md"), encoding="utf-8") as file:
            steps = steps_of(file.read())
        self.assertGreater(len(steps), 20)
        with tempfile.TemporaryDirectory(prefix="kms-tour-") as work, daemon.Daemon(work + "/.run") as server:
            script = []
            for number, (command, _) in enumerate(steps):
                script.append("printf '\\n<%d>\\n'\n%s\n" % (number, command))
            text = "".join(script).replace("http://127.0.0.1:8080", server.url) + "printf '\\n<end>\\n'\n"
            tool = os.path.join(os.path.dirname(os.environ.get("KMS_CONNECTORD", RELEASE)), "kms-connector")
            text = text.replace("build/release/kms-connector", tool)
            os.mkdir(work + "/home")
            # A session of its own, so that what it started ends with it.
            bash = subprocess.Popen(["/bin/bash", "-c", text], cwd=work, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
                                    env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": work + "/home",
                                         "LC_ALL": "C.UTF-8", "TZ": "UTC"})
            try:
                output = bash.communicate(timeout=480)[0]
            except subprocess.TimeoutExpired:
                os.killpg(bash.pid, signal.SIGKILL)
                output = bash.communicate()[0]
                self.fail("the tour does not end:\n" + output)
        parts = re.split(r"\n<(?:\d+|end)>\n", output)
        self.assertEqual(len(parts), len(steps) + 2, output)
        of_readme, of_session = Names(), Names()
        for (command, expected), printed in zip(steps, parts[1:]):
            expected, printed = of_readme.replace(expected), of_session.replace(printed.rstrip("\n"))
            self.assertTrue(matches(expected.rstrip("\n"), printed),
                            "$ %s\nREADME says:\n%s\n\nprinted:\n%s" % (command, expected, printed))


if __name__ == "__main__":
    unittest.main(verbosity=2)
