#!/usr/bin/python3
"""scripts/run in a checkout whose daemon only tells how it was started."""

import glob
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DAEMON = r"""
#include <cstdio>
#include <cstdlib>
int main(int, char** argv) { std::printf("ready %s %s %s\n", argv[1], argv[2], std::getenv("SOFTHSM2_CONF")); }
"""
BUILD = """
cmake_minimum_required(VERSION 3.25)
project(daemon LANGUAGES CXX)
add_executable(kms-connectord daemon.cpp)
add_executable(kms-connector daemon.cpp)
"""


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.checkout = tempfile.mkdtemp(prefix="kms-run-test-")
        shutil.copytree(os.path.join(ROOT, "scripts"), os.path.join(cls.checkout, "scripts"))
        shutil.copytree(os.path.join(ROOT, "config", "examples"), os.path.join(cls.checkout, "config", "examples"))
        shutil.copy(os.path.join(ROOT, "CMakePresets.json"), cls.checkout)
        for name, text in (("daemon.cpp", DAEMON), ("CMakeLists.txt", BUILD)):
            with open(os.path.join(cls.checkout, name), "w", encoding="utf-8") as file:
                file.write(text)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.checkout)

    def setUp(self):
        self.dir = os.path.join(tempfile.mkdtemp(dir=self.checkout), "state")

    def start(self, *options):
        # From the root directory: the scripts find their checkout by themselves.
        return subprocess.Popen([os.path.join(self.checkout, "scripts", "run"), "--dir", self.dir, *options], cwd="/",
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_once(self, *options):
        process = self.start(*options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def ready(self):
        return "ready --config %s/config.yaml %s/softhsm2.conf\n" % (self.dir, self.dir)

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as file:
            return file.read()

    def labels(self):
        out = subprocess.run(["softhsm2-util", "--show-slots"], stdout=subprocess.PIPE, check=True, text=True,
                             env={**os.environ, "SOFTHSM2_CONF": self.dir + "/softhsm2.conf"}).stdout
        return sorted(filter(None, re.findall(r"Label: +(\S*)", out)))

    def test_makes_tokens_secrets_and_configuration(self):
        self.assertEqual(self.run_once("--port", "0", "--admin-port", "9", "--clock-offset", "-5")[:2],
                         (0, self.ready()))
        self.assertRegex(self.read("pid"), r"\A\d+\n\Z")
        regions = ["ap-northeast-1", "ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-east-2",
                   "us-west-1", "us-west-2"]
        clusters = ["cluster-abcdefg2345", "cluster-hijklmn2345"]
        self.assertEqual(self.labels(), sorted(regions + clusters))
        self.assertEqual(sorted(os.listdir(self.dir + "/pins")), regions)
        self.assertEqual(len({self.read("pins/" + region) for region in regions}), len(regions))
        self.assertEqual(sorted(os.listdir(self.dir + "/trust-anchors")), [name + ".crt" for name in clusters])
        self.assertEqual(self.read("secrets/AKIAIOSFODNN7EXAMPLE"), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        for path in glob.glob(self.dir + "/pins/*") + glob.glob(self.dir + "/secrets/*"):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o400, path)
        for path in (self.dir, self.dir + "/pins", self.dir + "/secrets"):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o700, path)
        text = self.read("config.yaml")
        self.assertIn("clock_offset: -5s\n", text)
        self.assertIn("    port: 0\n", text)
        self.assertIn("  port: 9\n", text)
        self.assertEqual(re.findall("@[A-Z_]+@", text.split("accounts:")[1]), [])

    def test_uses_what_is_there_and_follows_the_options(self):
        self.run_once()
        pin = self.read("pins/us-east-1")
        labels = self.labels()
        module = os.path.realpath(glob.glob("/usr/lib/*/softhsm/libsofthsm2.so")[0])
        self.assertEqual(self.run_once("--port", "1234", "--module", module)[:2], (0, self.ready()))
        self.assertEqual((self.read("pins/us-east-1"), self.labels()), (pin, labels))
        self.assertIn("    port: 1234\n", self.read("config.yaml"))
        self.assertIn('module: "%s"\n' % module, self.read("config.yaml"))

    def test_keeps_an_edited_configuration(self):
        self.run_once()
        with open(self.dir + "/config.yaml", "a", encoding="utf-8") as file:
            file.write("# mine\n")
        _, _, err = self.run_once("--port", "1234")
        self.assertIn("config.yaml was edited", err)
        self.assertTrue(self.read("config.yaml").endswith("# mine\n"))

    def test_fresh_empties_what_it_made(self):
        self.run_once()
        pin = self.read("pins/us-east-1")
        with open(self.dir + "/kms.sqlite", "w", encoding="utf-8"):
            pass
        self.assertEqual(self.run_once("--fresh")[:2], (0, self.ready()))
        self.assertNotEqual(self.read("pins/us-east-1"), pin)
        self.assertFalse(os.path.exists(self.dir + "/kms.sqlite"))
        self.assertEqual(len(self.labels()), 10)

    def test_touches_nothing_that_it_did_not_make(self):
        os.makedirs(self.dir + "/mine")
        for options in ([], ["--fresh"]):
            status, out, err = self.run_once(*options)
            self.assertEqual((status, out), (1, ""))
            self.assertIn("was not made by this script", err)
            self.assertEqual(os.listdir(self.dir), ["mine"])

    def test_starts_over_after_being_interrupted(self):
        self.run_once()
        with open(self.dir + "/.made-by-scripts-run", "w", encoding="utf-8") as file:
            file.write("incomplete\n")
        self.assertEqual(self.run_once()[:2], (0, self.ready()))
        self.assertEqual(len(self.labels()), 10)

    def test_two_may_start_at_once(self):
        both = [self.start(), self.start()]
        self.assertEqual([process.communicate(timeout=120)[0] for process in both], [self.ready()] * 2)
        self.assertEqual(len(self.labels()), 10)

    def test_refuses_bad_options(self):
        for options in (["--port", "65536"], ["--port", "http"], ["--port"], ["--clock-offset", "1h"],
                        ["--module", "/none"], ["--bogus"]):
            with self.subTest(options=options):
                status, out, err = self.run_once(*options)
                self.assertEqual((status, out), (1, ""))
                self.assertNotEqual(err, "")


if __name__ == "__main__":
    unittest.main()
