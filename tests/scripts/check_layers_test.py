#!/usr/bin/python3
"""The layer check finds what it is there to find."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FINE = {
    "pkcs11/token.h": "#pragma once\n",
    "pkcs11/cryptoki.h": "#pragma once\n#include <p11-kit/pkcs11.h>\n",
    "config/config.h": '#pragma once\n#include "pkcs11/token.h"\n',
    "config/reader.cpp": "#include <yaml-cpp/yaml.h>\n",
    "connector/base/log.cpp": "#include <Poco/Logger.h>\n",
    "connector/api/decode.cpp": "#include <Poco/RegularExpression.h>\n",
    "connector/auth/sigv4.h": '#pragma once\n#include "config/config.h"\n',
    "connector/http/server.cpp": '#include <Poco/Net/HTTPServer.h>\n#include "connector/auth/sigv4.h"\n',
    "tests/pkcs11/token_test.cpp": '#include "pkcs11/cryptoki.h"\n#include "connector/auth/sigv4.h"\n',
}
VIOLATIONS = {
    "pkcs11/a.cpp": ('#include "config/config.h"', 'pkcs11 must not include config: "config/config.h"'),
    "config/a.cpp": ('#include "connector/auth/sigv4.h"',
                     'config must not include connector: "connector/auth/sigv4.h"'),
    "connector/api/a.cpp": ('#include "connector/auth/sigv4.h"',
                            'connector/api must not include connector/auth: "connector/auth/sigv4.h"'),
    "connector/http/a.cpp": ('#include "tests/pkcs11/token_test.cpp"',
                             'connector must not include tests: "tests/pkcs11/token_test.cpp"'),
    "connector/nowhere/a.cpp": ('#include "connector/auth/sigv4.h"', "connector has no folder nowhere"),
    "connector/auth/a.cpp": ("#include <Poco/Net/HTTPServer.h>",
                             "Poco must not be included here: <Poco/Net/HTTPServer.h>"),
    "connector/api/b.h": ("#pragma once\n#include <Poco/RegularExpression.h>",
                          "Poco must not be included here: <Poco/RegularExpression.h>"),
    "connector/api/c.cpp": ("#include <Poco/Logger.h>",
                            "Poco must not be included here: <Poco/Logger.h>"),
    "connector/keystores/a.cpp": ('#include "pkcs11/cryptoki.h"',
                                  "libp11 or Cryptoki must not be included here: <pkcs11/cryptoki.h>"),
    "connector/keystores/b.cpp": ("#include <libp11.h>", "libp11 or Cryptoki must not be included here: <libp11.h>"),
    "connector/auth/b.cpp": ("#include <yaml-cpp/yaml.h>",
                             "yaml-cpp must not be included here: <yaml-cpp/yaml.h>"),
    "connector/auth/c.cpp": ("#include <regex>", "std::regex must not be included here: <regex>"),
    "connector/auth/d.cpp": ('#include "sigv4.h"', 'not a path from the root: "sigv4.h"'),
    "connector/auth/e.h": ("int x;", "a header without #pragma once"),
    "README.md": ("see ../shared/design.md", "names a path outside the checkout"),
}


class CheckLayers(unittest.TestCase):
    def check(self, tree):
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "scripts", "check_layers"), root],
                                  stdout=subprocess.PIPE, check=False, text=True)
            return done.returncode, done.stdout.splitlines()

    def test_accepts_what_keeps_to_its_layer(self):
        self.assertEqual(self.check(FINE), (0, ["every include keeps to its layer"]))

    def test_finds_each_violation_at_its_line(self):
        for path, (text, fault) in VIOLATIONS.items():
            with self.subTest(path=path):
                line = text.count("\n") + 1
                self.assertEqual(self.check({**FINE, path: text + "\n"}), (1, ["%s:%d: %s" % (path, line, fault)]))


if __name__ == "__main__":
    unittest.main()
