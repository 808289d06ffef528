#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "connector/storage/open_store.h"
#include "connector/storage/schema.h"
#include "connector/storage/sqlite.h"
#include "tests/contracts/metadata_store_records.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

// What the SQLite store promises beyond the contract of every metadata store.
namespace kms::test {
namespace {

using storage::Fault;
using storage::Migration;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// SQLite's own view of a file.
class Raw {
 public:
  explicit Raw(const std::filesystem::path& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK)
      throw std::runtime_error("no database");
  }
  ~Raw() { sqlite3_close(database_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  Raw(Raw&&) = delete;
  Raw& operator=(Raw&&) = delete;
  void run(const std::string& sql) { storage::sqlite::execute(database_, sql); }
  std::string text(const std::string& sql) { return storage::sqlite::query_text(database_, sql); }
  sqlite3* get() { return database_; }

 private:
  sqlite3* database_ = nullptr;
};

class SqliteStore : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return dir_.path() / "kms.sqlite"; }
  [[nodiscard]] std::unique_ptr<storage::MetadataStore> open() const {
    return storage::open_sqlite(path());
  }
  [[nodiscard]] std::pair<Fault, std::string> refusal() const {
    try {
      (void)open();
      ADD_FAILURE() << "it was opened";
      return {};
    } catch (const storage::Error& e) {
      return {e.fault(), e.what()};
    }
  }
  /// Runs the named test of this program, which is none of its own, in a child process.
  [[nodiscard]] Result child(const std::string& name) const {
    return run({.arguments = {std::filesystem::read_symlink("/proc/self/exe").string(),
                              "--gtest_also_run_disabled_tests", "--gtest_filter=" + name},
                .environment = {{"KMS_STORE_TEST_FILE", path().string()}}});
  }
  static std::filesystem::path file_of_parent() {
    const char* const file = std::getenv("KMS_STORE_TEST_FILE");
    if (file == nullptr) throw std::runtime_error("to be started by another test");
    return file;
  }
  static mode_t mode_of(const std::filesystem::path& file) {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  TempDir dir_;
};

TEST_F(SqliteStore, KeepsOthersOutOfItsFiles) {
  const mode_t umask_before = ::umask(0);
  {
    const auto store = open();
    commit(*store, {put(plain_key(kHere, "a"))});
    for (const char* const suffix : {"", "-wal", "-shm", ".lock"}) {
      EXPECT_EQ(mode_of(path().string() + suffix), 0600U) << suffix;
    }
  }
  ::umask(umask_before);
  std::filesystem::permissions(path(), std::filesystem::perms(0644));
  const auto store = open();
  EXPECT_EQ(mode_of(path()), 0600U);
}

TEST_F(SqliteStore, WritesAheadAndSyncsFully) {
  const auto store = open();
  Raw raw(path());
  EXPECT_EQ(raw.text("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(raw.text("PRAGMA application_id"), std::to_string(0x4B4D5363));
  EXPECT_EQ(raw.text("SELECT max(version) FROM schema_version"), "4");
}

TEST_F(SqliteStore, IsOpenedOnceAtATime) {
  auto store = open();
  EXPECT_EQ(refusal().first, Fault::unavailable);
  EXPECT_THAT(refusal().second, HasSubstr("is in use by another process"));
  std::filesystem::create_directory_symlink(dir_.path(), dir_.path() / "link");
  EXPECT_THROW((void)storage::open_sqlite(dir_.path() / "link" / "kms.sqlite"), storage::Error);
  const auto result = child("SqliteStore.DISABLED_IsRefusedToAnotherProcess");
  EXPECT_EQ(result.status, 0) << result.output << result.error_output;
  store.reset();
  store = open();
  commit(*store, {put(plain_key(kHere, "a"))});
}

TEST_F(SqliteStore, DISABLED_IsRefusedToAnotherProcess) {
  try {
    (void)storage::open_sqlite(file_of_parent());
    FAIL();
  } catch (const storage::Error& e) {
    EXPECT_EQ(e.fault(), Fault::unavailable);
  }
}

TEST_F(SqliteStore, IsUnavailableWhereNoFileCanBe) {
  EXPECT_THROW((void)storage::open_sqlite(dir_.path() / "absent" / "kms.sqlite"), storage::Error);
  std::filesystem::create_directory(path());
  EXPECT_EQ(refusal().first, Fault::unavailable);
}

TEST_F(SqliteStore, CanBeReadByAnOperatorMeanwhile) {
  const auto store = open();
  commit(*store, {put(full_key(kHere, "a"))});
  Raw operator_tool(path());
  EXPECT_EQ(
      operator_tool.text("SELECT tag_value FROM tags WHERE key_id = 'a' AND tag_key = 'zone'"),
      "b");
}

TEST_F(SqliteStore, AnswersASnapshotWhileItIsHeld) {
  auto store = open();
  commit(*store, {put(full_key(kHere, "a"))});
  const auto before = storage::open_sqlite_snapshot(path());
  commit(*store, {put(plain_key(kHere, "b"))});
  EXPECT_EQ(*before->key(kHere, "a"), *store->key(kHere, "a"));
  EXPECT_EQ(before->key_count(kHere), 1U);
  EXPECT_EQ(storage::open_sqlite_snapshot(path())->key_count(kHere), 2U);
  store.reset();
  EXPECT_EQ(storage::open_sqlite_snapshot(path())->key_count(kHere), 2U);
  store = open();
  commit(*store, {put(plain_key(kHere, "c"))});
}

TEST_F(SqliteStore, MakesNothingForASnapshot) {
  EXPECT_THROW((void)storage::open_sqlite_snapshot(path()), storage::Error);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
  (void)open();
  Raw(path()).run(
      "DELETE FROM schema_version WHERE version = (SELECT max(version) FROM schema_version)");
  try {
    (void)storage::open_sqlite_snapshot(path());
    FAIL();
  } catch (const storage::Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("of an earlier release"));
  }
}

TEST_F(SqliteStore, IsUnavailableWhileAnotherToolWrites) {
  const auto store = open();
  commit(*store, {put(plain_key(kHere, "a"))});
  Raw tool(path());
  tool.run("BEGIN IMMEDIATE");
  EXPECT_EQ(fault_of(*store, {put(plain_key(kHere, "b")), audit("line")}), Fault::unavailable);
  EXPECT_EQ(store->key(kHere, "b"), nullptr);
  EXPECT_TRUE(store->outbox(1).empty());
  tool.run("ROLLBACK");
  commit(*store, {put(plain_key(kHere, "b"))});
  EXPECT_EQ(store->key_count(kHere), 2U);
}

TEST_F(SqliteStore, NoticesThatSomeoneElseChangedTheFile) {
  const auto store = open();
  commit(*store, {put(plain_key(kHere, "a"))});
  Raw(path()).run("UPDATE keys SET version = 9");
  EXPECT_EQ(fault_of(*store, {put(*store->key(kHere, "a"))}), Fault::corrupt);
}

TEST_F(SqliteStore, HoldsEveryAcknowledgedCommitInWhatIsOnDisk) {
  // What a power loss would leave, as far as the disk is honest: the files as they are, not closed.
  const auto store = open();
  for (int i = 0; i < 5; ++i) {
    commit(*store, {put(plain_key(kHere, std::to_string(i)))});
    const auto copy = dir_.path() / ("copy-" + std::to_string(i));
    std::filesystem::create_directory(copy);
    std::filesystem::copy_file(path(), copy / "kms.sqlite");
    std::filesystem::copy_file(path().string() + "-wal", copy / "kms.sqlite-wal");
    EXPECT_EQ(storage::open_sqlite(copy / "kms.sqlite")->key_count(kHere),
              static_cast<std::size_t>(i) + 1);
  }
}

TEST_F(SqliteStore, SurvivesAFullDisk) {
  const auto result = child("SqliteStore.DISABLED_RunsOutOfSpace");
  EXPECT_EQ(result.status, 0) << result.output << result.error_output;
  const auto store = open();
  EXPECT_NE(store->key(kHere, "first"), nullptr);
  EXPECT_NE(store->key(kHere, "afterwards"), nullptr);
  EXPECT_EQ(store->key(kHere, "refused"), nullptr);
}

TEST_F(SqliteStore, DISABLED_RunsOutOfSpace) {
  std::signal(SIGXFSZ, SIG_IGN);
  const auto store = storage::open_sqlite(file_of_parent());
  commit(*store, {put(plain_key(kHere, "first"))});
  const auto big = [](const std::string& id) {
    auto key = plain_key(kHere, id);
    key.policy = std::string(30'000, 'p');
    return key;
  };
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit unlimited = limit;
  limit.rlim_cur = std::filesystem::file_size(file_of_parent().string() + "-wal") + 200'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  int stored = 0;
  std::optional<Fault> fault;
  while (!fault && stored < 100) {
    fault = fault_of(*store, {put(big(std::to_string(stored)))});
    if (!fault) ++stored;
  }
  EXPECT_EQ(fault, Fault::unavailable);
  EXPECT_GT(stored, 0);
  EXPECT_EQ(fault_of(*store, {put(big("refused")), audit("refused")}), Fault::unavailable);
  EXPECT_EQ(store->key(kHere, "refused"), nullptr);
  EXPECT_EQ(store->key(kHere, std::to_string(stored)), nullptr);
  EXPECT_EQ(store->key_count(kHere), static_cast<std::size_t>(stored) + 1);
  EXPECT_TRUE(store->outbox(1).empty());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  commit(*store, {put(plain_key(kHere, "afterwards"))});
}

TEST_F(SqliteStore, RefusesAFileThatIsNoDatabase) {
  dir_.write("kms.sqlite", std::string(8192, 'x'));
  EXPECT_EQ(refusal().first, Fault::corrupt);
  EXPECT_EQ(read_file(path()), std::string(8192, 'x'));
}

TEST_F(SqliteStore, RefusesAForeignDatabaseAndLeavesItAlone) {
  Raw(path()).run("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  const std::string before = read_file(path());
  EXPECT_EQ(refusal().first, Fault::corrupt);
  EXPECT_THAT(refusal().second, HasSubstr("was not made by kms-connector"));
  EXPECT_EQ(read_file(path()), before);
}

TEST_F(SqliteStore, TakesAnEmptyFileForANewDatabase) {
  dir_.write("kms.sqlite", "");
  commit(*open(), {put(plain_key(kHere, "a"))});
  EXPECT_EQ(open()->key_count(kHere), 1U);
}

TEST_F(SqliteStore, RefusesADamagedFile) {
  {
    const auto store = open();
    std::vector<storage::Change> changes;
    for (int i = 0; i < 200; ++i) changes.push_back(put(full_key(kHere, std::to_string(i))));
    commit(*store, changes);
  }
  const auto size = std::filesystem::file_size(path());
  const std::string whole = read_file(path());
  ASSERT_GT(size, 40'000U);

  std::filesystem::resize_file(path(), size / 2);
  EXPECT_EQ(refusal().first, Fault::corrupt);

  std::ofstream(path(), std::ios::binary) << whole;
  std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(size / 4096 / 2 * 4096));
  file << std::string(8192, '\xFF');
  file.close();
  EXPECT_EQ(refusal().first, Fault::corrupt);

  std::ofstream(path(), std::ios::binary) << whole;
  EXPECT_EQ(open()->key_count(kHere), 200U);
}

TEST_F(SqliteStore, RefusesRowsThatNoReleaseWrote) {
  const std::vector<std::string> damages{
      "UPDATE keys SET state = 'lost'",
      "UPDATE keys SET spec = 'ROT13'",
      "UPDATE generations SET key_kind = 'des'",
      "DELETE FROM keys",
      "DELETE FROM materials",
      "DELETE FROM key_stores",
      "UPDATE grants SET key_id = 'gone'",
      "UPDATE grants SET operations = 'Decrypt,Destroy'",
      "UPDATE grants SET constraints = '{'",
      "UPDATE materials SET rotation_type = 'MANUAL' WHERE rotated IS NOT NULL",
      "UPDATE keys SET primary_region = NULL",
      "DROP TABLE tags",
  };
  auto key = full_key(kHere, "a");
  key.custom_key_store_id = "cks-1";
  {
    const auto store = open();
    commit(*store, {put(full_key_store(kHere, "cks-1", "one")), put(key),
                    put(alias_of(key, "alias/a")), put(full_grant(key, "g", "grantee"))});
  }
  const std::string whole = read_file(path());
  for (const std::string& damage : damages) {
    Raw(path()).run(damage);
    EXPECT_EQ(refusal().first, Fault::corrupt) << damage;
    std::ofstream(path(), std::ios::binary) << whole;
  }
  EXPECT_EQ(open()->key_count(kHere), 1U);
}

TEST_F(SqliteStore, RefusesTheSchemaOfALaterReleaseAndLeavesItAlone) {
  (void)open();
  Raw(path()).run("INSERT INTO schema_version VALUES (5, 0); PRAGMA wal_checkpoint(TRUNCATE)");
  const std::string before = read_file(path());
  EXPECT_EQ(refusal().first, Fault::newer_schema);
  EXPECT_THAT(refusal().second, HasSubstr("schema 5 of a later release"));
  EXPECT_EQ(read_file(path()), before);
}

constexpr std::array kSteps{
    Migration{.version = 1,
              .sql = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied INTEGER)"},
    Migration{.version = 2, .sql = "CREATE TABLE t (x); INSERT INTO t VALUES (1)"},
    Migration{.version = 3, .sql = "UPDATE t SET x = x + 1; ALTER TABLE t ADD COLUMN y DEFAULT 5"},
};

TEST_F(SqliteStore, MigratesStepByStep) {
  Raw raw(path());
  storage::migrate(raw.get(), std::span(kSteps).first(2));
  EXPECT_EQ(raw.text("SELECT x FROM t"), "1");
  for (int round = 0; round < 2; ++round) {
    storage::migrate(raw.get(), kSteps);
    EXPECT_EQ(raw.text("SELECT x || ' ' || y FROM t"), "2 5");
    EXPECT_EQ(raw.text("SELECT group_concat(version) FROM schema_version"), "1,2,3");
  }
}

TEST_F(SqliteStore, LeavesTheVersionBeforeAStepThatFails) {
  auto steps = kSteps;
  steps[2].sql = "UPDATE t SET x = 7; UPDATE missing SET y = 1";
  Raw raw(path());
  EXPECT_THROW(storage::migrate(raw.get(), steps), storage::Error);
  EXPECT_EQ(raw.text("SELECT x FROM t"), "1");
  EXPECT_EQ(storage::schema_version(raw.get(), kSteps), 2);
  storage::migrate(raw.get(), kSteps);
  EXPECT_EQ(raw.text("SELECT x FROM t"), "2");
}

std::string schema_file(const std::string& name) {
  return read_file(std::filesystem::path(KMS_SOURCE_DIR) / "tests/connector/storage" / name);
}

TEST_F(SqliteStore, OpensADatabaseOfSchemaThree) {
  Raw(path()).run(schema_file("schema_v3.sql"));
  const auto store = open();
  ASSERT_EQ(store->key_count(kHere), 2U);
  keys::SessionKeyRecord key;
  key.region = "us-east-1";
  key.version = 2;
  key.key = {.kind = pkcs11::KeyKind::hmac_256, .kek = object_id(1), .blob = {0, 255, 7}};
  key.created = at(1'700'000'000'123);
  EXPECT_EQ(*store->session_key("us-east-1"), key);
}

TEST_F(SqliteStore, OpensADatabaseOfSchemaTwo) {
  Raw(path()).run(schema_file("schema_v2.sql"));
  const auto store = open();
  ASSERT_EQ(store->key_count(kHere), 2U);
  EXPECT_EQ(store->session_key("us-east-1"), nullptr);
  keys::GrantRecord grant;
  grant.scope = kHere;
  grant.key_id = "1234abcd-12ab-4cde-8bcd-1234567890ab";
  grant.id = std::string(64, 'e');
  grant.version = 3;
  grant.name = "name";
  grant.grantee_principal = "grantee";
  grant.retiring_principal = "retirer";
  grant.issuing_account = kHere.account;
  grant.operations = {api::GrantOperation::decrypt, api::GrantOperation::encrypt};
  grant.constraints.encryption_context_subset = api::StringMap{{"a", "b"}};
  grant.created = at(30);
  grant.token_key = {7, 7};
  EXPECT_EQ(*store->grant(kHere, grant.key_id, grant.id), grant);
}

TEST_F(SqliteStore, OpensADatabaseOfSchemaOne) {
  Raw(path()).run(schema_file("schema_v1.sql"));
  const auto store = open();
  ASSERT_EQ(store->key_count(kHere), 2U);

  keys::KeyRecord key;
  key.scope = kHere;
  key.id = "1234abcd-12ab-4cde-8bcd-1234567890ab";
  key.version = 3;
  key.state = keys::StoredState::pending_deletion;
  key.description = "it's \u20AC";
  key.created = at(1'700'000'000'123);
  key.deletion_date = at(1'700'600'000'456);
  key.policy = "{}";
  key.materials = {
      {.id = std::string(64, 'b'),
       .created = at(1),
       .generations = {{.number = 1,
                        .ref = pkcs11::WrappedMaterial{.kek = object_id(1), .blob = {0, 1, 255}},
                        .reserved = 2'000'000},
                       {.number = 2,
                        .ref = pkcs11::WrappedMaterial{.kek = object_id(2), .blob = {7}},
                        .reserved = 5}}},
      {.id = std::string(64, 'a'),
       .created = at(2),
       .generations = {{.number = 1,
                        .ref = pkcs11::WrappedMaterial{.kek = object_id(1), .blob = {8}}}}},
  };
  key.current_material = std::string(64, 'a');
  key.tags = {{.key = "zone", .value = "b"}, {.key = "app", .value = ""}};
  key.multi_region = keys::MultiRegion{.primary_region = "us-east-1",
                                       .replica_regions = {"eu-west-1", "ap-northeast-1"}};
  key.last_use =
      keys::LastUse{.operation = "Encrypt", .event_id = "e-1", .time = at(1'700'000'001'000)};
  EXPECT_EQ(*store->key(kHere, key.id), key);

  keys::KeyRecord object;
  object.scope = kHere;
  object.id = "aaaaaaaa-12ab-4cde-8bcd-1234567890ab";
  object.version = 1;
  object.state = keys::StoredState::creating;
  object.origin = api::OriginType::aws_cloudhsm;
  object.created = at(4);
  object.custom_key_store_id = "cks-1234567890abcdef0";
  object.materials = {
      {.id = std::string(64, 'd'),
       .created = at(4),
       .generations = {{.number = 1, .ref = pkcs11::ObjectMaterial{.id = object_id(100)}}}}};
  object.current_material = std::string(64, 'd');
  EXPECT_EQ(*store->key(kHere, object.id), object);

  EXPECT_EQ(*store->alias(kHere, "alias/a"), (keys::AliasRecord{.scope = kHere,
                                                                .name = "alias/a",
                                                                .version = 2,
                                                                .target_key_id = key.id,
                                                                .created = at(10),
                                                                .updated = at(20)}));
  keys::KeyStoreRecord key_store;
  key_store.scope = kHere;
  key_store.id = "cks-1234567890abcdef0";
  key_store.version = 4;
  key_store.name = "store";
  key_store.cluster_id = "cluster-abcdefg2345";
  key_store.trust_anchor = "PEM";
  key_store.password = {
      .key = {.kek = object_id(9), .blob = {9, 8, 7}}, .iv = {1, 2}, .ciphertext = {3}};
  key_store.state = api::ConnectionStateType::failed;
  key_store.error = api::ConnectionErrorCodeType::user_locked_out;
  key_store.created = at(5);
  EXPECT_EQ(*store->key_store(kHere, key_store.id), key_store);

  EXPECT_THAT(store->pin_refusals("serial"),
              ElementsAre(keys::PinRefusalRecord{
                  .token_serial = "serial", .pin_hash = {0, 255}, .failure = 5}));
  const auto outbox = store->outbox(10);
  ASSERT_EQ(outbox.size(), 1U);
  EXPECT_EQ(outbox[0].sequence, 41);
  EXPECT_EQ(outbox[0].line, R"({"eventID":"e-1"})");
  commit(*store, {audit("next")});
  EXPECT_EQ(store->outbox(10).at(1).sequence, 43);  // 42 was written out before
}

}  // namespace
}  // namespace kms::test
