#include "connector/keystores/token_key_store.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "connector/api/error.h"

namespace kms::keystores {
namespace {

pkcs11::KeyKind kind_of(const pkcs11::MaterialRef& ref) {
  return std::visit([](const auto& material) { return material.kind; }, ref);
}

}  // namespace

TokenKeyStore::TokenKeyStore(std::shared_ptr<TokenHandle> token, TokenRole role,
                             const Shared& shared)
    : token_(std::move(token)), role_(role), shared_(shared) {}

std::optional<pkcs11::MaterialRef> TokenKeyStore::reserve(pkcs11::KeyKind kind) {
  if (role_ == TokenRole::region) {
    const pkcs11::Token* token = token_->get();
    if (token == nullptr) throw api_error(pkcs11::Failure::token_absent, role_);
    if (token->capabilities().wrap_kwp) return std::nullopt;
  }
  pkcs11::ObjectMaterial object{.kind = kind};
  shared_.random.fill(object.id);
  return object;
}

pkcs11::MaterialRef TokenKeyStore::make(pkcs11::KeyKind kind,
                                        const std::optional<pkcs11::MaterialRef>& reserved,
                                        const std::string& key_arn, Deadline deadline) {
  return translated(role_, [&]() -> pkcs11::MaterialRef {
    pkcs11::Token& token = token_->wait(deadline);
    if (!reserved) return token.generate_wrapped(kind, deadline);
    const auto& object = std::get<pkcs11::ObjectMaterial>(*reserved);
    token.generate_object(kind, object.id, key_arn, deadline);
    return object;
  });
}

bool TokenKeyStore::destroy(const pkcs11::MaterialRef& ref, Deadline deadline) {
  const auto* object = std::get_if<pkcs11::ObjectMaterial>(&ref);
  if (object == nullptr) return true;
  return translated(role_,
                    [&] { return token_->wait(deadline).destroy_object(object->id, deadline); });
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
  const pkcs11::KeyKind kind = kind_of(used_up.generation->ref);
  const std::string arn = used_up.key->arn();
  const Generations::Maker maker{
      .reserve = [&] { return reserve(kind); },
      .make =
          [&](const std::optional<pkcs11::MaterialRef>& reserved, bool again) {
            const auto* object =
                reserved ? std::get_if<pkcs11::ObjectMaterial>(&*reserved) : nullptr;
            if (again && object != nullptr &&
                token_->wait(deadline).has_object(object->id, deadline)) {
              return *reserved;
            }
            return make(kind, reserved, arn, deadline);
          }};
  return shared_.generations.after(*used_up.key, used_up.material->id, used_up.generation->number,
                                   maker, deadline);
}

Encrypted TokenKeyStore::encrypt(const keys::AuthorizedKey& key, ByteView plaintext,
                                 const keys::EncryptionContext& context, Deadline deadline) {
  return translated(role_, [&] {
    pkcs11::Token& token = token_->wait(deadline);
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
  return translated(role_, [&] {
    return token_->wait(deadline).gcm_decrypt(generation->ref, ciphertext.iv, ciphertext.data,
                                              keys::additional_data(header, context), deadline);
  });
}

DataKey TokenKeyStore::generate_data_key(const keys::AuthorizedKey& key, std::size_t size,
                                         const keys::EncryptionContext& context,
                                         Deadline deadline) {
  return translated(role_, [&] {
    pkcs11::Token& token = token_->wait(deadline);
    const Current use = current(key.pointer(), deadline);
    const keys::CiphertextHeader header = use.header();
    pkcs11::SealedRandom made = token.generate_sealed(
        use.generation->ref, size, keys::additional_data(header, context), deadline);
    return DataKey{.plaintext = std::move(made.plaintext),
                   .ciphertext = keys::encode(header, made.ciphertext.iv, made.ciphertext.data),
                   .material_id = use.material->id};
  });
}

SecretBytes TokenKeyStore::random(std::size_t size, Deadline deadline) {
  return translated(role_, [&] {
    SecretBytes bytes(size);
    token_->wait(deadline).random(bytes.span(), deadline);
    return bytes;
  });
}

}  // namespace kms::keystores
