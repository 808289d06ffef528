#include "connector/keystores/token_key_store.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "connector/api/error.h"
#include "connector/keys/key_spec.h"
#include "connector/keystores/sealed_import_token.h"

namespace kms::keystores {
namespace {

pkcs11::KeyKind kind_of(const pkcs11::MaterialRef& ref) {
  return std::visit([](const auto& material) { return material.kind; }, ref);
}

/// The material of a key that has no generations to count: every kind but AES.
const pkcs11::MaterialRef& material_of(const keys::AuthorizedKey& key) {
  const keys::Material* material = key.record().material(key.record().current_material);
  if (material == nullptr || material->generations.empty()) throw api::internal_error();
  return material->generations.back().ref;
}

}  // namespace

TokenKeyStore::TokenKeyStore(std::shared_ptr<TokenHandle> token, TokenRole role,
                             const Shared& shared)
    : token_(std::move(token)), role_(role), shared_(shared) {}

template <class Function>
auto TokenKeyStore::with_token(Deadline deadline, Function&& function) const {
  return translated(role_, [&] { return function(token_->wait(deadline)); });
}

std::optional<pkcs11::MaterialRef> TokenKeyStore::reserve(pkcs11::KeyKind kind, Deadline deadline) {
  if (role_ == TokenRole::region) {
    switch (with_token(deadline, [&](auto& token) { return token.holding(kind, deadline); })) {
      case pkcs11::Holding::wrapped:
        return std::nullopt;
      case pkcs11::Holding::object:
        break;
      case pkcs11::Holding::none:
        throw api::unsupported_operation("KeySpec " +
                                         std::string(api::to_string(keys::key_spec(kind).spec)) +
                                         " is not supported in this Region");
    }
  }
  pkcs11::ObjectMaterial object{.kind = kind};
  shared_.random.fill(object.id);
  return object;
}

pkcs11::MaterialRef TokenKeyStore::make(pkcs11::KeyKind kind,
                                        const std::optional<pkcs11::MaterialRef>& reserved,
                                        const std::string& key_arn, Deadline deadline) {
  return with_token(deadline, [&](auto& token) -> pkcs11::MaterialRef {
    if (!reserved) return token.generate_wrapped(kind, deadline);
    const auto& object = std::get<pkcs11::ObjectMaterial>(*reserved);
    return token.generate_object(kind, object.id, key_arn, deadline);
  });
}

bool TokenKeyStore::destroy(const pkcs11::MaterialRef& ref, Deadline deadline) {
  const auto* object = std::get_if<pkcs11::ObjectMaterial>(&ref);
  if (object == nullptr) return true;
  return with_token(deadline,
                    [&](auto& token) { return token.destroy_object(object->id, deadline); });
}

bool TokenKeyStore::holds(const pkcs11::MaterialRef& ref, Deadline deadline) {
  const auto* object = std::get_if<pkcs11::ObjectMaterial>(&ref);
  if (object == nullptr) return true;
  return with_token(deadline, [&](auto& token) { return token.has_object(object->id, deadline); });
}

keys::CiphertextHeader TokenKeyStore::Current::header() const {
  return {.account = key->scope.account,
          .region = key->scope.region,
          .key_id = key->id,
          .material_id = material->id,
          .generation = generation->number};
}

TokenKeyStore::Current TokenKeyStore::current(keys::KeyPtr key, Deadline deadline) {
  for (;;) {
    Current current{.key = std::move(key)};
    current.material = current.key->material(current.key->current_material);
    if (current.material == nullptr || current.material->generations.empty())
      throw api::internal_error();
    current.generation = &current.material->generations.back();
    if (shared_.invocations.take(*current.key, *current.material, *current.generation))
      return current;
    key = next_generation(current, deadline);
  }
}

keys::KeyPtr TokenKeyStore::next_generation(const Current& used_up, Deadline deadline) {
  // No key of ours could come back with the customer's material after that was deleted.
  if (used_up.material->imported) {
    throw api::invalid_state("The key material of " + used_up.key->arn() +
                             " has been used too often; rotate to new key material.");
  }
  const pkcs11::KeyKind kind = kind_of(used_up.generation->ref);
  const std::string arn = used_up.key->arn();
  const Generations::Maker maker{
      .reserve = [&] { return reserve(kind, deadline); },
      .make =
          [&](const std::optional<pkcs11::MaterialRef>& reserved) {
            return make(kind, reserved, arn, deadline);
          },
      .destroy = [&](const pkcs11::MaterialRef& ref) { (void)destroy(ref, deadline); },
      .relatives =
          [&](const keys::KeyRecord& key) {
            return shared_.related_keys.following(key, deadline);
          }};
  return shared_.generations.after(*used_up.key, used_up.material->id, used_up.generation->number,
                                   maker, deadline);
}

Encrypted TokenKeyStore::encrypt(const keys::AuthorizedKey& key, ByteView plaintext,
                                 const keys::EncryptionContext& context, Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    const Current use = current(key.pointer(), deadline);
    const keys::CiphertextHeader header = use.header();
    const pkcs11::GcmCiphertext made = token.gcm_encrypt(
        use.generation->ref, plaintext, keys::additional_data(header, context), deadline);
    return Encrypted{.ciphertext = keys::encode(header, made.iv, made.data),
                     .material_id = use.material->id};
  });
}

