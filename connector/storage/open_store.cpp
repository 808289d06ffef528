#include "connector/storage/open_store.h"

#include <Poco/Data/DataException.h>
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/Session.h>
#include <sqlite3.h>

#include <algorithm>
#include <deque>

#include "connector/base/log.h"
#include "connector/storage/commit_queue.h"
#include "connector/storage/database_file.h"
#include "connector/storage/draft.h"
#include "connector/storage/image_store.h"
#include "connector/storage/rows.h"
#include "connector/storage/schema.h"
#include "connector/storage/sqlite.h"

namespace kms::storage {
namespace {

// How long to wait for an operator's tool that holds SQLite's write lock: well under a request's
// deadline.
constexpr int kBusyMilliseconds = 2000;

Poco::Data::Session open_session(const std::string& path) {
  Poco::Data::SQLite::Connector::registerConnector();
  try {
    return {Poco::Data::SQLite::Connector::KEY, path};
  } catch (const Poco::Exception& e) {
    throw Error(Fault::unavailable, path + ": " + e.displayText());
  }
}

/// A damaged file must not be able to run functions by its schema.
constexpr const char* kDistrust = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON";

/// Nothing is written to a file that is damaged, somebody else's or a later release's.
void check_before_writing(sqlite3* database) {
  sqlite3_busy_timeout(database, kBusyMilliseconds);
  sqlite::execute(database, kDistrust);
  (void)schema_version(database, migrations());
  const std::string verdict = sqlite::query_text(database, "PRAGMA quick_check(1)");
  if (verdict != "ok") throw Error(Fault::corrupt, "the database is damaged: " + verdict);
}

void configure(sqlite3* database) {
  if (sqlite::query_text(database, "PRAGMA journal_mode = WAL") != "wal") {
    throw Error(Fault::unavailable, "the database's file system does not allow WAL mode");
  }
  sqlite::execute(database,
                  "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
                  "PRAGMA journal_size_limit = 16777216");
}

class SqliteStore final : public ImageStore {
 public:
  explicit SqliteStore(const std::string& path)
      : file_(path), session_(open_session(file_.path())) {
    try {
      open();
    } catch (const Error& e) {
      throw Error(e.fault(), file_.path() + ": " + e.what());
    }
  }
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;
  SqliteStore(SqliteStore&&) = delete;
  SqliteStore& operator=(SqliteStore&&) = delete;

  void commit(std::span<const Change> changes) override {
    if (!changes.empty()) queue_.commit(changes);
  }

  [[nodiscard]] std::vector<OutboxLine> outbox(std::size_t limit) const override;
  void outbox_written(std::int64_t sequence) override;

 private:
  void open() KMS_EXCLUDES(writer_mutex_);
  /// Decides every commit of the batch in one transaction.
  void work(std::span<PendingCommit* const> batch) noexcept KMS_EXCLUDES(writer_mutex_);
  void commit_batch(std::span<PendingCommit* const> batch) KMS_REQUIRES(writer_mutex_);
  [[nodiscard]] Draft draft_of(std::span<PendingCommit* const> batch) KMS_REQUIRES(writer_mutex_);
  /// Throws Error{conflict} and leaves the transaction as it was.
  void add(const PendingCommit& pending, Draft& draft) KMS_REQUIRES(writer_mutex_);
  /// noexcept: a process that cannot follow what is durable had better end than serve something
  /// else.
  void publish(const Draft& draft) noexcept KMS_REQUIRES(writer_mutex_);
  [[nodiscard]] std::int64_t written_lines() const KMS_EXCLUDES(outbox_mutex_);

  DatabaseFile file_;
  Poco::Data::Session session_;
  sqlite3* database_ = nullptr;

  /// Whoever leads a batch; held while the database is used.
  Mutex writer_mutex_;
  std::unique_ptr<RowWriter> rows_ KMS_GUARDED_BY(writer_mutex_);
  std::int64_t next_sequence_ KMS_GUARDED_BY(writer_mutex_) = 1;
  std::int64_t deleted_ KMS_GUARDED_BY(writer_mutex_) = 0;

  mutable Mutex outbox_mutex_;
  std::deque<OutboxLine> outbox_ KMS_GUARDED_BY(outbox_mutex_);
  std::int64_t written_ KMS_GUARDED_BY(outbox_mutex_) = 0;

