#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "connector/storage/metadata_store.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// Whether the key's material is in the token of a Region (`store_id` empty) or of a custom key
/// store.
[[nodiscard]] bool is_in(const keys::KeyRecord& key, const Scope& scope,
                         const std::string& store_id);

/// Whether the key has unfinished material of before that time, which no deletion of the key sees
/// to.
[[nodiscard]] bool has_unfinished(const keys::KeyRecord& key, Timestamp before);
/// Destroys the objects of such material and takes it out of the record; with it the key, if it was
/// never created to the end: nobody was told of it. False if the key is left as it is.
[[nodiscard]] bool drop_unfinished(storage::MetadataStore& store, keys::KeyRecord key,
                                   Timestamp before, pkcs11::Token& token,
                                   pkcs11::Deadline deadline);

/// A line for each key-encryption key that keys of the Region need and that its token does not
/// have, as one that was replaced or emptied has not. Throws pkcs11::Error.
[[nodiscard]] std::vector<std::string> missing_wrapping_keys(const storage::MetadataStore& store,
                                                             const std::string& region,
                                                             pkcs11::Token& token,
                                                             pkcs11::Deadline deadline);

/// Holds what a token has against what the records say of it. Deletes nothing.
class Reconciliation {
 public:
  explicit Reconciliation(const storage::MetadataStore& store);

  /// The token of a Region (`store_id` empty) or of a custom key store.
  void check(const Scope& scope, const std::string& store_id, pkcs11::Token& token,
             pkcs11::Deadline deadline);
  /// What differs, a line each.
  [[nodiscard]] std::vector<std::string> take_lines() && { return std::move(lines_); }
  /// What makes all keys of a token useless, a line each.
  [[nodiscard]] std::vector<std::string> take_losses() && { return std::move(losses_); }

 private:
  void note_records();
  void check_key(const keys::KeyRecord& key, const std::set<pkcs11::ObjectId>& present,
                 const std::string& where);

  const storage::MetadataStore& store_;
  std::set<pkcs11::ObjectId> recorded_;  // in all tokens
  std::vector<std::string> lines_;
  std::vector<std::string> losses_;
};

}  // namespace kms::keystores
