// Every operation of the API by the AWS SDK for JavaScript v3, unmodified: what it sends is understood, what it gets it
// understands. KMS_URL is the daemon's, KMS_TRUST_ANCHOR the file of its first cluster's trust anchor.

import assert from "node:assert/strict";
import { constants, createHmac, createPublicKey, diffieHellman, generateKeyPairSync, publicEncrypt, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import * as sdk from "@aws-sdk/client-kms";

const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const alice = "arn:aws:iam::123456789012:user/alice";
const called = new Set();
const clients = {};

function call(operation, input = {}, region = "us-east-1") {
  clients[region] ??= new sdk.KMSClient({ endpoint: process.env.KMS_URL, region, credentials, maxAttempts: 1 });
  called.add(operation);
  return clients[region].send(new sdk[operation + "Command"](input));
}

async function create(input = {}) {
  return (await call("CreateKey", input)).KeyMetadata.KeyId;
}

async function refused(name, promise) {
  await assert.rejects(promise, (error) => error.name === name && error instanceof sdk.KMSServiceException);
}

const text = (words) => new TextEncoder().encode(words);
const publicKey = (der) => createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });

test("keys", async () => {
  const made = await call("CreateKey", { Description: "first", Tags: [{ TagKey: "a", TagValue: "1" }] });
  const KeyId = made.KeyMetadata.KeyId;
  assert.ok(made.KeyMetadata.CreationDate instanceof Date);
  await call("UpdateKeyDescription", { KeyId, Description: "second" });
  assert.equal((await call("DescribeKey", { KeyId })).KeyMetadata.Description, "second");
  let found = false;
  for await (const page of sdk.paginateListKeys({ client: clients["us-east-1"], pageSize: 2 }, {})) {
    found ||= page.Keys.some((key) => key.KeyId === KeyId);
  }
  called.add("ListKeys");
  assert.ok(found);
  await call("DisableKey", { KeyId });
  await refused("DisabledException", call("GenerateDataKey", { KeyId, KeySpec: "AES_256" }));
  await call("EnableKey", { KeyId });
  await call("TagResource", { KeyId, Tags: [{ TagKey: "b", TagValue: "2" }] });
  await call("UntagResource", { KeyId, TagKeys: ["a"] });
  assert.deepEqual((await call("ListResourceTags", { KeyId })).Tags, [{ TagKey: "b", TagValue: "2" }]);
  await call("CreateAlias", { AliasName: "alias/javascript", TargetKeyId: KeyId });
  await call("UpdateAlias", { AliasName: "alias/javascript", TargetKeyId: await create() });
  assert.equal((await call("ListAliases", { KeyId })).Aliases.length, 0);
  await call("DeleteAlias", { AliasName: "alias/javascript" });
  const due = await call("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 7 });
  assert.equal(due.KeyState, "PendingDeletion");
  await call("CancelKeyDeletion", { KeyId });
});

test("symmetric encryption", async () => {
  const KeyId = await create();
  const EncryptionContext = { purpose: "test" };
  const { CiphertextBlob } = await call("Encrypt", { KeyId, Plaintext: text("secret"), EncryptionContext });
  const again = await call("ReEncrypt", { CiphertextBlob, SourceEncryptionContext: EncryptionContext, DestinationKeyId: await create() });
  assert.deepEqual((await call("Decrypt", { CiphertextBlob: again.CiphertextBlob })).Plaintext, text("secret"));
  await refused("InvalidCiphertextException", call("Decrypt", { CiphertextBlob }));
  const dataKey = await call("GenerateDataKey", { KeyId, KeySpec: "AES_256" });
  assert.deepEqual((await call("Decrypt", { CiphertextBlob: dataKey.CiphertextBlob })).Plaintext, dataKey.Plaintext);
  assert.equal((await call("GenerateDataKeyWithoutPlaintext", { KeyId, NumberOfBytes: 64 })).Plaintext, undefined);
  assert.equal((await call("GenerateRandom", { NumberOfBytes: 24 })).Plaintext.length, 24);
  const pair = await call("GenerateDataKeyPair", { KeyId, KeyPairSpec: "ECC_NIST_P256" });
  assert.deepEqual((await call("Decrypt", { CiphertextBlob: pair.PrivateKeyCiphertextBlob })).Plaintext, pair.PrivateKeyPlaintext);
  await call("GenerateDataKeyPairWithoutPlaintext", { KeyId, KeyPairSpec: "RSA_2048" });
  await refused("DryRunOperationException", call("Encrypt", { KeyId, Plaintext: text("x"), DryRun: true }));
  const used = await call("GetKeyLastUsage", { KeyId });
  assert.ok(used.KeyLastUsage.Timestamp instanceof Date);
});

test("signatures, MACs and agreement", async () => {
  const signing = await create({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
  const message = { KeyId: signing, Message: text("message"), SigningAlgorithm: "ECDSA_SHA_256" };
  const { Signature } = await call("Sign", message);
  const { PublicKey } = await call("GetPublicKey", { KeyId: signing });
  assert.ok(verify("sha256", text("message"), publicKey(PublicKey), Signature));
  assert.equal((await call("Verify", { ...message, Signature })).SignatureValid, true);
  await refused("KMSInvalidSignatureException", call("Verify", { ...message, Message: text("other"), Signature }));
  const mac = await create({ KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
  const { Mac } = await call("GenerateMac", { KeyId: mac, Message: text("message"), MacAlgorithm: "HMAC_SHA_256" });
  assert.equal((await call("VerifyMac", { KeyId: mac, Message: text("message"), MacAlgorithm: "HMAC_SHA_256", Mac })).MacValid, true);
  const agreement = await create({ KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" });
  const peer = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { SharedSecret } = await call("DeriveSharedSecret", {
    KeyId: agreement, KeyAgreementAlgorithm: "ECDH", PublicKey: peer.publicKey.export({ format: "der", type: "spki" }) });
  const ours = publicKey((await call("GetPublicKey", { KeyId: agreement })).PublicKey);
  assert.deepEqual(Buffer.from(SharedSecret), diffieHellman({ privateKey: peer.privateKey, publicKey: ours }));
});

test("grants", async () => {
  const KeyId = await create();
  const Operations = ["Decrypt"];
  const grant = await call("CreateGrant", { KeyId, GranteePrincipal: alice, RetiringPrincipal: alice, Operations });
  assert.equal((await call("ListGrants", { KeyId })).Grants[0].GrantId, grant.GrantId);
  assert.ok((await call("ListRetirableGrants", { RetiringPrincipal: alice })).Grants.length > 0);
  await call("RetireGrant", { KeyId: (await call("DescribeKey", { KeyId })).KeyMetadata.Arn, GrantId: grant.GrantId });
  const other = await call("CreateGrant", { KeyId, GranteePrincipal: alice, Operations });
  await call("RevokeGrant", { KeyId, GrantId: other.GrantId });
  assert.equal((await call("ListGrants", { KeyId })).Grants.length, 0);
});

test("rotation", async () => {
  const KeyId = await create();
  await call("EnableKeyRotation", { KeyId, RotationPeriodInDays: 90 });
  const status = await call("GetKeyRotationStatus", { KeyId });
  assert.ok(status.NextRotationDate instanceof Date);
  await call("RotateKeyOnDemand", { KeyId });
  assert.equal((await call("ListKeyRotations", { KeyId })).Rotations.length, 1);
  await call("DisableKeyRotation", { KeyId });
});

test("imported key material", async () => {
  const KeyId = await create({ Origin: "EXTERNAL", KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
  const parameters = await call("GetParametersForImport", { KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" });
  const material = Buffer.alloc(32, 7);
  const EncryptedKeyMaterial = publicEncrypt(
    { key: publicKey(parameters.PublicKey), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, material);
  await call("ImportKeyMaterial", { KeyId, ImportToken: parameters.ImportToken, EncryptedKeyMaterial,
    ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo: new Date(Date.now() + 86400000) });
  const { Mac } = await call("GenerateMac", { KeyId, Message: text("message"), MacAlgorithm: "HMAC_SHA_256" });
  assert.deepEqual(Buffer.from(Mac), createHmac("sha256", material).update("message").digest());
  await call("DeleteImportedKeyMaterial", { KeyId });
  await refused("KMSInvalidStateException", call("GenerateMac", { KeyId, Message: text("m"), MacAlgorithm: "HMAC_SHA_256" }));
});

test("multi-Region keys", async () => {
  const KeyId = await create({ MultiRegion: true });
  const { CiphertextBlob } = await call("Encrypt", { KeyId, Plaintext: text("far") });
  const { ReplicaKeyMetadata } = await call("ReplicateKey", { KeyId, ReplicaRegion: "eu-west-1" });
  assert.equal(ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType, "REPLICA");
  assert.deepEqual((await call("Decrypt", { KeyId, CiphertextBlob }, "eu-west-1")).Plaintext, text("far"));
  await call("UpdatePrimaryRegion", { KeyId, PrimaryRegion: "eu-west-1" });
  const { KeyMetadata } = await call("DescribeKey", { KeyId });
  assert.equal(KeyMetadata.MultiRegionConfiguration.PrimaryKey.Region, "eu-west-1");
});

test("custom key stores", async () => {
  const settled = async (CustomKeyStoreId) => {
    for (;;) {
      const { CustomKeyStores } = await call("DescribeCustomKeyStores", { CustomKeyStoreId });
      if (!CustomKeyStores[0].ConnectionState.endsWith("ING")) return CustomKeyStores[0].ConnectionState;
    }
  };
  const { CustomKeyStoreId } = await call("CreateCustomKeyStore", {
    CustomKeyStoreName: "javascript", CloudHsmClusterId: "cluster-abcdefg2345", KeyStorePassword: "kmsPswd-1",
    TrustAnchorCertificate: readFileSync(process.env.KMS_TRUST_ANCHOR, "utf8") });
  await call("ConnectCustomKeyStore", { CustomKeyStoreId });
  assert.equal(await settled(CustomKeyStoreId), "CONNECTED");
  await call("DisconnectCustomKeyStore", { CustomKeyStoreId });
  assert.equal(await settled(CustomKeyStoreId), "DISCONNECTED");
  await call("UpdateCustomKeyStore", { CustomKeyStoreId, NewCustomKeyStoreName: "renamed" });
  await call("DeleteCustomKeyStore", { CustomKeyStoreId });
  await refused("CustomKeyStoreNotFoundException", call("DescribeCustomKeyStores", { CustomKeyStoreId }));
});

test("key policies", async () => {
  const KeyId = await create();
  const { Policy, PolicyName } = await call("GetKeyPolicy", { KeyId });
  assert.equal(PolicyName, "default");
  await call("PutKeyPolicy", { KeyId, Policy: Policy.replace("Enable IAM User Permissions", "renamed") });
  assert.equal(JSON.parse((await call("GetKeyPolicy", { KeyId })).Policy).Statement[0].Sid, "renamed");
  await refused("MalformedPolicyDocumentException", call("PutKeyPolicy", { KeyId, Policy: "{}" }));
  assert.deepEqual((await call("ListKeyPolicies", { KeyId })).PolicyNames, ["default"]);
});

// Added to the API after the model that this project has.
const newer = ["Decapsulate", "Encapsulate"];

after(() => {
  const all = Object.keys(sdk).filter((name) => /^[A-Z]\w*Command$/.test(name)).map((name) => name.slice(0, -"Command".length));
  assert.deepEqual(all.filter((name) => !called.has(name)).sort(), newer, "operations that no test calls");
});
