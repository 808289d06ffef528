#!/usr/bin/python3
"""boto3 against a daemon that scripts/run starts, over plain HTTP and over TLS."""

import base64
import concurrent.futures
import os
import re
import ssl
import subprocess
import tempfile
import time
import unittest
import unittest.mock

from botocore.exceptions import ClientError, SSLError

import clients
import daemon

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ABSENT = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = "arn:aws:kms:us-east-1:123456789012:key/"


class Case(unittest.TestCase):
    maxDiff = None

    def refused(self, code, message, function, *, status=400, **members):
        with self.assertRaises(ClientError) as caught:
            function(**members)
        response = caught.exception.response
        self.assertEqual((response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"],
                          response["Error"].get("Message", "")), (status, code, message))
        return caught.exception

    def connected(self, kms, store):
        """Connects, waits until it is over and returns what is described."""
        kms.connect_custom_key_store(CustomKeyStoreId=store)
        return self.settled(kms, store)

    def disconnect(self, kms, store):
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        self.assertEqual(self.settled(kms, store)["ConnectionState"], "DISCONNECTED")

    def settled(self, kms, store):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]
            if found["ConnectionState"] not in ("CONNECTING", "DISCONNECTING"):
                return found
        self.fail("still " + found["ConnectionState"])


class Served(Case):
    """One daemon for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory(prefix="kms-boto3-")
        cls.addClassCleanup(cls.work.cleanup)
        cls.state = cls.work.name + "/run"
        cls.server = daemon.Daemon(cls.state)
        cls.addClassCleanup(cls.server.stop)
        cls.url = cls.server.url
        cls.kms = clients.client(cls.url)

    def key(self, **members):
        return self.kms.create_key(**members)["KeyMetadata"]["KeyId"]


class Operations(Served):
    def test_keys_are_listed_page_by_page(self):
        mine = {self.key() for _ in range(5)}
        pages = list(self.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
        self.assertTrue(all(len(page["Keys"]) == 2 for page in pages[:-1]))
        keys = [entry for page in pages for entry in page["Keys"]]
        self.assertEqual(len({entry["KeyId"] for entry in keys}), len(keys))
        self.assertLessEqual(mine, {entry["KeyId"] for entry in keys})
        self.assertTrue(all(entry["KeyArn"] == ARN + entry["KeyId"] for entry in keys))

    def test_aliases_and_tags_are_listed_page_by_page(self):
        key = self.key(Tags=[{"TagKey": "k%d" % i, "TagValue": "v%d" % i} for i in range(5)])
        for i in range(5):
            self.kms.create_alias(AliasName="alias/page-%d" % i, TargetKeyId=key)
        pages = self.kms.get_paginator("list_aliases").paginate(KeyId=key, PaginationConfig={"PageSize": 2})
        self.assertEqual(sorted(entry["AliasName"] for page in pages for entry in page["Aliases"]),
                         ["alias/page-%d" % i for i in range(5)])
        marker, tags = {}, []
        while True:
            page = self.kms.list_resource_tags(KeyId=key, Limit=2, **marker)
            tags += [(tag["TagKey"], tag["TagValue"]) for tag in page["Tags"]]
            if not page["Truncated"]:
                break
            marker = {"Marker": page["NextMarker"]}
        self.assertEqual(tags, [("k%d" % i, "v%d" % i) for i in range(5)])
        self.refused("InvalidMarkerException", unittest.mock.ANY, self.kms.list_keys, Marker="no marker")

    def test_the_life_of_an_alias(self):
        first, second = self.key(), self.key()
        self.kms.create_alias(AliasName="alias/life", TargetKeyId=first)
        arn = "arn:aws:kms:us-east-1:123456789012:alias/life"
        error = self.refused("AlreadyExistsException", "An alias with the name %s already exists" % arn,
                             self.kms.create_alias, AliasName="alias/life", TargetKeyId=second)
        self.assertIsInstance(error, self.kms.exceptions.AlreadyExistsException)
        self.kms.update_alias(AliasName="alias/life", TargetKeyId=second)
        for reference in ("alias/life", arn, second, ARN + second):
            self.assertEqual(self.kms.describe_key(KeyId=reference)["KeyMetadata"]["KeyId"], second)
        self.assertEqual(self.kms.list_aliases(KeyId=first)["Aliases"], [])
        self.assertEqual(self.kms.list_aliases(KeyId=second)["Aliases"][0]["TargetKeyId"], second)
        self.refused("InvalidArnException", "Key Aliases are not supported for this operation.", self.kms.disable_key,
                     KeyId="alias/life")
        self.kms.delete_alias(AliasName="alias/life")
        error = self.refused("NotFoundException", "Alias %s is not found." % arn, self.kms.describe_key,
                             KeyId="alias/life")
        self.assertIsInstance(error, self.kms.exceptions.NotFoundException)
        self.refused("NotFoundException", "Alias %s is not found." % arn, self.kms.delete_alias,
                     AliasName="alias/life")
        self.refused("ValidationException",
                     'Alias must start with the prefix "alias/". Please see '
                     "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html", self.kms.create_alias,
                     AliasName="life", TargetKeyId=first)

    def test_a_disabled_key_and_one_pending_deletion_do_nothing(self):
        key = self.key(Description="old_description")
        self.kms.update_key_description(KeyId=key, Description="new_description")
        self.assertEqual(self.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"], "new_description")
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        self.kms.disable_key(KeyId=key)
        self.assertIsInstance(
            self.refused("DisabledException", "%s is disabled." % (ARN + key), self.kms.decrypt, CiphertextBlob=blob),
            self.kms.exceptions.DisabledException)
        self.kms.enable_key(KeyId=key)
        self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"x")
        answer = self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        self.assertEqual((answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]),
                         (ARN + key, "PendingDeletion", 7))
        self.assertIsInstance(
            self.refused("KMSInvalidStateException", "%s is pending deletion." % (ARN + key), self.kms.decrypt,
                         CiphertextBlob=blob), self.kms.exceptions.KMSInvalidStateException)
        self.assertEqual(self.kms.cancel_key_deletion(KeyId=key)["KeyId"], ARN + key)
        metadata = self.kms.describe_key(KeyId=key)["KeyMetadata"]
        self.assertEqual((metadata["KeyState"], metadata["Enabled"], "DeletionDate" in metadata),
                         ("Disabled", False, False))

    def test_encryption_in_all_its_forms(self):
        first, second = self.key(), self.key()
        context = {"b": "2", "a": "1"}
        for size in (1, 16, 4096):
            plaintext = os.urandom(size)
            blob = self.kms.encrypt(KeyId=first, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]
            self.assertEqual(self.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1", "b": "2"})["Plaintext"],
                             plaintext)
        moved = self.kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=second,
                                    DestinationEncryptionContext={"c": "3"})
        self.assertEqual((moved["SourceKeyId"], moved["KeyId"]), (ARN + first, ARN + second))
        self.assertEqual(self.kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"c": "3"},
                                          KeyId=second)["Plaintext"], plaintext)
        self.refused("InvalidCiphertextException", "", self.kms.decrypt, CiphertextBlob=moved["CiphertextBlob"],
                     EncryptionContext=context)
        for position in range(0, len(blob), 7):
            spoiled = blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1:]
            with self.assertRaises((self.kms.exceptions.InvalidCiphertextException, ClientError)) as caught:
                self.kms.decrypt(CiphertextBlob=spoiled, EncryptionContext=context)
            self.assertIn(caught.exception.response["Error"]["Code"],
                          ("InvalidCiphertextException", "AccessDeniedException"))
        self.refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.",
                     self.dry_run, KeyId=first, Plaintext=b"x")

    def dry_run(self, **members):
        """This boto3 does not know DryRun."""
        status, answer = clients.call(self.url, "Encrypt", KeyId=members["KeyId"], Plaintext="eA==", DryRun=True)
        raise ClientError({"Error": {"Code": answer["__type"], "Message": answer["message"]},
                           "ResponseMetadata": {"HTTPStatusCode": status}}, "Encrypt")

    def test_data_keys(self):
        key = self.key()
        for members, size in (({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)):
            made = self.kms.generate_data_key(KeyId=key, EncryptionContext={"p": "q"}, **members)
            self.assertEqual((len(made["Plaintext"]), made["KeyId"]), (size, ARN + key))
            opened = self.kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"p": "q"})
            self.assertEqual(opened["Plaintext"], made["Plaintext"])
        made = self.kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
        self.assertNotIn("Plaintext", made)
        self.assertEqual(len(self.kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]), 32)
        for members in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
            self.refused("ValidationException", "Please specify either number of bytes or key spec.",
                         self.kms.generate_data_key, KeyId=key, **members)

    def test_random_bytes(self):
        for size in (1, 32, 1024):
            self.assertEqual(len(self.kms.generate_random(NumberOfBytes=size)["Plaintext"]), size)

    def test_regions_are_apart(self):
        west = clients.client(self.url, region="us-west-2")
        key = west.create_key()["KeyMetadata"]
        self.assertEqual(key["Arn"], "arn:aws:kms:us-west-2:123456789012:key/" + key["KeyId"])
        self.refused("NotFoundException", "Key '%s' does not exist" % (ARN + key["KeyId"]), self.kms.describe_key,
                     KeyId=key["KeyId"])
        self.refused("NotFoundException", "Invalid arn us-west-2", self.kms.describe_key, KeyId=key["Arn"])
        nowhere = clients.client(self.url, region="mars-north-1")
        with self.assertRaises(ClientError) as caught:
            nowhere.list_keys()
        self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidSignatureException")

    def test_what_is_not_built_says_so(self):
        with self.assertRaises(self.kms.exceptions.UnsupportedOperationException):
            self.kms.create_key(KeySpec="SM2", KeyUsage="SIGN_VERIFY")

    def test_many_threads_share_a_client(self):
        key = self.key()
        kms = clients.client(self.url, max_pool_connections=8)

        def round_trip(number):
            plaintext = b"%d" % number
            blob = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext={"n": str(number)})["CiphertextBlob"]
            return kms.decrypt(CiphertextBlob=blob, EncryptionContext={"n": str(number)})["Plaintext"] == plaintext

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertTrue(all(pool.map(round_trip, range(80))))

    def test_a_custom_key_store_from_creation_to_deletion(self):
        kms = self.kms
        anchors = {}
        for cluster in ("cluster-abcdefg2345", "cluster-hijklmn2345"):
            with open("%s/trust-anchors/%s.crt" % (self.state, cluster), encoding="ascii") as file:
                anchors[cluster] = file.read()
        mine, other = anchors
        members = {"CustomKeyStoreName": "vault", "CloudHsmClusterId": mine, "KeyStorePassword": "kmsPswd-1",
                   "TrustAnchorCertificate": anchors[mine]}
        for code, change in (("IncorrectTrustAnchorException", {"TrustAnchorCertificate": anchors[other]}),
                             ("CloudHsmClusterNotFoundException", {"CloudHsmClusterId": "cluster-zzzzzzz2345"})):
            with self.assertRaises(getattr(kms.exceptions, code)):
                kms.create_custom_key_store(**{**members, **change})
        store = kms.create_custom_key_store(**members)["CustomKeyStoreId"]
        self.assertRegex(store, r"\Acks-[0-9a-f]{17}\Z")
        with self.assertRaises(kms.exceptions.CustomKeyStoreInvalidStateException):
            kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)
        self.assertEqual(self.connected(kms, store)["ConnectionState"], "CONNECTED")
        key = self.key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)
        blob = kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
        self.assertEqual(len(kms.generate_random(NumberOfBytes=8, CustomKeyStoreId=store)["Plaintext"]), 8)
        with self.assertRaises(kms.exceptions.CustomKeyStoreInvalidStateException):
            kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword="kmsPswd-2")
        kms.update_custom_key_store(CustomKeyStoreId=store, NewCustomKeyStoreName="renamed")
        self.disconnect(kms, store)
        self.assertEqual(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Unavailable")
        self.refused("KMSInvalidStateException", "%s is unavailable." % (ARN + key), kms.decrypt, CiphertextBlob=blob)
        kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword="wrong-password")
        found = self.connected(kms, store)
        self.assertEqual((found["ConnectionState"], found["ConnectionErrorCode"]), ("FAILED", "INVALID_CREDENTIALS"))
        with self.assertRaises(kms.exceptions.CustomKeyStoreInvalidStateException):
            kms.connect_custom_key_store(CustomKeyStoreId=store)
        self.disconnect(kms, store)
        kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword="kmsPswd-1")
        found = self.connected(kms, store)
        self.assertEqual((found["ConnectionState"], found["CustomKeyStoreName"]), ("CONNECTED", "renamed"))
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"kept")
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        self.disconnect(kms, store)
        with self.assertRaises(kms.exceptions.CustomKeyStoreHasCMKsException):
            kms.delete_custom_key_store(CustomKeyStoreId=store)
        empty = kms.create_custom_key_store(CustomKeyStoreName="empty", CloudHsmClusterId=other,
                                            KeyStorePassword="kmsPswd-1", TrustAnchorCertificate=anchors[other])
        pages = kms.get_paginator("describe_custom_key_stores").paginate(PaginationConfig={"PageSize": 1})
        self.assertEqual(sorted(found["CustomKeyStoreName"] for page in pages for found in page["CustomKeyStores"]),
                         ["empty", "renamed"])
        kms.delete_custom_key_store(CustomKeyStoreId=empty["CustomKeyStoreId"])
        with self.assertRaises(kms.exceptions.CustomKeyStoreNotFoundException):
            kms.describe_custom_key_stores(CustomKeyStoreId=empty["CustomKeyStoreId"])


class Callers(Served):
    def test_a_user_without_policy_is_refused(self):
        key = self.key()
        alice = clients.client(self.url, clients.ALICE)
        user = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: kms:%s on resource: %s because " \
               "no identity-based policy allows the kms:%s action"
        self.refused("AccessDeniedException", user % ("ListKeys", "*", "ListKeys"), alice.list_keys)
        self.refused("AccessDeniedException", user % ("Encrypt", ARN + key, "Encrypt"), alice.encrypt, KeyId=key,
                     Plaintext=b"x")

    def test_a_user_of_another_account_sees_only_its_own(self):
        key = self.key()
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        bob = clients.client(self.url, clients.BOB)
        why = "because the resource does not exist in this Region, no resource-based policies allow access, or a " \
              "resource-based policy explicitly denies access"
        who = "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: "
        for absent_or_not in (ARN + key, ARN + ABSENT):
            self.refused("AccessDeniedException", who + "kms:DescribeKey on this resource " + why, bob.describe_key,
                         KeyId=absent_or_not)
        self.refused("AccessDeniedException",
                     who + "kms:Decrypt on the resource associated with this ciphertext " + why, bob.decrypt,
                     CiphertextBlob=blob)
        self.refused("NotFoundException",
                     "Key 'arn:aws:kms:us-east-1:111122223333:key/%s' does not exist" % key, bob.describe_key, KeyId=key)
        own = bob.create_key()["KeyMetadata"]
        self.assertEqual(own["AWSAccountId"], "111122223333")
        self.assertEqual([entry["KeyId"] for entry in bob.list_keys()["Keys"]], [own["KeyId"]])

    def test_a_wrong_secret_and_a_strange_access_key(self):
        self.refused("InvalidSignatureException",
                     "The request signature we calculated does not match the signature you provided. Check your AWS "
                     "Secret Access Key and signing method. Consult the service documentation for details.",
                     clients.client(self.url, (clients.ADMIN[0], "wrong")).list_keys)
        self.refused("UnrecognizedClientException", "The security token included in the request is invalid.",
                     clients.client(self.url, ("AKIAIOSFODNN7UNKNOWN", "x")).list_keys)

    def test_a_clock_that_is_wrong(self):
        for seconds, message in ((-310, r"Signature expired: \w+ is now earlier than \w+ \(\w+ - 5 min\.\)"),
                                 (310, r"Signature not yet current: \w+ is still later than \w+ \(\w+ \+ 5 min\.\)")):
            with clients.clock_moved(seconds):
                status, answer = clients.call(self.url, "ListKeys")
            self.assertEqual((status, answer["__type"]), (400, "InvalidSignatureException"))
            self.assertRegex(answer["message"], r"\A%s\Z" % message)
        for seconds in (-270, 270):
            with clients.clock_moved(seconds):
                self.assertEqual(clients.call(self.url, "ListKeys")[0], 200)

    def test_requests_that_are_none(self):
        def answer(*arguments, **options):
            status, headers, body = clients.post(self.url, *arguments, **options)
            self.assertRegex(headers["x-amzn-RequestId"], r"\A%s\Z" % UUID)
            self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.1")
            return status, body

        for target in ("TrentService.Nothing", "Other.ListKeys", ""):
            for caller in (clients.ADMIN, None):
                self.assertEqual(answer(target, "{}", caller), (400, '{"__type":"UnknownOperationException"}'))
        self.assertEqual(answer("TrentService.ListKeys", "", None), (400, '{"__type":"SerializationException"}'))
        self.assertEqual(answer("TrentService.ListKeys", "{", clients.ADMIN),
                         (400, '{"__type":"SerializationException"}'))
        self.assertEqual(answer("TrentService.ListKeys", "{", None),
                         (400, '{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication '
                               'Token"}'))

    def test_answers_have_the_headers_of_the_service(self):
        status, headers, body = clients.post(self.url, "TrentService.ListKeys", "{}")
        self.assertEqual(status, 200)
        self.assertEqual(int(headers["Content-Length"]), len(body))
        self.assertIsNotNone(headers["Date"])
        key = self.key()
        status, headers, body = clients.post(self.url, "TrentService.EnableKey", '{"KeyId":"%s"}' % key)
        self.assertEqual((status, headers["Content-Length"], body), (200, "0", ""))


class Recorded(Served):
    """What AWS KMS was recorded to answer: code, message, status and fields."""

    def call(self, operation, **members):
        return clients.call(self.url, operation, **members)

    def ok(self, operation, **members):
        status, answer = self.call(operation, **members)
        self.assertEqual(status, 200, answer)
        return answer

    def error(self, code, message, operation, **members):
        expected = {"__type": code}
        if message is not None:
            expected["message"] = message
        self.assertEqual(self.call(operation, **members), (400, expected))

    def metadata(self, found, **expected):
        """KeyMetadata as a whole, with what every new symmetric key has."""
        found = dict(found)
        self.assertRegex(found["KeyId"], r"\A%s\Z" % UUID)
        self.assertEqual(found.pop("Arn"), ARN + found.pop("KeyId"))
        self.assertRegex(found.pop("CurrentKeyMaterialId"), r"\A[0-9a-f]{64}\Z")
        self.assertAlmostEqual(found.pop("CreationDate"), time.time(), delta=120)
        self.assertEqual(found, {
            "AWSAccountId": "123456789012", "KeyManager": "CUSTOMER", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "Description": "", "Enabled": True, "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": False,
            "Origin": "AWS_KMS", **expected})

    def test_create_key(self):
        key = self.ok("CreateKey", Description="test key 123", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
        self.assertIn({"KeyId": key["KeyId"], "KeyArn": key["Arn"]}, self.ok("ListKeys")["Keys"])
        described = self.ok("DescribeKey", KeyId=key["KeyId"])["KeyMetadata"]
        self.metadata(described, Description="test key 123")
        self.assertEqual(described, key)

    def test_describe_with_alias_arn(self):
        key = self.ok("CreateKey", Description="test - description")["KeyMetadata"]
        self.assertEqual(clients.call(self.url, "CreateAlias", TargetKeyId=key["KeyId"], AliasName="alias/arn"),
                         (200, None))
        arn = next(entry["AliasArn"] for entry in self.ok("ListAliases")["Aliases"] if entry["AliasName"] == "alias/arn")
        self.metadata(self.ok("DescribeKey", KeyId=arn)["KeyMetadata"], Description="test - description")

    def test_tags(self):
        tags = [{"TagKey": "tag%d" % i, "TagValue": "value%d" % i} for i in (1, 2, 3)]
        key = self.ok("CreateKey", Description="test key 123", Tags=tags)["KeyMetadata"]["KeyId"]
        self.assertEqual(self.ok("ListResourceTags", KeyId=key), {"Tags": tags, "Truncated": False})
        self.assertEqual(self.call("UntagResource", KeyId=key, TagKeys=["tag2"]), (200, None))
        self.assertEqual(self.ok("ListResourceTags", KeyId=key)["Tags"], [tags[0], tags[2]])
        self.assertEqual(self.call("UntagResource", KeyId=key, TagKeys=["tag1", "tag3"]), (200, None))
        self.assertEqual(self.ok("ListResourceTags", KeyId=key)["Tags"], [])
        self.assertEqual(self.call("TagResource", KeyId=key, Tags=tags[:2]), (200, None))
        self.assertEqual(self.ok("ListResourceTags", KeyId=key)["Tags"], tags[:2])
        reserved = [{"TagKey": "aws:key1", "TagValue": "value1"}]
        for members in ({"Tags": reserved}, {"Tags": [{"TagKey": "AWS:key1", "TagValue": "value1"}]}):
            self.error("TagException", "Tags beginning with aws: are reserved", "CreateKey", **members)
        self.error("TagException", "Tags beginning with aws: are reserved", "TagResource", KeyId=key, Tags=reserved)
        for member, name, length in (("TagKey", "tagKey", 128), ("TagValue", "tagValue", 256)):
            tag = {"TagKey": "tag1", "TagValue": "value1", member: "v" * (length + 1)}
            self.error("ValidationException",
                       "1 validation error detected: Value '%s' at 'tags.1.member.%s' failed to satisfy constraint: "
                       "Member must have length less than or equal to %d" % (tag[member], name, length),
                       "CreateKey", Tags=[tag])

    def test_encrypt_decrypt_encryption_context(self):
        key = self.ok("CreateKey")["KeyMetadata"]
        context = {"context-key": "context-value"}
        plaintext = base64.b64encode(os.urandom(44)).decode()
        made = self.ok("Encrypt", KeyId=key["KeyId"], Plaintext=plaintext, EncryptionAlgorithm="SYMMETRIC_DEFAULT",
                       EncryptionContext=context)
        blob = made.pop("CiphertextBlob")
        self.assertEqual(made, {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyId": key["Arn"]})
        decrypt = {"KeyId": key["KeyId"], "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        self.assertEqual(self.ok("Decrypt", CiphertextBlob=blob, EncryptionContext=context, **decrypt),
                         {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyId": key["Arn"], "Plaintext": plaintext,
                          "KeyMaterialId": key["CurrentKeyMaterialId"]})
        self.error("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=blob, **decrypt)
        for spoiled in (base64.b64decode(blob)[68:], base64.b64decode(blob) + bytes(8)):
            self.error("InvalidCiphertextException", None, "Decrypt", EncryptionContext=context,
                       CiphertextBlob=base64.b64encode(spoiled).decode(), **decrypt)

    def test_data_key_with_encryption_context(self):
        key = self.ok("CreateKey")["KeyMetadata"]
        made = self.ok("GenerateDataKeyWithoutPlaintext", KeyId=key["KeyId"], KeySpec="AES_256",
                       EncryptionContext={"context-key": "context-value"})
        blob = made.pop("CiphertextBlob")
        self.assertEqual(made, {"KeyId": key["Arn"], "KeyMaterialId": key["CurrentKeyMaterialId"]})
        self.error("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=blob, KeyId=key["KeyId"])

    def test_the_wrong_key(self):
        key, other = (self.ok("CreateKey")["KeyMetadata"]["KeyId"] for _ in range(2))
        blob = self.ok("Encrypt", Plaintext="eA==", KeyId=key)["CiphertextBlob"]
        message = "The key ID in the request does not identify a CMK that can perform this operation."
        self.error("IncorrectKeyException", message, "Decrypt", CiphertextBlob=blob, KeyId=other)
        self.error("IncorrectKeyException", message, "ReEncrypt", CiphertextBlob=blob, SourceKeyId=other,
                   DestinationKeyId=other)

    def test_generate_random_invalid_number_of_bytes(self):
        self.error("ValidationException", "NumberOfBytes is required.", "GenerateRandom", NumberOfBytes=None)
        rule = "1 validation error detected: Value '%d' at 'numberOfBytes' failed to satisfy constraint: Member must " \
               "have value %s than or equal to %d"
        self.error("ValidationException", rule % (0, "greater", 1), "GenerateRandom", NumberOfBytes=0)
        self.error("ValidationException", rule % (1025, "less", 1024), "GenerateRandom", NumberOfBytes=1025)

    def test_get_key_invalid_uuid(self):
        for name in ("fake-key-id", "134f2428cec14b25a1ae9048164dba47", "mrk-fake-key-id"):
            self.error("NotFoundException", "Invalid keyId '%s'" % name, "DescribeKey", KeyId=name)
        self.error("NotFoundException", "Key '%s' does not exist" % (ARN + ABSENT), "DescribeKey", KeyId=ABSENT)

    def test_create_key_with_invalid_specs(self):
        self.error("ValidationException",
                   "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
                   "CreateKey", KeySpec="HMAC_256")
        self.error("ValidationException", "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048", "CreateKey",
                   KeySpec="RSA_2048", KeyUsage="KEY_AGREEMENT")
        for members, value, name in (({"KeySpec": "HMAC_random"}, "HMAC_random", "keySpec"),
                                     ({"KeySpec": "HMAC_256", "KeyUsage": "RANDOM"}, "RANDOM", "keyUsage")):
            status, answer = self.call("CreateKey", **members)
            self.assertEqual((status, answer["__type"]), (400, "ValidationException"))
            # The order of the values is arbitrary.
            self.assertRegex(answer["message"],
                             r"\A1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member "
                             r"must satisfy enum value set: \[[A-Z0-9_, ]+\]\Z" % (value, name))

    def test_schedule_and_cancel_key_deletion(self):
        key = self.ok("CreateKey")["KeyMetadata"]["KeyId"]
        self.ok("ScheduleKeyDeletion", KeyId=key)
        found = self.ok("DescribeKey", KeyId=key)["KeyMetadata"]
        self.assertAlmostEqual(found.pop("DeletionDate"), time.time() + 30 * 86400, delta=120)
        self.metadata(found, Enabled=False, KeyState="PendingDeletion")
        status, answer = self.call("ScheduleKeyDeletion", KeyId=key)
        self.assertEqual((status, answer["__type"]), (400, "KMSInvalidStateException"))
        self.ok("CancelKeyDeletion", KeyId=key)
        self.metadata(self.ok("DescribeKey", KeyId=key)["KeyMetadata"], Enabled=False, KeyState="Disabled")

    def test_cant_use_disabled_or_deleted_keys(self):
        key = self.ok("CreateKey")["KeyMetadata"]["KeyId"]
        self.ok("GenerateDataKey", KeyId=key, KeySpec="AES_256")
        self.assertEqual(self.call("DisableKey", KeyId=key), (200, None))
        self.error("DisabledException", "%s is disabled." % (ARN + key), "GenerateDataKey", KeyId=key, KeySpec="AES_256")
        self.ok("ScheduleKeyDeletion", KeyId=key)
        self.error("KMSInvalidStateException", "%s is pending deletion." % (ARN + key), "GenerateDataKey", KeyId=key,
                   KeySpec="AES_256")


class Tls(Served):
    """Over TLS, after a start with another configuration: what was made before is still there."""

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.state, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def make_certificates(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test CA")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key",
                     "-out", "server.csr", "-subj", "/CN=127.0.0.1")
        with open(self.state + "/server.ext", "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "2", "-extfile", "server.ext", "-out", "server.crt")
        os.chmod(self.state + "/server.key", 0o600)

    def test_tls(self):
        key = self.key(Description="made over plain HTTP")
        blob = self.kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
        self.server.stop()
        self.make_certificates()
        path = self.state + "/config.yaml"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(listeners:\n  - address: 127.0.0.1\n    port: 0\n)",
                              r"\1    tls: {certificate: server.crt, private_key: server.key}\n", text))
        with daemon.Daemon(self.state) as server:
            url = "https://127.0.0.1:" + server.url.rsplit(":", 1)[1]
            kms = clients.client(url, verify=self.state + "/ca.crt")
            self.assertEqual(kms.describe_key(KeyId=key)["KeyMetadata"]["Description"], "made over plain HTTP")
            self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"kept")
            made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
            self.assertEqual(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"], made["Plaintext"])
            with self.assertRaises(kms.exceptions.NotFoundException):
                kms.describe_key(KeyId=ABSENT)
            with self.assertRaises(SSLError):
                clients.client(url).list_keys()
            port = int(url.rsplit(":", 1)[1])
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = ssl.create_default_context(cafile=self.state + "/ca.crt")
                context.minimum_version = context.maximum_version = version
                with context.wrap_socket(ssl.socket(), server_hostname="127.0.0.1") as connection:
                    connection.connect(("127.0.0.1", port))
                    self.assertEqual(connection.version(), version.name.replace("_", "."))


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
