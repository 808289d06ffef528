#!/usr/bin/python3
"""boto3 and OpenSSL with asymmetric and HMAC keys, data key pairs and dry runs."""

import base64
import os
import subprocess
import unittest

import boto3_test
import clients
from boto3_test import ARN

MESSAGE = b"attack at dawn"
SIGNING = {"RSA_2048": ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
                        "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"],
           "ECC_NIST_P256": ["ECDSA_SHA_256"], "ECC_NIST_P384": ["ECDSA_SHA_384"], "ECC_NIST_P521": ["ECDSA_SHA_512"],
           "ECC_SECG_P256K1": ["ECDSA_SHA_256"]}
DRY_RUN = {"__type": "DryRunOperationException",
           "message": "The request would have succeeded, but the DryRun option is set."}


class Asymmetric(boto3_test.Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # RSA keys take their time: a machine that is busy gets KMSInternalException at the daemon's deadline.
        cls.kms = clients.client(cls.url, retries={"total_max_attempts": 6}, read_timeout=300)

    def file(self, name, content=None):
        path = os.path.join(self.work.name, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

    def new(self, spec, usage):
        return self.key(KeySpec=spec, KeyUsage=usage)

    def public_key(self, key):
        return self.file("public.der", self.kms.get_public_key(KeyId=key)["PublicKey"])

    def test_signatures_of_every_algorithm_are_good_for_openssl(self):
        for spec, algorithms in SIGNING.items():
            key = self.new(spec, "SIGN_VERIFY")
            self.assertEqual(self.kms.get_public_key(KeyId=key)["SigningAlgorithms"], algorithms)
            for algorithm in algorithms:
                answer = self.kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=algorithm)
                self.assertEqual((answer["KeyId"], answer["SigningAlgorithm"]), (ARN + key, algorithm))
                digest = algorithm[-3:]
                padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if "PSS" in algorithm else []
                self.assertIn(b"Verified OK", self.openssl(
                    "dgst", "-sha" + digest, "-keyform", "DER", "-verify", self.public_key(key), *padding, "-signature",
                    self.file("signature", answer["Signature"]), self.file("message", MESSAGE)))
                members = {"KeyId": key, "SigningAlgorithm": algorithm, "Signature": answer["Signature"]}
                self.assertTrue(self.kms.verify(Message=MESSAGE, **members)["SignatureValid"])
                hashed = self.openssl("dgst", "-sha" + digest, "-binary", self.file("message", MESSAGE))
                self.assertTrue(self.kms.verify(Message=hashed, MessageType="DIGEST", **members)["SignatureValid"])
                self.assertIsInstance(
                    self.refused("KMSInvalidSignatureException", "", self.kms.verify, Message=b"attack at dusk", **members),
                    self.kms.exceptions.KMSInvalidSignatureException)

    def test_macs(self):
        for bits in (224, 256, 384, 512):
            key = self.new("HMAC_%d" % bits, "GENERATE_VERIFY_MAC")
            members = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_%d" % bits}
            answer = self.kms.generate_mac(Message=MESSAGE, **members)
            self.assertEqual((answer["KeyId"], len(answer["Mac"])), (ARN + key, bits // 8))
            self.assertTrue(self.kms.verify_mac(Message=MESSAGE, Mac=answer["Mac"], **members)["MacValid"])
            self.assertIsInstance(
                self.refused("KMSInvalidMacException", "", self.kms.verify_mac, Message=b"x", Mac=answer["Mac"], **members),
                self.kms.exceptions.KMSInvalidMacException)
            self.refused("UnsupportedOperationException", "", self.kms.get_public_key, KeyId=key)

    def test_rsa_ciphertexts_of_openssl(self):
        key = self.new("RSA_2048", "ENCRYPT_DECRYPT")
        for bits, algorithm in (("1", "RSAES_OAEP_SHA_1"), ("256", "RSAES_OAEP_SHA_256")):
            blob = self.openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", self.public_key(key),
                                "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha" + bits, "-pkeyopt",
                                "rsa_mgf1_md:sha" + bits, "-in", self.file("message", MESSAGE))
            answer = self.kms.decrypt(KeyId=key, EncryptionAlgorithm=algorithm, CiphertextBlob=blob)
            self.assertEqual(answer["Plaintext"], MESSAGE)
            self.assertNotIn("KeyMaterialId", answer)
            blob = self.kms.encrypt(KeyId=key, EncryptionAlgorithm=algorithm, Plaintext=MESSAGE)["CiphertextBlob"]
            symmetric = self.key()
            moved = self.kms.re_encrypt(SourceKeyId=key, SourceEncryptionAlgorithm=algorithm, CiphertextBlob=blob,
                                        DestinationKeyId=symmetric)["CiphertextBlob"]
            self.assertEqual(self.kms.decrypt(CiphertextBlob=moved)["Plaintext"], MESSAGE)
            self.refused("InvalidCiphertextException", "", self.kms.decrypt, KeyId=key, CiphertextBlob=blob)

    def test_key_agreement_with_openssl(self):
        key = self.new("ECC_NIST_P384", "KEY_AGREEMENT")
        private, public = self.file("peer.pem"), self.file("peer.der")
        self.openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", private)
        self.openssl("pkey", "-in", private, "-pubout", "-outform", "DER", "-out", public)
        with open(public, "rb") as file:
            peer = base64.b64encode(file.read()).decode()
        status, answer = clients.call(self.url, "DeriveSharedSecret", KeyId=key, KeyAgreementAlgorithm="ECDH",
                                      PublicKey=peer)
        self.assertEqual((status, answer["KeyId"], answer["KeyOrigin"]), (200, ARN + key, "AWS_KMS"))
        ours = self.openssl("pkeyutl", "-derive", "-inkey", private, "-peerform", "DER", "-peerkey", self.public_key(key))
        self.assertEqual(base64.b64decode(answer["SharedSecret"]), ours)
        self.assertEqual(
            clients.call(self.url, "DeriveSharedSecret", KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey="eA=="),
            (400, {"__type": "ValidationException"}))

    def test_data_key_pairs(self):
        key = self.key()
        for spec in ("RSA_2048", "ECC_NIST_P256", "ECC_SECG_P256K1"):
            pair = self.kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, EncryptionContext={"a": "1"})
            private = self.file("private.der", pair["PrivateKeyPlaintext"])
            self.assertEqual(self.openssl("pkey", "-inform", "DER", "-in", private, "-pubout", "-outform", "DER"),
                             pair["PublicKey"])
            self.assertEqual(self.kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"],
                                              EncryptionContext={"a": "1"})["Plaintext"], pair["PrivateKeyPlaintext"])
            without = self.kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec=spec)
            self.assertNotIn("PrivateKeyPlaintext", without)
            self.assertEqual((without["KeyId"], without["KeyPairSpec"]), (ARN + key, spec))

    def test_dry_runs(self):
        signs, macs = self.new("ECC_NIST_P256", "SIGN_VERIFY"), self.new("HMAC_256", "GENERATE_VERIFY_MAC")
        symmetric = self.key()
        for operation, members in (
                ("Sign", {"KeyId": signs, "Message": "eA==", "SigningAlgorithm": "ECDSA_SHA_256"}),
                ("Verify", {"KeyId": signs, "Message": "eA==", "SigningAlgorithm": "ECDSA_SHA_256", "Signature": "eA=="}),
                ("GenerateMac", {"KeyId": macs, "Message": "eA==", "MacAlgorithm": "HMAC_SHA_256"}),
                ("GenerateDataKeyPair", {"KeyId": symmetric, "KeyPairSpec": "RSA_2048"}),
                ("Decrypt", {"KeyId": symmetric, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]})):
            self.assertEqual(clients.call(self.url, operation, DryRun=True, **members), (400, DRY_RUN))

    def test_what_the_token_cannot_hold(self):
        for spec in ("SM2", "ML_DSA_44"):
            self.refused("UnsupportedOperationException", "KeySpec %s is not supported in this Region" % spec,
                         self.kms.create_key, KeySpec=spec, KeyUsage="SIGN_VERIFY")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
