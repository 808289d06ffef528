#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "connector/storage/metadata_store.h"

// How single values stand in a column, for reading and writing alike.
namespace kms::storage {

template <class Value>
struct Named {
  Value value;
  std::string_view name;
};
template <class Value>
Named(Value, std::string_view) -> Named<Value>;

constexpr std::array kStateNames{
    Named{keys::StoredState::creating, "creating"},
    Named{keys::StoredState::enabled, "enabled"},
    Named{keys::StoredState::disabled, "disabled"},
    Named{keys::StoredState::pending_deletion, "pending_deletion"},
    Named{keys::StoredState::pending_replica_deletion, "pending_replica_deletion"},
    Named{keys::StoredState::pending_import, "pending_import"},
    Named{keys::StoredState::deleting, "deleting"},
};
constexpr std::array kKeyKindNames{
    Named{pkcs11::KeyKind::aes_256, "aes_256"},
    Named{pkcs11::KeyKind::rsa_2048, "rsa_2048"},
    Named{pkcs11::KeyKind::rsa_3072, "rsa_3072"},
    Named{pkcs11::KeyKind::rsa_4096, "rsa_4096"},
    Named{pkcs11::KeyKind::ec_p256, "ec_p256"},
    Named{pkcs11::KeyKind::ec_p384, "ec_p384"},
    Named{pkcs11::KeyKind::ec_p521, "ec_p521"},
    Named{pkcs11::KeyKind::ec_secp256k1, "ec_secp256k1"},
    Named{pkcs11::KeyKind::ed25519, "ed25519"},
    Named{pkcs11::KeyKind::hmac_224, "hmac_224"},
    Named{pkcs11::KeyKind::hmac_256, "hmac_256"},
    Named{pkcs11::KeyKind::hmac_384, "hmac_384"},
    Named{pkcs11::KeyKind::hmac_512, "hmac_512"},
    Named{pkcs11::KeyKind::ml_dsa_44, "ml_dsa_44"},
    Named{pkcs11::KeyKind::ml_dsa_65, "ml_dsa_65"},
    Named{pkcs11::KeyKind::ml_dsa_87, "ml_dsa_87"},
};

template <class Names, class Value>
std::string_view name_in(const Names& names, Value value) {
  for (const auto& named : names) {
    if (named.value == value) return named.name;
  }
  throw Error(Fault::corrupt, "a value has no name in the database");
}

template <class Names>
auto value_in(const Names& names, std::string_view name) {
  for (const auto& named : names) {
    if (named.name == name) return named.value;
  }
  throw Error(Fault::corrupt, "the database holds the unknown name " + std::string(name));
}

inline std::int64_t milliseconds(Timestamp time) { return time.time_since_epoch().count(); }
inline Timestamp timestamp(std::int64_t count) {
  return Timestamp(std::chrono::milliseconds(count));
}

}  // namespace kms::storage