std::optional<SecretBytes> TokenKeyStore::decrypt(const keys::AuthorizedKey& key,
                                                  const keys::Ciphertext& ciphertext,
                                                  const keys::EncryptionContext& context,
                                                  Deadline deadline) {
  const keys::CiphertextHeader& header = ciphertext.header;
  const keys::Material* material = key.record().material(header.material_id);
  if (material == nullptr) return std::nullopt;
  const auto generation =
      std::ranges::find(material->generations, header.generation, &keys::Generation::number);
  if (generation == material->generations.end()) return std::nullopt;
  return with_token(deadline, [&](auto& token) {
    return token.gcm_decrypt(generation->ref, ciphertext.iv, ciphertext.data,
                             keys::additional_data(header, context), deadline);
  });
}

DataKey TokenKeyStore::generate_data_key(const keys::AuthorizedKey& key, std::size_t size,
                                         const keys::EncryptionContext& context,
                                         Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    const Current use = current(key.pointer(), deadline);
    const keys::CiphertextHeader header = use.header();
    pkcs11::SealedRandom made = token.generate_sealed(
        use.generation->ref, size, keys::additional_data(header, context), deadline);
    return DataKey{.plaintext = std::move(made.plaintext),
                   .ciphertext = keys::encode(header, made.ciphertext.iv, made.ciphertext.data),
                   .material_id = use.material->id};
  });
}

DataKeyPair TokenKeyStore::generate_data_key_pair(const keys::AuthorizedKey& key,
                                                  pkcs11::KeyKind kind,
                                                  const keys::EncryptionContext& context,
                                                  Deadline deadline) {
  pkcs11::DataKeyPair made = with_token(
      deadline, [&](auto& token) { return token.generate_data_key_pair(kind, deadline); });
  Encrypted encrypted = encrypt(key, made.private_key.view(), context, deadline);
  return {.private_key = std::move(made.private_key),
          .public_key = std::move(made.public_key),
          .ciphertext = std::move(encrypted.ciphertext),
          .material_id = std::move(encrypted.material_id)};
}

bool TokenKeyStore::signs(pkcs11::SignatureScheme scheme, pkcs11::MessageForm form,
                          Deadline deadline) {
  return with_token(deadline, [&](auto& token) { return token.signs(scheme, form, deadline); });
}

Bytes TokenKeyStore::sign(const keys::AuthorizedKey& key, pkcs11::SignatureScheme scheme,
                          pkcs11::MessageForm form, ByteView message, Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    return token.sign(material_of(key), scheme, form, message, deadline);
  });
}

bool TokenKeyStore::verify(const keys::AuthorizedKey& key, pkcs11::SignatureScheme scheme,
                           pkcs11::MessageForm form, ByteView message, ByteView signature,
                           Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    return token.verify(material_of(key), scheme, form, message, signature, deadline);
  });
}

