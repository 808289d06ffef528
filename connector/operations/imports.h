#pragma once

#include <functional>
#include <string>
#include <vector>

#include "connector/operations/call.h"
#include "pkcs11/token.h"

// What the operations on imported key material share.
namespace kms::operations {

/// The key, allowed and in a state for the operation; UnsupportedOperationException before its
/// state, if its material is not imported.
[[nodiscard]] keys::AuthorizedKey manage_import(Call& call, const std::string& key_id);

/// UnsupportedOperationException for an algorithm that is not served, or cannot wrap such keys
/// under the wrapping key.
[[nodiscard]] pkcs11::ImportScheme import_scheme(const keys::KeyRecord& key,
                                                 api::AlgorithmSpec algorithm,
                                                 api::WrappingKeySpec wrapping_key);
[[nodiscard]] pkcs11::KeyKind wrapping_key_kind(api::WrappingKeySpec spec);
/// ValidationException if nothing wrapped so under such a key is that long.
void check_wrapped_size(pkcs11::ImportScheme scheme, pkcs11::KeyKind wrapping_key,
                        std::size_t size);

/// The material that waits for a rotation is imported in each Region that holds the key.
[[nodiscard]] bool pending_is_everywhere(const Context& context, const keys::KeyRecord& key);

/// Takes imported material out of the key, its replicas told: `commit` is given what is to be
/// committed. Then its objects go from the token, at once as far as that can be reached.
void delete_material(const Context& context, keys::KeyRecord key, const std::string& material_id,
                     const std::function<void(std::vector<storage::Change>)>& commit,
                     pkcs11::Deadline deadline);

}  // namespace kms::operations
