#pragma once

#include <vector>

#include "connector/keys/records.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/token.h"

namespace kms::keystores {

class RegionTokens;

/// Keeps the records of a multi-Region key in step. What they have in common (material, rotation,
/// which Regions hold one) stands in each of them and changes in one commit. Commits nothing
/// itself; throws pkcs11::Error.
class RelatedKeys {
 public:
  RelatedKeys(const storage::MetadataStore& store, const RegionTokens& tokens)
      : store_(store), tokens_(tokens) {}

  /// The key's relatives, brought up to it: material that they lack is carried to their tokens. To
  /// be put with the key. Empty for a single-Region key.
  [[nodiscard]] std::vector<keys::KeyRecord> following(const keys::KeyRecord& key,
                                                       pkcs11::Deadline deadline) const;
  /// Gives a new replica what it shares with its primary. An AES key continues with a fresh
  /// generation in all its Regions: who knows what a former replica has encrypted under the last.
  void replicate(keys::KeyRecord& primary, keys::KeyRecord& replica,
                 pkcs11::Deadline deadline) const;

 private:
  void share(const keys::KeyRecord& key, keys::KeyRecord& relative,
             pkcs11::Deadline deadline) const;

  const storage::MetadataStore& store_;
  const RegionTokens& tokens_;
};

}  // namespace kms::keystores
