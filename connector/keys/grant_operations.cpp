#include "connector/keys/grant_operations.h"

namespace kms::keys {
namespace {

using enum api::GrantOperation;
using Operations = std::vector<api::GrantOperation>;

Operations by_usage(const KeyRecord& key) {
  switch (key.usage) {
    case api::KeyUsageType::encrypt_decrypt:
      if (key.spec != api::KeySpec::symmetric_default) {
        return {encrypt, decrypt, re_encrypt_from, re_encrypt_to, get_public_key};
      }
      return {encrypt,
              decrypt,
              re_encrypt_from,
              re_encrypt_to,
              generate_data_key,
              generate_data_key_without_plaintext,
              generate_data_key_pair,
              generate_data_key_pair_without_plaintext};
    case api::KeyUsageType::sign_verify:
      return {sign, verify, get_public_key};
    case api::KeyUsageType::generate_verify_mac:
      return {generate_mac, verify_mac};
    case api::KeyUsageType::key_agreement:
      return {derive_shared_secret, get_public_key};
  }
  return {};
}

}  // namespace

std::vector<api::GrantOperation> grant_operations(const KeyRecord& key) {
  Operations operations = by_usage(key);
  for (const auto always : {create_grant, retire_grant, describe_key}) {
    operations.push_back(always);
  }
  return operations;
}

}  // namespace kms::keys