  CommitQueue queue_{[this](std::span<PendingCommit* const> batch) { work(batch); }};
};

void SqliteStore::open() {
  database_ = Poco::Data::SQLite::Utility::dbHandle(session_);
  check_before_writing(database_);
  configure(database_);
  migrate(database_, migrations());
  const MutexLock writer(writer_mutex_);
  rows_ = std::make_unique<RowWriter>(database_);
  next_sequence_ = next_outbox_sequence(database_);
  const std::vector<Effect> stored = load_rows(database_);
  const WriteLock lock(image_mutex_);
  const MutexLock outbox_lock(outbox_mutex_);
  for (const Effect& effect : stored) {
    image_.apply(effect);
    if (const auto* const line = std::get_if<OutboxLine>(&effect)) outbox_.push_back(*line);
  }
}

SqliteStore::~SqliteStore() {
  try {
    const MutexLock writer(writer_mutex_);
    if (rows_ == nullptr || written_lines() == deleted_) return;
    sqlite::Transaction transaction(database_);
    rows_->delete_outbox(written_lines());
    transaction.commit();
  } catch (const std::exception& e) {
    // The lines are written again after the next start.
    log(LogLevel::warning, "storage", std::string("outbox not emptied at the end: ") + e.what());
  }
}

void SqliteStore::work(std::span<PendingCommit* const> batch) noexcept {
  std::pair<Fault, std::string> failure;
  try {
    const MutexLock writer(writer_mutex_);
    commit_batch(batch);
    return;
  } catch (const Error& e) {
    // A constraint that fails outside of any one commit is nobody's conflict.
    failure = {e.fault() == Fault::conflict ? Fault::corrupt : e.fault(), e.what()};
  } catch (const std::exception& e) {
    failure = {Fault::unavailable, e.what()};
  }
  for (PendingCommit* const pending : batch) {
    if (!pending->refusal) pending->refusal = failure;
  }
}

void SqliteStore::commit_batch(std::span<PendingCommit* const> batch) {
  sqlite::Transaction transaction(database_);
  const Draft draft = draft_of(batch);
  if (draft.effects().empty()) return;
  const std::int64_t written = written_lines();
  if (written > deleted_) rows_->delete_outbox(written);
  transaction.commit();
  deleted_ = written;
  next_sequence_ = draft.next_sequence();
  publish(draft);
}

Draft SqliteStore::draft_of(std::span<PendingCommit* const> batch) {
  // Only the leader changes the image, so this shared lock holds nobody up.
  const ReadLock lock(image_mutex_);
  Draft draft(image_, next_sequence_);
  for (PendingCommit* const pending : batch) {
    try {
      add(*pending, draft);
    } catch (const Error& e) {
      if (e.fault() != Fault::conflict) throw;
      pending->refusal = {e.fault(), e.what()};
    }
  }
  return draft;
}

void SqliteStore::add(const PendingCommit& pending, Draft& draft) {
  std::vector<Effect> effects = draft.plan(pending.changes);
  sqlite::execute(database_, "SAVEPOINT one");
  try {
    for (const Effect& effect : effects) rows_->write(effect);
  } catch (const Error& e) {
    // Another failure ends the transaction as a whole.
    if (e.fault() == Fault::conflict) sqlite::execute(database_, "ROLLBACK TO one; RELEASE one");
    throw;
  }
  sqlite::execute(database_, "RELEASE one");
  draft.accept(std::move(effects));
}

void SqliteStore::publish(const Draft& draft) noexcept {
  {
    const WriteLock lock(image_mutex_);
    for (const Effect& effect : draft.effects()) image_.apply(effect);
  }
  const MutexLock lock(outbox_mutex_);
  for (const Effect& effect : draft.effects()) {
    if (const auto* const line = std::get_if<OutboxLine>(&effect)) outbox_.push_back(*line);
  }
}

std::vector<OutboxLine> SqliteStore::outbox(std::size_t limit) const {
  const MutexLock lock(outbox_mutex_);
  const auto size = static_cast<std::ptrdiff_t>(std::min(limit, outbox_.size()));
  return {outbox_.begin(), outbox_.begin() + size};
}

void SqliteStore::outbox_written(std::int64_t sequence) {
  const MutexLock lock(outbox_mutex_);
  while (!outbox_.empty() && outbox_.front().sequence <= sequence) {
    written_ = outbox_.front().sequence;
    outbox_.pop_front();
  }
}

std::int64_t SqliteStore::written_lines() const {
  const MutexLock lock(outbox_mutex_);
  return written_;
}

/// What was committed when it was opened.
class Snapshot final : public ImageStore {
 public:
  explicit Snapshot(const std::string& path) {
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close_v2)> database(opened, sqlite3_close_v2);
    if (code != SQLITE_OK) throw Error(Fault::unavailable, path + ": " + sqlite3_errstr(code));
    try {
      load(database.get());
    } catch (const Error& e) {
      throw Error(e.fault(), path + ": " + e.what());
    }
  }

  void commit(std::span<const Change> /*changes*/) override { refuse(); }
  [[nodiscard]] std::vector<OutboxLine> outbox(std::size_t /*limit*/) const override { return {}; }
  void outbox_written(std::int64_t /*sequence*/) override { refuse(); }

 private:
  [[noreturn]] static void refuse() { throw Error(Fault::unavailable, "opened to read only"); }

  void load(sqlite3* database) {
    sqlite3_busy_timeout(database, kBusyMilliseconds);
    sqlite::execute(database, kDistrust);
    sqlite::execute(database, "BEGIN");  // every table as of one moment; ends with the connection
    if (schema_version(database, migrations()) != migrations().back().version) {
      throw Error(Fault::unavailable,
                  "of an earlier release; the daemon migrates it when it starts");
    }
    const std::vector<Effect> stored = load_rows(database);
    const WriteLock lock(image_mutex_);
    for (const Effect& effect : stored) image_.apply(effect);
  }
};

}  // namespace

std::unique_ptr<const MetadataStore> open_sqlite_snapshot(const std::string& path) {
  return std::make_unique<const Snapshot>(path);
}

std::unique_ptr<MetadataStore> open_sqlite(const std::string& path) {
  return std::make_unique<SqliteStore>(path);
}

}  // namespace kms::storage
