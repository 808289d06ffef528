#pragma once

#include <optional>
#include <string>

#include "connector/base/bytes.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/module.h"

namespace kms::keystores {

/// Where the key of the hashes is, beside the database.
[[nodiscard]] std::string pin_hash_key_file(const std::string& database);

/// The PINs that tokens refused, in the metadata store, by a hash under a key that is not in the
/// database. Thread-safe.
class StoredPinRefusals final : public pkcs11::PinRefusals {
 public:
  /// The key is read from `key_file`, made there (mode 0600) if there is none. Throws
  /// std::runtime_error if it cannot be had or others may read it.
  StoredPinRefusals(storage::MetadataStore& store, const std::string& key_file);

  std::optional<pkcs11::Failure> refused(const std::string& serial, ByteView pin) override;
  void record(const std::string& serial, ByteView pin, pkcs11::Failure failure) override;
  /// The change that forgets the refusal of this very PIN, if there is one.
  [[nodiscard]] std::optional<storage::Change> lift(const std::string& serial, ByteView pin) const;

 private:
  [[nodiscard]] Bytes hash(const std::string& serial, ByteView pin) const;
  [[nodiscard]] std::optional<keys::PinRefusalRecord> find(const std::string& serial,
                                                           ByteView pin) const;

  storage::MetadataStore& store_;
  const SecretBytes key_;
};

}  // namespace kms::keystores
