#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connector/base/clock.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// Holds what a token has against what the records say of it, and finishes what a crash left of
/// keys that nobody was told of. Nothing else is deleted.
class Reconciliation {
 public:
  /// Keys that are still Creating, but were begun before `started`, are of an earlier run.
  Reconciliation(storage::MetadataStore& store, Timestamp started);

  /// The token of a Region (`store_id` empty) or of a custom key store.
  void check(const Scope& scope, const std::string& store_id, pkcs11::Token& token,
             pkcs11::Deadline deadline);
  [[nodiscard]] std::vector<std::string> take_lines() && { return std::move(lines_); }

 private:
  void note_records();
  void check_key(const keys::KeyRecord& key, const std::set<pkcs11::ObjectId>& present,
                 const std::string& where);
  /// False if the key is left as it is.
  bool undo_creation(const keys::KeyRecord& key, pkcs11::Token& token, pkcs11::Deadline deadline);

  storage::MetadataStore& store_;
  const Timestamp started_;
  std::set<pkcs11::ObjectId> recorded_;  // in all tokens
  std::vector<std::string> lines_;
};

}  // namespace kms::keystores
