#!/usr/bin/python3
"""What AWS KMS answered when LocalStack recorded it, call by call: status, code, message and fields of each answer that
was recorded must be the daemon's. A test is named as the recording; calls whose answers were not recorded only prepare."""

import base64
import os
import re
import subprocess
import tempfile
import unittest

import clients
import daemon

ACCOUNT = "123456789012"
REGION, SECONDARY = "us-east-1", "ap-southeast-1"
PRINCIPAL = "arn:aws:iam::%s:user/alice" % ACCOUNT
ABSENT = "1234abcd-12ab-34cd-56ef-1234567890ab"
ALWAYS = {"AWSAccountId", "Arn", "CreationDate", "KeyId", "KeyManager"}  # in every KeyMetadata
WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
DRY_RUN = "The request would have succeeded, but the DryRun option is set."


class Any:
    """Present; its value was not recorded."""

    def __eq__(self, other):
        return other is not None

    def __repr__(self):
        return "<present>"


PRESENT = Any()


def b64(data):
    return base64.b64encode(data).decode()


def arn(key, region=REGION):
    return "arn:aws:kms:%s:%s:key/%s" % (region, ACCOUNT, key)


def symmetric(**changed):
    """KeyMetadata as recorded of a symmetric key, without what is always there."""
    return metadata("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", EncryptionAlgorithms=["SYMMETRIC_DEFAULT"], **changed)


def metadata(spec, usage, **changed):
    known = {"CustomerMasterKeySpec": spec, "KeySpec": spec, "KeyUsage": usage, "Description": "", "Enabled": True,
             "KeyState": "Enabled", "MultiRegion": False, "Origin": "AWS_KMS", **changed}
    return {name: value for name, value in known.items() if value is not None}


def pending_import(make, *arguments, **changed):
    return make(*arguments, Enabled=False, KeyState="PendingImport", Origin="EXTERNAL", **changed)


