-- A database as the release of schema 3 left it. Never to be changed: every later release has to open it.
PRAGMA application_id = 1263358819;
BEGIN;
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  applied INTEGER NOT NULL
) STRICT;

CREATE TABLE key_stores (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  cluster_id TEXT NOT NULL,
  trust_anchor TEXT NOT NULL,
  password_key_kind TEXT NOT NULL,
  password_kek BLOB NOT NULL,
  password_key BLOB NOT NULL,
  password_iv BLOB NOT NULL,
  password_ciphertext BLOB NOT NULL,
  connection_state TEXT NOT NULL,
  connection_error TEXT,
  created INTEGER NOT NULL,
  PRIMARY KEY (account, region, id)
) STRICT;
CREATE UNIQUE INDEX key_stores_by_name ON key_stores (account, region, name);
CREATE UNIQUE INDEX key_stores_by_cluster ON key_stores (account, region, cluster_id)
  WHERE cluster_id <> '';

CREATE TABLE keys (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  spec TEXT NOT NULL,
  usage TEXT NOT NULL,
  origin TEXT NOT NULL,
  description TEXT NOT NULL,
  created INTEGER NOT NULL,
  deletion_date INTEGER,
  custom_key_store_id TEXT,
  policy TEXT NOT NULL,
  current_material TEXT NOT NULL,
  primary_region TEXT,
  last_use_operation TEXT,
  last_use_event_id TEXT,
  last_use_time INTEGER,
  PRIMARY KEY (account, region, id),
  FOREIGN KEY (account, region, custom_key_store_id) REFERENCES key_stores (account, region, id)
) STRICT;
CREATE INDEX keys_by_store ON keys (account, region, custom_key_store_id)
  WHERE custom_key_store_id IS NOT NULL;
CREATE INDEX keys_by_deletion_date ON keys (deletion_date) WHERE deletion_date IS NOT NULL;

