#include "connector/storage/sqlite.h"

#include <sqlite3.h>

#include "connector/storage/metadata_store.h"

namespace kms::storage::sqlite {
namespace {

Fault fault_of(int code) {
  switch (code & 0xFF) {  // the primary code of an extended one
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:  // of our constant statements: a table or column is missing
      return Fault::corrupt;
    case SQLITE_CONSTRAINT:
      return Fault::conflict;
    default:
      return Fault::unavailable;
  }
}

[[noreturn]] void fail(sqlite3* database) {
  const int code = sqlite3_extended_errcode(database);
  throw Error(fault_of(code), std::string("SQLite: ") + sqlite3_errmsg(database) + " (" +
                                  std::to_string(code) + ")");
}

void check(int code, sqlite3_stmt* statement) {
  if (code != SQLITE_OK) fail(sqlite3_db_handle(statement));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  if (code != SQLITE_OK) fail(database);
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  // The reset reports the same failure again; the statement must not keep the transaction open.
  const std::string text = sqlite3_errmsg(sqlite3_db_handle(statement_.get()));
  const int extended = sqlite3_extended_errcode(sqlite3_db_handle(statement_.get()));
  reset();
  throw Error(fault_of(extended), "SQLite: " + text + " (" + std::to_string(extended) + ")");
}

int Statement::run() {
  while (step()) {
  }
  return sqlite3_changes(sqlite3_db_handle(statement_.get()));
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

void Statement::bind(int position, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), position, value), statement_.get());
}

void Statement::bind(int position, std::string_view value) {
  // A null pointer would bind NULL, not the empty text.
  const char* const data = value.data() == nullptr ? "" : value.data();
  check(sqlite3_bind_text64(statement_.get(), position, data, value.size(), nullptr, SQLITE_UTF8),
        statement_.get());
}

void Statement::bind(int position, ByteView value) {
  const void* const data = value.data() == nullptr ? static_cast<const void*>("") : value.data();
  check(sqlite3_bind_blob64(statement_.get(), position, data, value.size(), nullptr),
        statement_.get());
}

void Statement::bind(int position, std::nullopt_t) {
  check(sqlite3_bind_null(statement_.get(), position), statement_.get());
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* const data = static_cast<const char*>(
      static_cast<const void*>(sqlite3_column_text(statement_.get(), column)));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string() : std::string(data, size);
}

Bytes Statement::blob(int column) const {
  const auto* const data =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? Bytes() : Bytes(data, data + size);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void execute(sqlite3* database, const std::string& sql) {
  if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(database);
}

std::int64_t query_integer(sqlite3* database, std::string_view sql) {
  Statement statement(database, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string query_text(sqlite3* database, std::string_view sql) {
  Statement statement(database, sql);
  return statement.step() ? statement.text(0) : std::string();
}

Transaction::Transaction(sqlite3* database) : database_(database) {
  execute(database_, "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // Some failures (a full disk) have rolled back already; then there is nothing to do.
  if (database_ != nullptr && sqlite3_get_autocommit(database_) == 0) {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  execute(database_, "COMMIT");
  database_ = nullptr;
}

}  // namespace kms::storage::sqlite
