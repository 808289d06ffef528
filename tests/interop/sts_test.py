#!/usr/bin/python3
"""STS and temporary credentials with Debian's AWS CLI and boto3 against a daemon that scripts/run starts."""

import datetime
import json
import os
import signal
import subprocess
import tempfile
import unittest
import unittest.mock

import boto3
import botocore.config
from botocore.exceptions import ClientError

import clients
import daemon

ROLE = "arn:aws:iam::123456789012:role/app"
SESSION = "arn:aws:sts::123456789012:assumed-role/app/tester"


def sts(url, credentials=clients.ADMIN, region="us-east-1"):
    token = credentials[2] if len(credentials) > 2 else None
    return boto3.session.Session().client(
        "sts", endpoint_url=url, region_name=region, aws_access_key_id=credentials[0],
        aws_secret_access_key=credentials[1], aws_session_token=token,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=False, proxies={}))


def kms(url, credentials, region="us-east-1"):
    return boto3.session.Session().client(
        "kms", endpoint_url=url, region_name=region, aws_access_key_id=credentials[0],
        aws_secret_access_key=credentials[1], aws_session_token=credentials[2],
        config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))


def triple(answer):
    found = answer["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]


class Sts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory(prefix="kms-sts-")
        cls.directory = cls.work.name + "/run"
        cls.server = daemon.Daemon(cls.directory)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.work.cleanup()

    def aws(self, *arguments, credentials=clients.ADMIN):
        """(status, stdout, stderr) of Debian's CLI."""
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": credentials[0], "AWS_SECRET_ACCESS_KEY": credentials[1],
                       "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null",
                       "AWS_EC2_METADATA_DISABLED": "true"}
        environment.pop("AWS_SESSION_TOKEN", None)
        if len(credentials) > 2:
            environment["AWS_SESSION_TOKEN"] = credentials[2]
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.server.url, "--output", "json", *arguments],
                              env=environment, text=True, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def answer(self, *arguments, credentials=clients.ADMIN):
        status, out, err = self.aws(*arguments, credentials=credentials)
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def refused(self, code, message, function, *, status=403, **members):
        with self.assertRaises(ClientError) as caught:
            function(**members)
        response = caught.exception.response
        self.assertEqual((response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"],
                          response["Error"]["Message"]), (status, code, message))

    def test_cli_assumes_a_role(self):
        caller = self.answer("sts", "get-caller-identity")
        self.assertEqual(caller["Arn"], "arn:aws:iam::123456789012:user/admin")
        self.assertEqual(caller["Account"], "123456789012")
        assumed = self.answer("sts", "assume-role", "--role-arn", ROLE, "--role-session-name", "tester")
        self.assertEqual(assumed["AssumedRoleUser"]["Arn"], SESSION)
        session = triple(assumed)
        caller = self.answer("sts", "get-caller-identity", credentials=session)
        self.assertEqual(caller["Arn"], SESSION)
        self.assertEqual(caller["UserId"], assumed["AssumedRoleUser"]["AssumedRoleId"])
        # The role has no identity policy.
        status, _, err = self.aws("kms", "list-keys", credentials=session)
        self.assertEqual(status, 254, err)
        self.assertIn("An error occurred (AccessDeniedException) when calling the ListKeys operation: User: %s is not "
                      "authorized to perform: kms:ListKeys on resource: * because no identity-based policy allows the "
                      "kms:ListKeys action" % SESSION, err)
        # A grant is enough.
        key = self.answer("kms", "create-key")["KeyMetadata"]["KeyId"]
        self.answer("kms", "create-grant", "--key-id", key, "--grantee-principal", ROLE, "--operations", "GenerateDataKey")
        made = self.answer("kms", "generate-data-key", "--key-id", key, "--key-spec", "AES_256", credentials=session)
        self.assertTrue(made["KeyId"].endswith(key))

    def test_cli_tells_refusals(self):
        status, _, err = self.aws("sts", "assume-role", "--role-arn", ROLE, "--role-session-name", "tester",
                                  credentials=clients.ALICE)
        self.assertEqual(status, 254)
        self.assertEqual(err.strip(), "An error occurred (AccessDenied) when calling the AssumeRole operation: User: "
                                      "arn:aws:iam::123456789012:user/alice is not authorized to perform: "
                                      "sts:AssumeRole on resource: " + ROLE)

    def test_users_get_session_tokens(self):
        answer = sts(self.server.url).get_session_token(DurationSeconds=900)
        self.assertIsInstance(answer["Credentials"]["Expiration"], datetime.datetime)
        session = triple(answer)
        self.assertIn("Keys", kms(self.server.url, session).list_keys())
        self.assertEqual(sts(self.server.url, session).get_caller_identity()["Arn"],
                         "arn:aws:iam::123456789012:user/admin")
        self.refused("AccessDenied", "Cannot call GetSessionToken with session credentials",
                     sts(self.server.url, session).get_session_token)

    def test_every_served_region(self):
        session = triple(sts(self.server.url, region="eu-west-1").get_session_token())
        for region in ("us-east-1", "ap-southeast-1"):
            self.assertIn("Keys", kms(self.server.url, session, region).list_keys())
            sts(self.server.url, session, region).get_caller_identity()

    def test_errors_are_understood(self):
        self.refused("InvalidClientTokenId", "The security token included in the request is invalid.",
                     sts(self.server.url, ("AKIANOBODYNOBODY0000", "x")).get_caller_identity)
        self.refused("ValidationError",
                     "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
                     "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
                     sts(self.server.url).assume_role, status=400, RoleArn=ROLE, RoleSessionName="a b")
        self.refused("MalformedPolicyDocument", unittest.mock.ANY, sts(self.server.url).assume_role, status=400,
                     RoleArn=ROLE, RoleSessionName="tester", Policy="{")

    def test_zz_sessions_survive_a_kill_and_expire(self):
        """Last, since it kills the daemon of the others."""
        session = triple(sts(self.server.url).get_session_token(DurationSeconds=3600))
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.server.process.stdout.close()
        self.server.running = False
        with daemon.Daemon(self.directory, "--clock-offset", "3500") as server:
            self.assertIn("Keys", kms(server.url, session).list_keys())
        with daemon.Daemon(self.directory, "--clock-offset", "3600") as server:
            self.refused("ExpiredTokenException", "The security token included in the request is expired",
                         kms(server.url, session).list_keys, status=400)
            self.refused("ExpiredToken", "The security token included in the request is expired",
                         sts(server.url, session).get_caller_identity)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
