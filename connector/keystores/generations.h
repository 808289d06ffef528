#pragma once

#include <functional>
#include <string>
#include <vector>

#include "connector/base/turns.h"
#include "connector/keys/records.h"
#include "connector/storage/metadata_store.h"
#include "pkcs11/token.h"

namespace kms::keystores {

/// Replaces used-up generations of key material. The last generation of a material encrypts; one
/// that is recorded but not made yet stands before it, so that nobody uses it, and a crash leaves
/// no object that no record knows.
class Generations {
 public:
  explicit Generations(storage::MetadataStore& store) : store_(store) {}

  struct Maker {
    /// A reference to record before make(), if making leaves something that a crash could orphan.
    std::function<std::optional<pkcs11::MaterialRef>()> reserve;
    /// Makes the material, under the reserved reference if there is one.
    std::function<pkcs11::MaterialRef(const std::optional<pkcs11::MaterialRef>&)> make;
    /// Destroys what an earlier attempt may have made.
    std::function<void(const pkcs11::MaterialRef&)> destroy;
    /// The relatives of a multi-Region key, with what was made: put in the same commit, so that
    /// nothing is encrypted in one Region that another cannot decrypt.
    std::function<std::vector<keys::KeyRecord>(const keys::KeyRecord&)> relatives;
  };
  /// The key with a generation after `used_up` in that material; makes one unless another thread
  /// has.
  [[nodiscard]] keys::KeyPtr after(const keys::KeyRecord& key, const std::string& material_id,
                                   std::uint32_t used_up, const Maker& maker,
                                   pkcs11::Deadline deadline);

 private:
  storage::MetadataStore& store_;
  Turns turns_;  // of keys whose next generation is being made
};

/// The recorded generation that is not made yet, if there is one.
[[nodiscard]] const keys::Generation* unmade(const keys::Material& material);

}  // namespace kms::keystores