def imported(make, *arguments, **changed):
    return make(*arguments, Origin="EXTERNAL", ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE", **changed)


class RecordedAnswers(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory(prefix="kms-recorded-")
        cls.addClassCleanup(cls.work.cleanup)
        cls.server = daemon.Daemon(cls.work.name + "/run")
        cls.addClassCleanup(cls.server.stop)

    def call(self, operation, region=REGION, **members):
        status, answer = clients.call(self.server.url, operation, region=region, **members)
        return status, answer if answer is not None else {}

    def ok(self, operation, region=REGION, **members):
        status, answer = self.call(operation, region, **members)
        self.assertEqual(status, 200, (operation, answer))
        return answer

    def answers(self, expected, operation, region=REGION, **members):
        """Exactly these members, no more and no less."""
        answer = self.ok(operation, region, **members)
        self.assertEqual({**answer, **{k: PRESENT for k, v in expected.items() if v is PRESENT and k in answer}}, expected)
        return answer

    def refuses(self, code, message, operation, region=REGION, **members):
        """`message` None: the error has no message member."""
        status, answer = self.call(operation, region, **members)
        self.assertEqual((status, answer["__type"]), (400, code), answer)
        spelt = {name for name in answer if name.lower() == "message"}
        if message is None:
            self.assertEqual(answer, {"__type": code})
        elif "enum value set: [" in message:
            # AWS lists the values in any order, and has added some since.
            said, listed = answer["message"].split("enum value set: ")
            wanted, values = message.split("enum value set: ")
            self.assertEqual(said, wanted)
            self.assertLessEqual(set(re.findall(r"\w+", values)), set(re.findall(r"\w+", listed)))
        else:
            self.assertEqual(answer[spelt.pop()], message)
        self.assertLessEqual(spelt, {"message"})

    def fails(self, code, operation, region=REGION, **members):
        """The message was not recorded."""
        status, answer = self.call(operation, region, **members)
        self.assertEqual((status, answer["__type"]), (400, code), answer)

    def create(self, expected=None, **members):
        made = self.ok("CreateKey", **members)["KeyMetadata"]
        if expected is not None:
            self.is_metadata(made, expected)
        return made["KeyId"]

    def describes(self, key, expected, region=REGION, reference=None):
        found = self.ok("DescribeKey", region, KeyId=reference or key)["KeyMetadata"]
        self.is_metadata(found, expected)
        self.assertEqual((found["KeyId"], found["Arn"]), (key, arn(key, region)))
        return found

    def is_metadata(self, found, expected):
        self.assertLessEqual(ALWAYS, set(found))
        self.assertEqual((found["AWSAccountId"], found["KeyManager"]), (ACCOUNT, "CUSTOMER"))
        rest = {name: value for name, value in found.items() if name not in ALWAYS}
        material = rest.get("CurrentKeyMaterialId")
        if expected.get("CurrentKeyMaterialId") is PRESENT and material:
            self.assertRegex(material, "^[0-9a-f]{64}$")
            rest["CurrentKeyMaterialId"] = PRESENT
        self.assertEqual(rest, expected)

    def file(self, name, content):
        path = os.path.join(self.work.name, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    @staticmethod
    def openssl(*arguments, data=None):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True, input=data).stdout

    def oaep(self, public_key, digest, data):
        return self.openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey",
                            self.file("wrapping.der", public_key), "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt",
                            "rsa_oaep_md:" + digest, "-pkeyopt", "rsa_mgf1_md:" + digest, data=data)

    def parameters(self, key, algorithm, spec):
        got = self.answers({"KeyId": arn(key), "ImportToken": PRESENT, "PublicKey": PRESENT, "ParametersValidTo": PRESENT},
                           "GetParametersForImport", KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
        return {**got, "algorithm": algorithm}

    def material(self, parameters, plain):
        """ImportToken and EncryptedKeyMaterial."""
        public_key = base64.b64decode(parameters["PublicKey"])
        algorithm = parameters["algorithm"]
        digest = "sha256" if algorithm.endswith("256") else "sha1"
        if algorithm.startswith("RSA_AES"):
            kek = os.urandom(32)
            wrapped = self.oaep(public_key, digest, kek) + self.openssl(
                "enc", "-id-aes256-wrap-pad", "-K", kek.hex(), "-iv", "A65959A6", data=plain)
        else:
            wrapped = self.oaep(public_key, digest, plain)
        return {"ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": b64(wrapped)}

    def import_material(self, key, parameters, plain, **members):
        return self.ok("ImportKeyMaterial", KeyId=key, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
                       **self.material(parameters, plain), **members)

    def pkcs8(self, *options):
        return self.openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=self.openssl("genpkey", *options))

    # Keys

    def test_cant_delete_deleted_key(self):
        key = self.create()
        self.ok("ScheduleKeyDeletion", KeyId=key)
        self.fails("KMSInvalidStateException", "ScheduleKeyDeletion", KeyId=key)

    def test_cant_use_disabled_or_deleted_keys(self):
        key = self.create(KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT")
        use = {"KeyId": key, "KeySpec": "AES_256"}
        self.ok("GenerateDataKey", **use)
        self.ok("DisableKey", KeyId=key)
        self.refuses("DisabledException", arn(key) + " is disabled.", "GenerateDataKey", **use)
        self.ok("ScheduleKeyDeletion", KeyId=key)
        self.refuses("KMSInvalidStateException", arn(key) + " is pending deletion.", "GenerateDataKey", **use)

    def test_create_key(self):
        key = self.create(Description="test key 123", KeyUsage="ENCRYPT_DECRYPT")
        self.describes(key, symmetric(CurrentKeyMaterialId=PRESENT, Description="test key 123"))

    def test_create_key_with_invalid_tag_key(self):
        for prefix in ("aws:", "AWS:"):
            self.refuses("TagException", "Tags beginning with aws: are reserved", "CreateKey", Description="test key 123",
                         KeyUsage="ENCRYPT_DECRYPT", Tags=[{"TagKey": prefix + "key1", "TagValue": "value1"}])
        long = "k" * 129
        self.refuses("ValidationException", "1 validation error detected: Value '%s' at 'tags.1.member.tagKey' failed to "
                     "satisfy constraint: Member must have length less than or equal to 128" % long, "CreateKey",
                     Description="test key 123", KeyUsage="ENCRYPT_DECRYPT", Tags=[{"TagKey": long, "TagValue": "v"}])

    def tags(self, key):
        return self.ok("ListResourceTags", KeyId=key)["Tags"]

    def test_create_key_with_tag_and_untag(self):
        tags = [{"TagKey": "tag1", "TagValue": "value1"}, {"TagKey": "tag2", "TagValue": "value2"}]
        key = self.create(Description="test key 123", KeyUsage="ENCRYPT_DECRYPT", Tags=tags)
        self.assertEqual(self.tags(key), tags)
        self.ok("UntagResource", KeyId=key, TagKeys=["tag1", "tag2"])
        self.assertEqual(self.tags(key), [])

    def test_create_multi_region_key(self):
        made = self.ok("CreateKey", MultiRegion=True, Description="test multi region key")["KeyMetadata"]
        key = made["KeyId"]
        self.assertRegex(key, "^mrk-[0-9a-f]{32}$")
        self.is_metadata(made, symmetric(
            CurrentKeyMaterialId=PRESENT, Description="test multi region key", MultiRegion=True,
            MultiRegionConfiguration={"MultiRegionKeyType": "PRIMARY", "PrimaryKey": {"Arn": arn(key), "Region": REGION},
                                      "ReplicaKeys": []}))

    def test_describe_with_alias_arn(self):
        expected = symmetric(CurrentKeyMaterialId=PRESENT, Description="test - description")
        key = self.create(expected, Description="test - description")
        self.ok("CreateAlias", TargetKeyId=key, AliasName="alias/recorded-describe")
        self.describes(key, expected, reference="arn:aws:kms:%s:%s:alias/recorded-describe" % (REGION, ACCOUNT))

    def test_get_key_invalid_uuid(self):
        for key in ("fake-key-id", "134f2428cec14b25a1ae9048164dba47", "mrk-fake-key-id"):
            self.refuses("NotFoundException", "Invalid keyId '%s'" % key, "DescribeKey", KeyId=key)

    def test_hmac_create_key(self):
        expected = metadata("HMAC_256", "GENERATE_VERIFY_MAC", Description="test key", MacAlgorithms=["HMAC_SHA_256"])
        key = self.create(expected, Description="test key", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        self.describes(key, expected)

    def test_hmac_create_key_invalid_operations(self):
        self.refuses("ValidationException",
                     "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
                     "CreateKey", Description="test HMAC key without key usage", KeySpec="HMAC_256")
        failed = "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]"
        self.refuses("ValidationException", failed % (
            "HMAC_random", "keySpec", "RSA_2048, ECC_NIST_P384, ECC_NIST_P256, ECC_NIST_P521, HMAC_384, RSA_3072, "
            "ECC_SECG_P256K1, RSA_4096, SYMMETRIC_DEFAULT, HMAC_256, HMAC_224, HMAC_512"), "CreateKey",
                     Description="test invalid HMAC spec", KeySpec="HMAC_random")
        self.refuses("ValidationException", failed % ("RANDOM", "keyUsage", "ENCRYPT_DECRYPT, SIGN_VERIFY, GENERATE_VERIFY_MAC"),
                     "CreateKey", Description="test invalid HMAC spec", KeySpec="HMAC_256", KeyUsage="RANDOM")

    def test_key_with_long_tag_value_raises_error(self):
        long = "v" * 257
        self.refuses("ValidationException", "1 validation error detected: Value '%s' at 'tags.1.member.tagValue' failed to "
                     "satisfy constraint: Member must have length less than or equal to 256" % long, "CreateKey",
                     Description="test key 123", KeyUsage="ENCRYPT_DECRYPT", Tags=[{"TagKey": "tag1", "TagValue": long}])

    def test_list_aliases_of_key(self):
        first, second = self.create(), self.create()
        self.ok("CreateAlias", AliasName="alias/recorded-of-key", TargetKeyId=first)
        self.assertEqual([alias["AliasName"] for alias in self.ok("ListAliases", KeyId=first)["Aliases"]],
                         ["alias/recorded-of-key"])
        self.assertEqual(self.ok("ListAliases", KeyId=second)["Aliases"], [])

    def test_list_keys(self):
        key, listed, marker = self.create(), {}, {}
        while True:
            page = self.ok("ListKeys", **marker)
            for entry in page["Keys"]:
                self.assertEqual(set(entry), {"KeyId", "KeyArn"})
                listed[entry["KeyId"]] = entry["KeyArn"]
            if not page["Truncated"]:
                break
            marker = {"Marker": page["NextMarker"]}
        self.assertEqual(listed[key], arn(key))

    def test_schedule_and_cancel_key_deletion(self):
        key = self.create()
        self.ok("ScheduleKeyDeletion", KeyId=key)
        self.describes(key, symmetric(CurrentKeyMaterialId=PRESENT, Enabled=False, KeyState="PendingDeletion",
                                      DeletionDate=PRESENT))
        self.ok("CancelKeyDeletion", KeyId=key)
        self.describes(key, symmetric(CurrentKeyMaterialId=PRESENT, Enabled=False, KeyState="Disabled"))

    def test_tag_existing_key_and_untag(self):
        key = self.create(Description="test key 123", KeyUsage="ENCRYPT_DECRYPT")
        tags = [{"TagKey": "tag1", "TagValue": "value1"}, {"TagKey": "tag2", "TagValue": "value2"}]
        self.ok("TagResource", KeyId=key, Tags=tags)
        self.assertEqual(self.tags(key), tags)
        self.ok("UntagResource", KeyId=key, TagKeys=["tag1", "tag2"])
        self.assertEqual(self.tags(key), [])

    def test_tag_existing_key_with_invalid_tag_key(self):
        key = self.create(Description="test key 123", KeyUsage="ENCRYPT_DECRYPT")
        self.refuses("TagException", "Tags beginning with aws: are reserved", "TagResource", KeyId=key,
                     Tags=[{"TagKey": "aws:key1", "TagValue": "value1"}])

    def test_untag_key_partially(self):
        tags = [{"TagKey": "tag%d" % i, "TagValue": "value%d" % i} for i in (1, 2, 3)]
        key = self.create(Description="test key 123", KeyUsage="ENCRYPT_DECRYPT", Tags=tags)
        self.assertEqual(self.tags(key), tags)
        self.ok("UntagResource", KeyId=key, TagKeys=["tag2"])
        self.assertEqual(self.tags(key), [tags[0], tags[2]])

    def test_update_alias(self):
        first = self.create()
        self.ok("CreateAlias", AliasName="alias/recorded-update", TargetKeyId=first)
        second = self.create()
        self.ok("UpdateAlias", AliasName="alias/recorded-update", TargetKeyId=second)
        self.assertEqual([(alias["AliasName"], alias["TargetKeyId"]) for alias in self.ok("ListAliases", KeyId=second)["Aliases"]],
                         [("alias/recorded-update", second)])

    def test_update_key_description(self):
        key = self.create(Description="old_description")
        self.ok("UpdateKeyDescription", KeyId=key, Description="new_description")
        self.describes(key, symmetric(CurrentKeyMaterialId=PRESENT, Description="new_description"))

    # Cryptography

    def test_derive_shared_secret(self):
        first = self.create(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
        second = self.create(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
        theirs = self.ok("GetPublicKey", KeyId=second)["PublicKey"]
        ours = self.ok("GetPublicKey", KeyId=first)["PublicKey"]
        peer = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": theirs}
        one = self.answers({"KeyAgreementAlgorithm": "ECDH", "KeyId": arn(first), "KeyOrigin": "AWS_KMS",
                            "SharedSecret": PRESENT}, "DeriveSharedSecret", KeyId=first, **peer)
        other = self.ok("DeriveSharedSecret", KeyId=second, KeyAgreementAlgorithm="ECDH", PublicKey=ours)
        self.assertEqual(one["SharedSecret"], other["SharedSecret"])
        signing = self.create(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        usage = "%s key usage is %s which is not valid for DeriveSharedSecret."
        self.refuses("InvalidKeyUsageException", usage % (arn(signing), "SIGN_VERIFY"), "DeriveSharedSecret", KeyId=signing, **peer)
        self.refuses("ValidationException", "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048", "CreateKey",
                     KeySpec="RSA_2048", KeyUsage="KEY_AGREEMENT")
        self.refuses("ValidationException", "1 validation error detected: Value 'INVALID' at 'keyAgreementAlgorithm' failed "
                     "to satisfy constraint: Member must satisfy enum value set: [ECDH]", "DeriveSharedSecret", KeyId=first,
                     KeyAgreementAlgorithm="INVALID", PublicKey=theirs)
        encrypting = self.create()
        self.refuses("InvalidKeyUsageException", usage % (arn(encrypting), "ENCRYPT_DECRYPT"), "DeriveSharedSecret",
                     KeyId=encrypting, **peer)
        self.refuses("ValidationException", None, "DeriveSharedSecret", KeyId=first, KeyAgreementAlgorithm="ECDH",
                     PublicKey=b64(b"InvalidPublicKey"))

    def test_encrypt_decrypt_encryption_context(self):
        key = self.create()
        plaintext = b64(b"p" * 44)
        context = {"EncryptionContext": {"context-key": "context-value"}}
        blob = self.answers({"CiphertextBlob": PRESENT, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyId": arn(key)},
                            "Encrypt", KeyId=key, Plaintext=plaintext, EncryptionAlgorithm="SYMMETRIC_DEFAULT", **context)
        decrypt = {"KeyId": key, "CiphertextBlob": blob["CiphertextBlob"], "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        opened = self.answers({"EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyId": arn(key), "KeyMaterialId": PRESENT,
                               "Plaintext": PRESENT}, "Decrypt", **decrypt, **context)
        self.assertEqual(opened["Plaintext"], plaintext)
        self.refuses("InvalidCiphertextException", None, "Decrypt", **decrypt)
        decrypt["CiphertextBlob"] = b64(base64.b64decode(blob["CiphertextBlob"])[68:])
        self.refuses("InvalidCiphertextException", None, "Decrypt", **decrypt, **context)

    def test_encrypt_validate_plaintext_size_per_key_type(self):
        for spec, most in (("RSA_2048", (214, 190)), ("RSA_3072", (342, 318)), ("RSA_4096", (470, 446))):
            key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec=spec)
            for algorithm, size in zip(("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"), most):
                self.refuses("ValidationException",
                             "Algorithm %s and key spec %s cannot encrypt data larger than %d bytes." % (algorithm, spec, size),
                             "Encrypt", KeyId=key, Plaintext=b64(b"p" * 1176), EncryptionAlgorithm=algorithm)

    def test_error_messaging_for_invalid_keys(self):
        mac = self.create(Description="test key hmac", KeySpec="HMAC_224", KeyUsage="GENERATE_VERIFY_MAC")
        encrypting = self.create(Description="test key encrypt decrypt")
        signing = self.create(Description="test key sign verify", KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")
        usage = "%s key usage is %s which is not valid for %s."
        self.refuses("InvalidKeyUsageException", usage % (arn(encrypting), "ENCRYPT_DECRYPT", "GenerateMac"), "GenerateMac",
                     KeyId=encrypting, Message=b64(b"some important message"), MacAlgorithm="HMAC_SHA_224")
        self.refuses("InvalidKeyUsageException", usage % (arn(mac), "GENERATE_VERIFY_MAC", "Sign"), "Sign", KeyId=mac,
                     MessageType="RAW", Message=b64(b"test message 123!@#"), SigningAlgorithm="RSASSA_PSS_SHA_256")
        self.refuses("InvalidKeyUsageException", usage % (arn(encrypting), "ENCRYPT_DECRYPT", "Verify"), "Verify",
                     KeyId=encrypting, MessageType="RAW", Signature=b64(b"random text"), Message=b64(b"test message"),
                     SigningAlgorithm="ECDSA_SHA_256")
        plaintext = b64(b"test message 123!@#")
        self.refuses("InvalidKeyUsageException", usage % (arn(signing), "SIGN_VERIFY", "Encrypt"), "Encrypt", KeyId=signing,
                     Plaintext=plaintext)
        blob = self.ok("Encrypt", KeyId=encrypting, Plaintext=plaintext)["CiphertextBlob"]
        self.refuses("IncorrectKeyException", WRONG_KEY, "Decrypt", CiphertextBlob=blob, KeyId=mac)

    def test_generate_random_invalid_number_of_bytes(self):
        self.refuses("ValidationException", "NumberOfBytes is required.", "GenerateRandom", NumberOfBytes=None)
        for number, rule in ((0, "greater than or equal to 1"), (1025, "less than or equal to 1024")):
            self.refuses("ValidationException", "1 validation error detected: Value '%d' at 'numberOfBytes' failed to satisfy "
                         "constraint: Member must have value %s" % (number, rule), "GenerateRandom", NumberOfBytes=number)

    def test_get_public_key(self):
        key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec="RSA_2048")
        got = self.ok("GetPublicKey", KeyId=key)
        self.assertEqual((got["KeyId"], got["KeySpec"], got["KeyUsage"]), (arn(key), "RSA_2048", "ENCRYPT_DECRYPT"))
        self.assertTrue(got["PublicKey"])

    def test_invalid_key_usage(self):
        encrypting = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec="RSA_4096")
        self.fails("InvalidKeyUsageException", "Sign", KeyId=encrypting, MessageType="RAW", Message=b64(b"hello"),
                   SigningAlgorithm="RSASSA_PSS_SHA_256")
        signing = self.create(KeyUsage="SIGN_VERIFY", KeySpec="RSA_4096")
        self.fails("InvalidKeyUsageException", "Encrypt", KeyId=signing, Plaintext=b64(b"hello"),
                   EncryptionAlgorithm="RSAES_OAEP_SHA_256")

    def test_invalid_verify_mac(self):
        key = self.create(Description="test hmac key", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        message = {"KeyId": key, "Message": b64(b"some important message")}
        mac = self.answers({"KeyId": arn(key), "Mac": PRESENT, "MacAlgorithm": "HMAC_SHA_256"}, "GenerateMac",
                           MacAlgorithm="HMAC_SHA_256", **message)["Mac"]
        self.refuses("KMSInvalidMacException", None, "VerifyMac", KeyId=key, Mac=mac, MacAlgorithm="HMAC_SHA_256",
                     Message=b64(b"some different important message"))
        self.refuses("InvalidKeyUsageException", "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256.", "VerifyMac",
                     Mac=mac, MacAlgorithm="HMAC_SHA_512", **message)
        self.refuses("ValidationException", "1 validation error detected: Value 'INVALID' at 'macAlgorithm' failed to satisfy "
                     "constraint: Member must satisfy enum value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]",
                     "VerifyMac", Mac=mac, MacAlgorithm="INVALID", **message)

    def test_re_encrypt_incorrect_source_key(self):
        key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT")
        blob = self.ok("Encrypt", KeyId=key, Plaintext=b64(b"p" * 44), EncryptionAlgorithm="SYMMETRIC_DEFAULT")["CiphertextBlob"]
        mac = self.create(Description="test hmac key", KeySpec="HMAC_224", KeyUsage="GENERATE_VERIFY_MAC")
        self.refuses("IncorrectKeyException", WRONG_KEY, "ReEncrypt", SourceKeyId=mac, DestinationKeyId=mac, CiphertextBlob=blob,
                     SourceEncryptionAlgorithm="SYMMETRIC_DEFAULT", DestinationEncryptionAlgorithm="SYMMETRIC_DEFAULT")

    def test_symmetric_encrypt_offline_decrypt_online(self):
        for spec in ("RSA_2048", "RSA_3072", "RSA_4096"):
            key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec=spec)
            public_key = base64.b64decode(self.ok("GetPublicKey", KeyId=key)["PublicKey"])
            opened = self.ok("Decrypt", KeyId=key, EncryptionAlgorithm="RSAES_OAEP_SHA_256",
                             CiphertextBlob=b64(self.oaep(public_key, "sha256", b"offline")))
            self.assertEqual(opened["Plaintext"], b64(b"offline"))

    def test_encryption_context_generate_data_key_without_plaintext(self):
        key = self.create()
        blob = self.ok("GenerateDataKeyWithoutPlaintext", KeyId=key, KeySpec="AES_256",
                       EncryptionContext={"context-key": "context-value"})["CiphertextBlob"]
        self.refuses("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=blob, KeyId=key)

    def test_generate_data_key_pair_without_plaintext(self):
        key = self.create()
        # KeyMaterialId has been added to the answer since it was recorded.
        self.answers({"KeyId": arn(key), "KeyPairSpec": "RSA_2048", "PrivateKeyCiphertextBlob": PRESENT, "PublicKey": PRESENT,
                      "KeyMaterialId": PRESENT}, "GenerateDataKeyPairWithoutPlaintext", KeyId=key, KeyPairSpec="RSA_2048")

    def test_generate_data_key_pair_without_plaintext_dry_run(self):
        pair = {"KeyId": self.create(), "KeyPairSpec": "RSA_2048"}
        self.ok("GenerateDataKeyPairWithoutPlaintext", **pair)
        self.refuses("DryRunOperationException", DRY_RUN, "GenerateDataKeyPairWithoutPlaintext", DryRun=True, **pair)

    # Grants

    def test_create_grant_with_invalid_key(self):
        self.fails("NotFoundException", "CreateGrant", KeyId="invalid", GranteePrincipal=PRINCIPAL, Operations=["Decrypt", "Encrypt"])

    def test_retire_grant_with_grant_id_and_key_id(self):
        key = self.create()
        grant = self.ok("CreateGrant", KeyId=key, GranteePrincipal=PRINCIPAL, Operations=["Decrypt", "Encrypt"])["GrantId"]
        self.assertEqual([entry["GrantId"] for entry in self.ok("ListGrants", KeyId=key)["Grants"]], [grant])
        self.ok("RetireGrant", GrantId=grant, KeyId=key)
        self.assertEqual(self.ok("ListGrants", KeyId=key)["Grants"], [])

    # Rotation

    def test_key_rotation_status(self):
        key = self.create()
        for operation, enabled in ((None, False), ("EnableKeyRotation", True), ("DisableKeyRotation", False)):
            if operation:
                self.ok(operation, KeyId=key)
            self.assertIs(self.ok("GetKeyRotationStatus", KeyId=key)["KeyRotationEnabled"], enabled)

    def test_key_rotations_encryption_decryption(self):
        key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT")
        symmetric_default = {"KeyId": key, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        blob = self.ok("Encrypt", Plaintext=b64(b"p" * 44), **symmetric_default)["CiphertextBlob"]
        self.ok("Decrypt", CiphertextBlob=blob, **symmetric_default)
        self.ok("RotateKeyOnDemand", KeyId=key)
        self.assertEqual(self.ok("Decrypt", CiphertextBlob=blob, **symmetric_default)["Plaintext"], b64(b"p" * 44))
        self.refuses("InvalidCiphertextException", None, "Decrypt", CiphertextBlob=b64(base64.b64decode(blob) + b"12345678"),
                     **symmetric_default)

    def test_key_rotations_limits(self):
        key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT")
        for _ in range(25):  # 10 when it was recorded
            self.ok("RotateKeyOnDemand", KeyId=key)
            self.assertNotIn("OnDemandRotationStartDate", self.ok("GetKeyRotationStatus", KeyId=key))
        self.refuses("LimitExceededException", "The on-demand rotations limit has been reached for the given keyId. No more "
                     "on-demand rotations can be performed for this key: " + arn(key), "RotateKeyOnDemand", KeyId=key)

    def test_rotate_key_on_demand_on_external_key_with_no_key_material(self):
        expected = pending_import(symmetric, Description="test-key")
        key = self.create(expected, Origin="EXTERNAL", KeyUsage="ENCRYPT_DECRYPT", Description="test-key")
        self.refuses("KMSInvalidStateException", arn(key) + " is pending import.", "RotateKeyOnDemand", KeyId=key)

    def test_rotate_key_on_demand_raises_error_given_key_that_does_not_exist(self):
        self.refuses("NotFoundException", "Key '%s' does not exist" % arn(ABSENT), "RotateKeyOnDemand", KeyId=ABSENT)

    def test_rotate_key_on_demand_raises_error_given_non_symmetric_key(self):
        key = self.create(KeyUsage="ENCRYPT_DECRYPT", KeySpec="RSA_4096")
        self.refuses("UnsupportedOperationException", None, "RotateKeyOnDemand", KeyId=key)

    def test_rotate_key_on_demand_raises_for_no_pending_key_material(self):
        key = self.create(Origin="EXTERNAL", KeyUsage="ENCRYPT_DECRYPT", Description="test-key")
        self.import_material(key, self.parameters(key, "RSAES_OAEP_SHA_256", "RSA_2048"), b"m" * 32)
        self.refuses("KMSInvalidStateException", "No available key material pending rotation for the key: %s." % arn(key),
                     "RotateKeyOnDemand", KeyId=key)

    def test_rotate_key_on_demand_updates_current_key_material_for_external_keys(self):
        waiting = pending_import(symmetric, Description="test-key")
        key = self.create(waiting, Origin="EXTERNAL", KeyUsage="ENCRYPT_DECRYPT", Description="test-key")
        parameters = self.parameters(key, "RSAES_OAEP_SHA_256", "RSA_2048")
        self.describes(key, waiting)
        first = self.import_material(key, parameters, b"1" * 32)
        self.assertEqual(first, {"KeyId": arn(key), "KeyMaterialId": first.get("KeyMaterialId", "absent")})
        self.describes(key, imported(symmetric, Description="test-key", CurrentKeyMaterialId=first["KeyMaterialId"]))
        encrypt = {"KeyId": key, "Plaintext": b64(b"p" * 15), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        recorded = {"CiphertextBlob": PRESENT, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyId": arn(key)}
        old = self.answers(recorded, "Encrypt", **encrypt)["CiphertextBlob"]
        self.ok("Decrypt", CiphertextBlob=old, KeyId=key)
        parameters = self.parameters(key, "RSAES_OAEP_SHA_256", "RSA_2048")
        second = self.import_material(key, parameters, b"2" * 32, ImportType="NEW_KEY_MATERIAL")
        self.assertEqual(second, {"KeyId": arn(key), "KeyMaterialId": second.get("KeyMaterialId", "absent")})
        self.assertNotEqual(second["KeyMaterialId"], first["KeyMaterialId"])
        self.describes(key, imported(symmetric, Description="test-key", CurrentKeyMaterialId=first["KeyMaterialId"]))
        self.answers({"KeyId": arn(key)}, "RotateKeyOnDemand", KeyId=key)
        self.describes(key, imported(symmetric, Description="test-key", CurrentKeyMaterialId=second["KeyMaterialId"]))
        new = self.answers(recorded, "Encrypt", **encrypt)["CiphertextBlob"]
        for blob in (old, new):
            self.ok("Decrypt", CiphertextBlob=blob, KeyId=key, EncryptionAlgorithm="SYMMETRIC_DEFAULT")

    # Imported key material

    def test_import_key_ecc_keys(self):
        for spec, curve, algorithm in (("ECC_NIST_P256", "P-256", "ECDSA_SHA_256"), ("ECC_NIST_P384", "P-384", "ECDSA_SHA_384"),
                                       ("ECC_NIST_P521", "P-521", "ECDSA_SHA_512"),
                                       ("ECC_SECG_P256K1", "secp256k1", "ECDSA_SHA_256")):
            with self.subTest(spec):
                known = {"Description": "test ecc key import", "SigningAlgorithms": [algorithm]}
                key = self.create(Origin="EXTERNAL", KeySpec=spec, KeyUsage="SIGN_VERIFY", Description="test ecc key import")
                # SHA-1 and RSA_2048 in the recording, which have no room for what OpenSSL makes of P-521.
                wrapping = "RSA_4096" if spec == "ECC_NIST_P521" else "RSA_2048"
                parameters = self.parameters(key, "RSAES_OAEP_SHA_1", wrapping)
                self.describes(key, pending_import(metadata, spec, "SIGN_VERIFY", **known))
                self.import_material(key, parameters, self.pkcs8("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve))
                self.describes(key, imported(metadata, spec, "SIGN_VERIFY", **known))
                self.ok("GetPublicKey", KeyId=key)
                message = {"KeyId": key, "Message": b64(b"m" * 36), "MessageType": "RAW", "SigningAlgorithm": algorithm}
                signature = self.answers({"KeyId": arn(key), "Signature": PRESENT, "SigningAlgorithm": algorithm}, "Sign", **message)
                self.answers({"KeyId": arn(key), "SignatureValid": True, "SigningAlgorithm": algorithm}, "Verify",
                             Signature=signature["Signature"], **message)
                self.ok("DeleteImportedKeyMaterial", KeyId=key)
                self.describes(key, pending_import(metadata, spec, "SIGN_VERIFY", **known))

    def test_import_key_hmac_keys(self):
        for bits in (224, 256, 384, 512):
            spec, algorithm = "HMAC_%d" % bits, "HMAC_SHA_%d" % bits
            with self.subTest(spec):
                known = {"Description": "test import hmac key", "MacAlgorithms": [algorithm]}
                key = self.create(Origin="EXTERNAL", KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC", Description="test import hmac key")
                parameters = self.parameters(key, "RSAES_OAEP_SHA_256", "RSA_4096")
                self.describes(key, pending_import(metadata, spec, "GENERATE_VERIFY_MAC", **known))
                self.import_material(key, parameters, b"h" * (bits // 8))
                self.describes(key, imported(metadata, spec, "GENERATE_VERIFY_MAC", **known))
                message = {"KeyId": key, "Message": b64(b"m" * 16), "MacAlgorithm": algorithm}
                mac = self.answers({"KeyId": arn(key), "Mac": PRESENT, "MacAlgorithm": algorithm}, "GenerateMac", **message)
                self.answers({"KeyId": arn(key), "MacAlgorithm": algorithm, "MacValid": True}, "VerifyMac", Mac=mac["Mac"], **message)
                self.ok("DeleteImportedKeyMaterial", KeyId=key)
                self.describes(key, pending_import(metadata, spec, "GENERATE_VERIFY_MAC", **known))

    def test_import_key_rsa_aes_wrap_sha256(self):
        known = {"Description": "test-key", "EncryptionAlgorithms": ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]}
        key = self.create(Origin="EXTERNAL", KeySpec="RSA_4096", KeyUsage="ENCRYPT_DECRYPT", Description="test-key")
        parameters = self.parameters(key, "RSA_AES_KEY_WRAP_SHA_256", "RSA_4096")
        self.describes(key, pending_import(metadata, "RSA_4096", "ENCRYPT_DECRYPT", **known))
        self.import_material(key, parameters, self.pkcs8("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"))
        self.describes(key, imported(metadata, "RSA_4096", "ENCRYPT_DECRYPT", **known))
        self.ok("GetPublicKey", KeyId=key)
        self.ok("DeleteImportedKeyMaterial", KeyId=key)
        self.describes(key, pending_import(metadata, "RSA_4096", "ENCRYPT_DECRYPT", **known))

    def test_import_key_symmetric(self):
        waiting = pending_import(symmetric)
        key = self.create(waiting, Origin="EXTERNAL")
        encrypt = {"KeyId": key, "Plaintext": b64(b"p" * 19)}
        pending = ("KMSInvalidStateException", arn(key) + " is pending import.", "Encrypt")
        self.refuses(*pending, **encrypt)
        material = self.material(self.parameters(key, "RSAES_OAEP_SHA_256", "RSA_2048"), b"m" * 32)
        self.describes(key, waiting)
        self.refuses("ValidationException", "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
                     "ImportKeyMaterial", KeyId=key, **material)
        self.ok("ImportKeyMaterial", KeyId=key, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE", **material)
        current = self.describes(key, imported(symmetric, CurrentKeyMaterialId=PRESENT))["CurrentKeyMaterialId"]
        self.ok("Decrypt", CiphertextBlob=self.ok("Encrypt", **encrypt)["CiphertextBlob"], KeyId=key)
        self.ok("DeleteImportedKeyMaterial", KeyId=key)
        self.describes(key, pending_import(symmetric, CurrentKeyMaterialId=current))
        self.refuses(*pending, **encrypt)

    # Multi-Region keys

    def test_replicate_key(self):
        key = self.create(MultiRegion=True, Description="test replicated key")
        self.refuses("NotFoundException", "Key '%s' does not exist" % arn(key, SECONDARY), "DescribeKey", SECONDARY, KeyId=key)
        shared = {"MultiRegion": True}
        relation = {"PrimaryKey": {"Arn": arn(key), "Region": REGION},
                    "ReplicaKeys": [{"Arn": arn(key, SECONDARY), "Region": SECONDARY}]}
        replica = {"MultiRegionKeyType": "REPLICA", **relation}
        answer = self.ok("ReplicateKey", KeyId=key, ReplicaRegion=SECONDARY)
        self.is_metadata(answer["ReplicaKeyMetadata"], symmetric(
            Enabled=False, KeyState="Creating", MultiRegionConfiguration=replica, **shared))
        self.assertLessEqual(set(answer), {"ReplicaKeyMetadata", "ReplicaPolicy", "ReplicaTags"})
        self.assertEqual(answer.get("ReplicaTags", []), [])
        material = self.describes(key, symmetric(
            CurrentKeyMaterialId=PRESENT, Description="test replicated key",
            MultiRegionConfiguration={"MultiRegionKeyType": "PRIMARY", **relation}, **shared))["CurrentKeyMaterialId"]
        self.describes(key, symmetric(CurrentKeyMaterialId=material, MultiRegionConfiguration=replica, **shared), SECONDARY)


if __name__ == "__main__":
    unittest.main()
