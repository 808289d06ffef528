#!/usr/bin/python3
"""Who may do what: admin, alice, bob and the role app live through policies, conditions, grants and sessions, with boto3
and the AWS CLI; every refusal word for word."""

import json
import os
import subprocess
import unittest

import boto3
import botocore.config
from botocore.exceptions import ClientError

import boto3_test
import clients
from boto3_test import ARN

ROOT = "arn:aws:iam::123456789012:root"
ADMIN = "arn:aws:iam::123456789012:user/admin"
ALICE = "arn:aws:iam::123456789012:user/alice"
BOB = "arn:aws:iam::111122223333:user/bob"
ROLE = "arn:aws:iam::123456789012:role/app"
SESSION = "arn:aws:sts::123456789012:assumed-role/app/tester"

NO_IDENTITY = "because no identity-based policy allows the kms:%s action"
NO_RESOURCE = "because no resource-based policy allows the kms:%s action"
DENIED = "with an explicit deny in a resource-based policy"
FOREIGN = ("because the resource does not exist in this Region, no resource-based policies allow access, or a "
           "resource-based policy explicitly denies access")


def statement(effect, principal, action, **more):
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": "*", **more}


DELEGATION = statement("Allow", ROOT, "kms:*")


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class Policies(boto3_test.Served):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = clients.client(cls.url)
        cls.alice = clients.client(cls.url, clients.ALICE)
        cls.bob = clients.client(cls.url, clients.BOB)

    def new(self, *statements, **members):
        if statements:
            members["Policy"] = document(*statements)
        return self.admin.create_key(**members)["KeyMetadata"]["KeyId"]

    def denied(self, caller, action, key, reason, call, **members):
        """Refused with exactly these words."""
        resource = "on this resource" if reason == FOREIGN else "on resource: " + key
        with self.assertRaises(ClientError) as caught:
            call(**members)
        error = caught.exception.response["Error"]
        self.assertEqual((error["Code"], error["Message"]),
                         ("AccessDeniedException", "User: %s is not authorized to perform: kms:%s %s %s" % (
                             caller, action, resource, reason % action if "%s" in reason else reason)))

    def assume(self, **members):
        sts = boto3.session.Session().client(
            "sts", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=clients.ADMIN[0],
            aws_secret_access_key=clients.ADMIN[1], config=botocore.config.Config(proxies={}))
        found = sts.assume_role(RoleArn=ROLE, RoleSessionName="tester", **members)["Credentials"]
        return boto3.session.Session().client(
            "kms", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"], aws_session_token=found["SessionToken"],
            config=botocore.config.Config(retries={"total_max_attempts": 1}, proxies={}))

    def test_the_default_policy_delegates_to_the_account(self):
        key = self.new()
        self.assertEqual(json.loads(self.admin.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
                         {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [
                             {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": ROOT},
                              "Action": "kms:*", "Resource": "*"}]})
        self.assertEqual(self.admin.list_key_policies(KeyId=key)["PolicyNames"], ["default"])
        self.admin.encrypt(KeyId=key, Plaintext=b"x")
        self.denied(ALICE, "Encrypt", ARN + key, NO_IDENTITY, self.alice.encrypt, KeyId=key, Plaintext=b"x")
        self.denied(ALICE, "CreateKey", "*", NO_IDENTITY, self.alice.create_key)
        self.denied(ALICE, "ListKeys", "*", NO_IDENTITY, self.alice.list_keys)

    def test_without_delegation_identity_policies_count_for_nothing(self):
        key = self.new(statement("Allow", ADMIN, ["kms:PutKeyPolicy", "kms:GetKeyPolicy"]))
        self.denied(ADMIN, "Encrypt", ARN + key, NO_RESOURCE, self.admin.encrypt, KeyId=key, Plaintext=b"x")
        self.admin.put_key_policy(KeyId=key, PolicyName="default", Policy=document(DELEGATION))
        self.admin.encrypt(KeyId=key, Plaintext=b"x")

    def test_a_key_policy_allows_and_denies_by_name(self):
        key = self.new(DELEGATION, statement("Allow", ALICE, ["kms:Encrypt", "kms:Decrypt"]))
        blob = self.alice.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        self.assertEqual(self.alice.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")
        self.admin.put_key_policy(KeyId=key, PolicyName="default", Policy=document(
            DELEGATION, statement("Allow", ALICE, "kms:*"), statement("Deny", ALICE, "kms:Decrypt")))
        self.denied(ALICE, "Decrypt", ARN + key, DENIED, self.alice.decrypt, KeyId=key, CiphertextBlob=blob)
        with self.assertRaises(ClientError) as caught:
            self.alice.decrypt(CiphertextBlob=blob)
        self.assertEqual(caught.exception.response["Error"]["Message"],
                         "User: %s is not authorized to perform: kms:Decrypt on the resource associated with this "
                         "ciphertext %s" % (ALICE, FOREIGN))

    def test_conditions_on_the_encryption_context_and_on_the_alias(self):
        key = self.new(DELEGATION,
                       statement("Allow", ALICE, "kms:Encrypt",
                                 Condition={"StringEquals": {"kms:EncryptionContext:team": ["blue", "green"]}}),
                       statement("Allow", ALICE, "kms:DescribeKey",
                                 Condition={"StringLike": {"kms:RequestAlias": "alias/app-*"}}))
        alias = "alias/app-" + key
        self.admin.create_alias(AliasName=alias, TargetKeyId=key)
        self.alice.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"team": "green"})
        for context in ({"team": "red"}, {}):
            self.denied(ALICE, "Encrypt", ARN + key, NO_IDENTITY, self.alice.encrypt, KeyId=key, Plaintext=b"x",
                        EncryptionContext=context)
        self.assertEqual(self.alice.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"], key)
        self.denied(ALICE, "DescribeKey", ARN + key, NO_IDENTITY, self.alice.describe_key, KeyId=key)

    def test_another_account_needs_both_sides(self):
        key = self.new()
        arn = ARN + key
        for absent in (arn, ARN + "1234abcd-12ab-34cd-56ef-1234567890ab"):
            self.denied(BOB, "Encrypt", absent, FOREIGN, self.bob.encrypt, KeyId=absent, Plaintext=b"x")
        self.admin.put_key_policy(KeyId=key, PolicyName="default", Policy=document(
            DELEGATION, statement("Allow", "arn:aws:iam::111122223333:root", "kms:*")))
        blob = self.bob.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
        self.assertEqual(self.bob.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")
        self.denied(BOB, "ScheduleKeyDeletion", arn, FOREIGN, self.bob.schedule_key_deletion, KeyId=arn)

    def test_grants_with_constraints_and_tokens_until_they_are_retired(self):
        key = self.new()
        grant = self.admin.create_grant(KeyId=key, GranteePrincipal=ALICE, RetiringPrincipal=ALICE,
                                        Operations=["Encrypt", "Decrypt"],
                                        Constraints={"EncryptionContextSubset": {"team": "blue"}})
        context = {"team": "blue", "more": "1"}
        blob = self.alice.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context,
                                  GrantTokens=[grant["GrantToken"]])["CiphertextBlob"]
        self.assertEqual(self.alice.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"], b"x")
        self.denied(ALICE, "Encrypt", ARN + key, NO_IDENTITY, self.alice.encrypt, KeyId=key, Plaintext=b"x",
                    GrantTokens=[grant["GrantToken"]])
        self.denied(ALICE, "GenerateDataKey", ARN + key, NO_IDENTITY, self.alice.generate_data_key, KeyId=key,
                    KeySpec="AES_256", EncryptionContext=context)
        self.alice.retire_grant(GrantToken=grant["GrantToken"])
        self.denied(ALICE, "Encrypt", ARN + key, NO_IDENTITY, self.alice.encrypt, KeyId=key, Plaintext=b"x",
                    EncryptionContext=context)
        with self.assertRaises(ClientError) as caught:
            self.alice.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[grant["GrantToken"]])
        self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidGrantTokenException")

    def test_a_role_session_is_its_role(self):
        key = self.new(DELEGATION, statement("Allow", ROLE, "kms:Encrypt"))
        app = self.assume()
        app.encrypt(KeyId=key, Plaintext=b"x")
        self.denied(SESSION, "DescribeKey", ARN + key, NO_IDENTITY, app.describe_key, KeyId=key)
        narrow = self.assume(Policy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"}]}))
        self.denied(SESSION, "Encrypt", ARN + key, "because no session policy allows the kms:%s action",
                    narrow.encrypt, KeyId=key, Plaintext=b"x")
        self.admin.create_grant(KeyId=key, GranteePrincipal=ROLE, Operations=["DescribeKey"])
        self.assertEqual(app.describe_key(KeyId=key)["KeyMetadata"]["KeyId"], key)

    def test_policies_that_are_none(self):
        key = self.new()
        before = self.admin.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        for policy, code, message in (
                (document({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}), "MalformedPolicyDocumentException",
                 "Policy contains a statement with no principal."),
                (document(statement("Allow", "arn:aws:iam::123456789012:user/nobody", "kms:*")),
                 "MalformedPolicyDocumentException",
                 "Policy contains a statement with one or more invalid principals."),
                (document(statement("Allow", "arn:aws:iam:::root", "kms:*")), "InvalidArnException",
                 "An ARN in the specified key policy is invalid."),
                (document(statement("Allow", ALICE, "kms:*")), "MalformedPolicyDocumentException",
                 "The new key policy will not allow you to update the key policy in the future.")):
            with self.assertRaises(ClientError) as caught:
                self.admin.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
            error = caught.exception.response["Error"]
            self.assertEqual((error["Code"], error["Message"]), (code, message))
        self.assertEqual(self.admin.get_key_policy(KeyId=key, PolicyName="default")["Policy"], before)

    def test_the_aws_cli_says_the_same(self):
        key = self.new()
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": clients.ALICE[0], "AWS_SECRET_ACCESS_KEY": clients.ALICE[1],
                       "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
        environment.pop("AWS_SESSION_TOKEN", None)
        done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.url, "kms", "describe-key", "--key-id", key],
                              env=environment, capture_output=True, text=True)
        self.assertEqual(done.stderr.strip(),
                         "An error occurred (AccessDeniedException) when calling the DescribeKey operation: User: %s is "
                         "not authorized to perform: kms:DescribeKey on resource: %s %s"
                         % (ALICE, ARN + key, NO_IDENTITY % "DescribeKey"))
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
