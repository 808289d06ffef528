#!/usr/bin/python3
"""The AWS SDK for JavaScript v3 against a daemon that scripts/run starts. Wants Node.js 20 or later: what is installed, or
else what npm has under the name of `node`. Everything from npm goes to KMS_NODE_MODULES, and stays there."""

import os
import shutil
import subprocess
import tempfile
import unittest

import daemon

PROFILES = """[profile source]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY

[profile app]
role_arn = arn:aws:iam::123456789012:role/app
role_session_name = javascript
source_profile = source
"""
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "javascript")


def run(arguments, **options):
    return subprocess.run(arguments, check=True, text=True, **options)


def node(modules):
    installed = shutil.which("node")
    if installed and int(run([installed, "--version"], stdout=subprocess.PIPE).stdout.lstrip("v").split(".")[0]) >= 20:
        return installed
    brought = os.path.join(modules, "node20", "node_modules", "node", "bin", "node")
    if not os.path.exists(brought):
        run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", os.path.join(modules, "node20"), "node@20"])
    return brought


class JavaScript(unittest.TestCase):
    def test_every_operation(self):
        modules = os.environ["KMS_NODE_MODULES"]
        os.makedirs(modules, exist_ok=True)
        for name in os.listdir(HERE):
            shutil.copy(os.path.join(HERE, name), modules)
        run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=modules)
        with tempfile.TemporaryDirectory(prefix="kms-javascript-") as work:
            with daemon.Daemon(work + "/run") as server:
                run([node(modules), "--test", os.path.join(modules, "kms.test.mjs")],
                    env={**os.environ, "KMS_URL": server.url,
                         "KMS_TRUST_ANCHOR": work + "/run/trust-anchors/cluster-abcdefg2345.crt"})
                with open(work + "/config", "w", encoding="ascii") as file:
                    file.write(PROFILES)
                run([node(modules), "--test", os.path.join(modules, "sts.test.mjs")],
                    env={**os.environ, "AWS_CONFIG_FILE": work + "/config", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                         "AWS_ENDPOINT_URL_STS": server.url, "AWS_ENDPOINT_URL_KMS": server.url,
                         "AWS_REGION": "us-east-1"})


if __name__ == "__main__":
    unittest.main()
