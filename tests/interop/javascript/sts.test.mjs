// A profile that assumes a role, by the AWS SDK for JavaScript v3 alone: AWS_CONFIG_FILE has it, AWS_ENDPOINT_URL_STS and
// AWS_ENDPOINT_URL_KMS are the daemon.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateGrantCommand, CreateKeyCommand, GenerateDataKeyCommand, KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";

const region = "us-east-1";
const admin = new KMSClient({
  region, credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
});
const app = new KMSClient({ region, profile: "app", maxAttempts: 1 });

test("the profile's credentials are those of a role session", async () => {
  const credentials = await app.config.credentials();
  assert.match(credentials.accessKeyId, /^ASIA[A-Z2-7]{16}$/);
  assert.ok(credentials.expiration > new Date());
});

test("the session is refused and allowed by its own name", async () => {
  await assert.rejects(app.send(new ListKeysCommand({})), (error) => error.name === "AccessDeniedException" &&
    error.message.startsWith("User: arn:aws:sts::123456789012:assumed-role/app/javascript is not authorized to perform: kms:ListKeys"));
  const KeyId = (await admin.send(new CreateKeyCommand({}))).KeyMetadata.KeyId;
  await admin.send(new CreateGrantCommand({
    KeyId, GranteePrincipal: "arn:aws:iam::123456789012:role/app", Operations: ["GenerateDataKey"],
  }));
  const made = await app.send(new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256" }));
  assert.equal(made.Plaintext.length, 32);
});
