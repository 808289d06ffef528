#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "connector/storage/metadata_store.h"

namespace kms::audit {

/// Appends audit records to a size-rotated file, one write(2) a request, and empties the store's
/// outbox into it. A record that cannot be written is an error of the request: write() throws
/// std::system_error.
class Writer {
 public:
  Writer(const config::Audit& config, storage::AuditOutbox& outbox);
  /// Empties the outbox a last time.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// The lines of a request, one at least: all or none of them, by one write(2), before it returns.
  /// Thread-safe.
  void write(std::vector<std::string> lines);
  /// Tells the background thread that the outbox has grown.
  void outbox_grew();
  /// Returns when everything now in the outbox is in the file; throws what prevents it.
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kms::audit
