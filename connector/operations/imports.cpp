#include "connector/operations/imports.h"

#include <algorithm>
#include <utility>

#include "connector/api/error.h"
#include "connector/keys/imported_material.h"
#include "connector/keys/key_spec.h"
#include "connector/keys/key_state.h"
#include "connector/operations/multi_region.h"
#include "connector/operations/new_material.h"

namespace kms::operations {
namespace {

using api::AlgorithmSpec;
using api::KeySpec;
using api::WrappingKeySpec;
using pkcs11::ImportScheme;
using pkcs11::KeyKind;

bool is_oaep(ImportScheme scheme) {
  return scheme == ImportScheme::oaep_sha1 || scheme == ImportScheme::oaep_sha256;
}

}  // namespace

keys::AuthorizedKey manage_import(Call& call, const std::string& key_id) {
  keys::AuthorizedKey key = call.authorize(key_id, {.accepts = Accepts::key_only});
  if (key.record().origin != api::OriginType::external) keys::refuse_origin(key.record());
  call.check_state(key);
  return key;
}

ImportScheme import_scheme(const keys::KeyRecord& key, AlgorithmSpec algorithm,
                           WrappingKeySpec wrapping_key) {
  const auto scheme = [&] {
    switch (algorithm) {
      case AlgorithmSpec::rsaes_oaep_sha_1:
        return ImportScheme::oaep_sha1;
      case AlgorithmSpec::rsaes_oaep_sha_256:
        return ImportScheme::oaep_sha256;
      case AlgorithmSpec::rsa_aes_key_wrap_sha_1:
        return ImportScheme::rsa_aes_sha1;
      case AlgorithmSpec::rsa_aes_key_wrap_sha_256:
        return ImportScheme::rsa_aes_sha256;
      case AlgorithmSpec::rsaes_pkcs1_v1_5:
      case AlgorithmSpec::sm2pke:
        break;
    }
    throw api::unsupported_operation("WrappingAlgorithm " + std::string(api::to_string(algorithm)) +
                                     " is not supported.");
  }();
  // OAEP takes less than the modulus: no RSA private key fits, and one of P-521 not under RSA_2048.
  const bool too_long =
      keys::key_spec(key.spec).modulus_size != 0 ||
      (key.spec == KeySpec::ecc_nist_p521 && wrapping_key == WrappingKeySpec::rsa_2048);
  if (is_oaep(scheme) && too_long) {
    throw api::unsupported_operation(
        "WrappingAlgorithm " + std::string(api::to_string(algorithm)) + " with WrappingKeySpec " +
        std::string(api::to_string(wrapping_key)) + " is not supported for KeySpec " +
        std::string(api::to_string(key.spec)) + ".");
  }
  return scheme;
}

KeyKind wrapping_key_kind(WrappingKeySpec spec) {
  switch (spec) {
    case WrappingKeySpec::rsa_2048:
      return KeyKind::rsa_2048;
    case WrappingKeySpec::rsa_3072:
      return KeyKind::rsa_3072;
    case WrappingKeySpec::rsa_4096:
      return KeyKind::rsa_4096;
    case WrappingKeySpec::sm2:
      break;
  }
  throw api::unsupported_operation("WrappingKeySpec SM2 is not supported in this Region");
}

void check_wrapped_size(ImportScheme scheme, KeyKind wrapping_key, std::size_t size) {
  const std::size_t modulus = keys::key_spec(wrapping_key).modulus_size;
  if (is_oaep(scheme) ? size != modulus : size <= modulus) {
    throw api::validation_error("Invalid encrypted key size.");
  }
}

void delete_material(const Context& context, keys::KeyRecord key, const std::string& material_id,
                     const std::function<void(std::vector<storage::Change>)>& commit,
                     pkcs11::Deadline deadline) {
  const bool pending = material_id == key.pending_material;
  const std::string rest = make_material_id(context.random);
  keys::remove_material(key, material_id, {.id = rest, .created = context.clock.now()});
  std::vector<storage::Change> changes;
  if (pending) synchronize_replicas(context, key, changes, deadline);
  changes.emplace_back(storage::Put<keys::KeyRecord>{key});
  commit(std::move(changes));
  ++key.version;
  // Not before: whoever else changes the key meanwhile still finds it whole.
  drop_unfinished(context, std::move(key), rest, deadline);
}

bool pending_is_everywhere(const Context& context, const keys::KeyRecord& key) {
  const Timestamp now = context.clock.now();
  const auto has_it = [&](const keys::KeyRecord& record) {
    const keys::Material* material = record.material(key.pending_material);
    return material != nullptr && keys::is_usable(*material, now);
  };
  if (!key.multi_region) return has_it(key);
  return std::ranges::all_of(
             key.multi_region->replica_regions,
             [&](const std::string& region) {
               const keys::KeyPtr replica = context.store.key({key.scope.account, region}, key.id);
               return !replica || has_it(*replica);
             }) &&
         has_it(key);
}

}  // namespace kms::operations
