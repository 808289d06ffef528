#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connector/base/bytes.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite in C++ terms; every failure is a storage::Error. Not synchronized.
namespace kms::storage::sqlite {

/// A prepared statement, used again and again.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  /// Starts anew with these parameters, in order. Text and blobs must live until the next call but
  /// step().
  template <class... Arguments>
  Statement& with(const Arguments&... arguments) {
    reset();
    int position = 0;
    (bind(++position, arguments), ...);
    return *this;
  }
  /// True: there is a row to read. False: done, and reset.
  bool step();
  /// To the end; how many rows were changed.
  int run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  void reset() noexcept;
  void bind(int position, std::int64_t value);
  void bind(int position, std::string_view value);
  void bind(int position, ByteView value);
  void bind(int position, std::nullopt_t);
  template <class T>
  void bind(int position, const std::optional<T>& value) {
    if (value) {
      bind(position, *value);
    } else {
      bind(position, std::nullopt);
    }
  }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Runs one or more statements without parameters.
void execute(sqlite3* database, const std::string& sql);
/// The first column of the first row.
std::int64_t query_integer(sqlite3* database, std::string_view sql);
std::string query_text(sqlite3* database, std::string_view sql);

/// BEGIN IMMEDIATE, rolled back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(sqlite3* database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  void commit();

 private:
  sqlite3* database_;
};

}  // namespace kms::storage::sqlite