CREATE TABLE key_replica_regions (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  replica_region TEXT NOT NULL,
  PRIMARY KEY (account, region, key_id, position),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE materials (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  id TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (account, region, key_id, id),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- kind 'wrapped': object_id is the CKA_ID of the key-encryption key, wrapped the material under it;
-- kind 'object': object_id is the CKA_ID of the token object that is the material.
CREATE TABLE generations (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  material_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('wrapped', 'object')),
  key_kind TEXT NOT NULL,
  object_id BLOB NOT NULL CHECK (length(object_id) = 16),
  wrapped BLOB CHECK ((wrapped IS NOT NULL) = (kind = 'wrapped')),
  reserved INTEGER NOT NULL,
  PRIMARY KEY (account, region, key_id, material_id, number),
  FOREIGN KEY (account, region, key_id, material_id)
    REFERENCES materials (account, region, key_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX generations_by_object ON generations (object_id);

CREATE TABLE tags (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  tag_key TEXT NOT NULL,
  tag_value TEXT NOT NULL,
  PRIMARY KEY (account, region, key_id, tag_key),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE aliases (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  target_key_id TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  PRIMARY KEY (account, region, name),
  FOREIGN KEY (account, region, target_key_id) REFERENCES keys (account, region, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_target ON aliases (account, region, target_key_id);

CREATE TABLE pin_refusals (
  token_serial TEXT NOT NULL,
  pin_hash BLOB NOT NULL,
  failure INTEGER NOT NULL,
  PRIMARY KEY (token_serial, pin_hash)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a sequence number is never used twice, not even after the outbox was empty.
CREATE TABLE audit_outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  line TEXT NOT NULL
) STRICT;

INSERT INTO schema_version VALUES (1, 1700000000000);
INSERT INTO key_stores VALUES ('123456789012', 'us-east-1', 'cks-1234567890abcdef0', 4, 'store', 'AWS_CLOUDHSM', 'cluster-abcdefg2345', 'PEM', 'aes_256',
  X'090a0b0c0d0e0f101112131415161718', X'090807', X'0102', X'03', 'FAILED', 'USER_LOCKED_OUT', 5);
INSERT INTO keys VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 3, 'pending_deletion', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'AWS_KMS',
  'it''s €', 1700000000123, 1700600000456, NULL, '{}',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'us-east-1', 'Encrypt', 'e-1', 1700000001000);
INSERT INTO keys VALUES ('123456789012', 'us-east-1', 'aaaaaaaa-12ab-4cde-8bcd-1234567890ab', 1, 'creating', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'AWS_CLOUDHSM',
  '', 4, NULL, 'cks-1234567890abcdef0', '',
  'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', NULL, NULL, NULL, NULL);
INSERT INTO key_replica_regions VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 0, 'eu-west-1');
INSERT INTO key_replica_regions VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 1, 'ap-northeast-1');
INSERT INTO materials VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 0,
  'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1);
INSERT INTO materials VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 1,
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 2);
INSERT INTO materials VALUES ('123456789012', 'us-east-1', 'aaaaaaaa-12ab-4cde-8bcd-1234567890ab', 0,
  'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 4);
INSERT INTO generations VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab',
  'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1, 0, 'wrapped', 'aes_256', X'0102030405060708090a0b0c0d0e0f10', X'0001ff', 2000000);
INSERT INTO generations VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab',
  'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2, 1, 'wrapped', 'aes_256', X'02030405060708090a0b0c0d0e0f1011', X'07', 5);
INSERT INTO generations VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 0, 'wrapped', 'aes_256', X'0102030405060708090a0b0c0d0e0f10', X'08', 0);
INSERT INTO generations VALUES ('123456789012', 'us-east-1', 'aaaaaaaa-12ab-4cde-8bcd-1234567890ab',
  'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 1, 0, 'object', 'aes_256', X'6465666768696a6b6c6d6e6f70717273', NULL, 0);
INSERT INTO tags VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 0, 'zone', 'b');
INSERT INTO tags VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 1, 'app', '');
INSERT INTO aliases VALUES ('123456789012', 'us-east-1', 'alias/a', 2, '1234abcd-12ab-4cde-8bcd-1234567890ab', 10, 20);
INSERT INTO pin_refusals VALUES ('serial', X'00ff', 5);
INSERT INTO audit_outbox VALUES (41, '{"eventID":"e-1"}');
INSERT INTO audit_outbox VALUES (42, '{"eventID":"e-2"}');
DELETE FROM audit_outbox WHERE sequence = 42;

ALTER TABLE keys ADD COLUMN pending_window_days INTEGER;
ALTER TABLE keys ADD COLUMN pending_material TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN rotation_period_days INTEGER;
ALTER TABLE keys ADD COLUMN next_rotation INTEGER
  CHECK ((next_rotation IS NULL) = (rotation_period_days IS NULL));
ALTER TABLE keys ADD COLUMN on_demand_rotations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN last_use_request_id TEXT;

ALTER TABLE materials ADD COLUMN rotation_type TEXT;
ALTER TABLE materials ADD COLUMN rotated INTEGER
  CHECK ((rotated IS NULL) = (rotation_type IS NULL));
-- Imported material has a fingerprint; valid_to is NULL where it does not expire.
ALTER TABLE materials ADD COLUMN fingerprint BLOB;
ALTER TABLE materials ADD COLUMN description TEXT;
ALTER TABLE materials ADD COLUMN valid_to INTEGER;

-- SubjectPublicKeyInfo; empty for secret keys.
ALTER TABLE generations ADD COLUMN public_key BLOB NOT NULL DEFAULT X'';

CREATE TABLE grants (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  grantee_principal TEXT NOT NULL,
  retiring_principal TEXT NOT NULL,
  issuing_account TEXT NOT NULL,
  operations TEXT NOT NULL,
  constraints TEXT NOT NULL,
  created INTEGER NOT NULL,
  parent TEXT NOT NULL,
  token_key BLOB NOT NULL,
  PRIMARY KEY (account, region, key_id, id),
  FOREIGN KEY (account, region, key_id) REFERENCES keys (account, region, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX grants_by_name ON grants (account, region, key_id, name, grantee_principal,
  retiring_principal, issuing_account, operations, constraints, parent) WHERE name <> '';

INSERT INTO schema_version VALUES (2, 1700000000000);
INSERT INTO grants VALUES ('123456789012', 'us-east-1', '1234abcd-12ab-4cde-8bcd-1234567890ab', 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 3, 'name', 'grantee', 'retirer',
  '123456789012', 'Decrypt,Encrypt', '{"EncryptionContextSubset":{"a":"b"}}', 30, '', X'0707');

CREATE TABLE session_keys (
  region TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  key_kind TEXT NOT NULL,
  kek BLOB NOT NULL CHECK (length(kek) = 16),
  wrapped BLOB NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO schema_version VALUES (3, 1700000000000);
INSERT INTO session_keys VALUES ('us-east-1', 2, 'hmac_256', X'0102030405060708090a0b0c0d0e0f10', X'00ff07', 1700000000123);
COMMIT;
