#!/usr/bin/python3
"""boto3 and the openssl command with imported key material."""

import datetime
import os
import subprocess
import unittest

import boto3_test
from boto3_test import ARN


class Import(boto3_test.Served):
    def wrapped(self, public_key, material, digest):
        """RSAES-OAEP by the openssl command."""
        path = os.path.join(self.work.name, "wrapping.der")
        with open(path, "wb") as file:
            file.write(public_key)
        return subprocess.run(
            ["openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", path,
             "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:" + digest, "-pkeyopt", "rsa_mgf1_md:" + digest],
            input=material, check=True, capture_output=True).stdout

    def parameters(self, key, algorithm):
        answer = self.kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
        self.assertEqual(answer["KeyId"], ARN + key)
        left = answer["ParametersValidTo"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(left.total_seconds(), 86400, delta=600)
        return answer

    def test_material_is_imported_deleted_and_imported_again(self):
        material = os.urandom(32)
        key = self.key(Origin="EXTERNAL")
        self.refused("KMSInvalidStateException", ARN + key + " is pending import.",
                     self.kms.encrypt, KeyId=key, Plaintext=b"p")
        blob = None
        for algorithm, digest in (("RSAES_OAEP_SHA_1", "sha1"), ("RSAES_OAEP_SHA_256", "sha256")):
            parameters = self.parameters(key, algorithm)
            members = {"KeyId": key, "ImportToken": parameters["ImportToken"],
                       "EncryptedKeyMaterial": self.wrapped(parameters["PublicKey"], material, digest)}
            until = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)
            self.kms.import_key_material(ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=until, **members)
            self.assertEqual(self.kms.describe_key(KeyId=key)["KeyMetadata"]["ValidTo"], until)
            self.kms.import_key_material(ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE", **members)
            metadata = self.kms.describe_key(KeyId=key)["KeyMetadata"]
            self.assertEqual((metadata["KeyState"], metadata["ExpirationModel"]),
                             ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE"))
            self.assertNotIn("ValidTo", metadata)
            blob = blob or self.kms.encrypt(KeyId=key, Plaintext=b"p")["CiphertextBlob"]
            self.assertEqual(self.kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"p")
            self.refused("IncorrectKeyMaterialException", "", self.kms.import_key_material,
                         **{**members, "EncryptedKeyMaterial": self.wrapped(parameters["PublicKey"], os.urandom(32), digest)},
                         ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
            self.kms.delete_imported_key_material(KeyId=key)
            self.assertEqual(self.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "PendingImport")
            self.refused("KMSInvalidStateException", ARN + key + " is pending import.",
                         self.kms.decrypt, CiphertextBlob=blob)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