Bytes TokenKeyStore::generate_mac(const keys::AuthorizedKey& key, ByteView message,
                                  Deadline deadline) {
  return with_token(deadline,
                    [&](auto& token) { return token.mac(material_of(key), message, deadline); });
}

bool TokenKeyStore::verify_mac(const keys::AuthorizedKey& key, ByteView message, ByteView mac,
                               Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    return token.verify_mac(material_of(key), message, mac, deadline);
  });
}

Bytes TokenKeyStore::rsa_encrypt(const keys::AuthorizedKey& key, pkcs11::OaepHash hash,
                                 ByteView plaintext, Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    return token.oaep_encrypt(material_of(key), hash, plaintext, deadline);
  });
}

std::optional<SecretBytes> TokenKeyStore::rsa_decrypt(const keys::AuthorizedKey& key,
                                                      pkcs11::OaepHash hash, ByteView ciphertext,
                                                      Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    return token.oaep_decrypt(material_of(key), hash, ciphertext, deadline);
  });
}

std::optional<SecretBytes> TokenKeyStore::derive(const keys::AuthorizedKey& key, ByteView peer,
                                                 Deadline deadline) {
  return with_token(deadline,
                    [&](auto& token) { return token.ecdh(material_of(key), peer, deadline); });
}

ImportParameters TokenKeyStore::import_parameters(const keys::AuthorizedKey& key,
                                                  pkcs11::ImportScheme scheme,
                                                  pkcs11::KeyKind wrapping_key, Timestamp valid_to,
                                                  Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    pkcs11::WrappedMaterial made = token.generate_wrapped(wrapping_key, deadline);
    Bytes sealed = seal_import_token(token, key.arn(), scheme, valid_to, made, deadline);
    return ImportParameters{.token = std::move(sealed), .public_key = std::move(made.public_key)};
  });
}

std::optional<keys::ImportToken> TokenKeyStore::open_import_token(const keys::AuthorizedKey& key,
                                                                  ByteView token,
                                                                  Deadline deadline) {
  const auto sealed = keys::parse_import_token(token);
  if (!sealed || sealed->header.key_arn != key.arn()) return std::nullopt;
  auto wrapping_key = with_token(
      deadline, [&](auto& hsm) { return keystores::open_import_token(hsm, *sealed, deadline); });
  if (!wrapping_key) return std::nullopt;
  return keys::ImportToken{.scheme = sealed->header.scheme,
                           .valid_to = sealed->header.valid_to,
                           .wrapping_key = std::move(*wrapping_key)};
}

std::variant<ImportedMaterial, pkcs11::ImportFault> TokenKeyStore::import_material(
    const keys::AuthorizedKey& key, const keys::ImportToken& token, ByteView encrypted,
    const std::optional<pkcs11::MaterialRef>& reserved, Deadline deadline) {
  using Result = std::variant<ImportedMaterial, pkcs11::ImportFault>;
  std::optional<std::pair<pkcs11::ObjectId, std::string>> as;
  if (reserved) as.emplace(std::get<pkcs11::ObjectMaterial>(*reserved).id, key.arn());
  return with_token(deadline, [&](auto& hsm) -> Result {
    auto result = hsm.import_material(token.wrapping_key, token.scheme, encrypted,
                                      *keys::key_spec(key.record().spec).kind, as, deadline);
    if (const auto* fault = std::get_if<pkcs11::ImportFault>(&result)) return *fault;
    auto& ref = std::get<pkcs11::MaterialRef>(result);
    Bytes fingerprint = hsm.fingerprint(ref, deadline);
    return ImportedMaterial{.ref = std::move(ref), .fingerprint = std::move(fingerprint)};
  });
}

SecretBytes TokenKeyStore::random(std::size_t size, Deadline deadline) {
  return with_token(deadline, [&](auto& token) {
    SecretBytes bytes(size);
    token.random(bytes.span(), deadline);
    return bytes;
  });
}

}  // namespace kms::keystores
