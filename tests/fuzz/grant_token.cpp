#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "connector/auth/grant_token.h"
#include "connector/base/encodings.h"
#include "connector/storage/open_store.h"
#include "tests/fuzz/support.h"

namespace {

kms::keys::GrantRecord example_grant() {
  kms::keys::GrantRecord grant;
  grant.scope = {.account = "123456789012", .region = "us-east-1"};
  grant.key_id = "1234abcd-12ab-34cd-56ef-1234567890ab";
  grant.id = std::string(64, 'a');
  grant.grantee_principal = "arn:aws:iam::123456789012:user/alice";
  grant.operations = {kms::api::GrantOperation::decrypt};
  grant.token_key = kms::Bytes(32, 7);
  return grant;
}

/// A store with one key and one grant.
std::unique_ptr<kms::storage::MetadataStore> make_store() {
  const auto file = std::filesystem::temp_directory_path() /
                    ("kms-fuzz-grant-token-" + std::to_string(::getpid()));
  auto store = kms::storage::open_sqlite(file.string());
  // The store goes on with the open files.
  for (const char* const suffix : {"", "-wal", "-shm", ".lock"}) {
    std::filesystem::remove(file.string() + suffix);
  }
  kms::keys::KeyRecord key;
  key.scope = example_grant().scope;
  key.id = example_grant().key_id;
  const kms::storage::Change changes[] = {
      kms::storage::Put<kms::keys::KeyRecord>{std::move(key)},
      kms::storage::Put<kms::keys::GrantRecord>{example_grant()}};
  store->commit(changes);
  return store;
}

}  // namespace

// Only a token that the grant made finds it: the input, and a true token with the input's bytes
// added on, which any but zeros must spoil.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto store = make_store();
  static kms::SystemRandom random;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  kms::fuzz::require(kms::auth::find_grant(*store, input) == nullptr, "no grant made this token");

  const kms::Bytes token = *kms::from_base64(kms::auth::make_grant_token(example_grant(), random));
  kms::Bytes changed = token;
  for (std::size_t i = 0; i < size && i < changed.size(); ++i) {
    changed[i] = static_cast<std::uint8_t>(changed[i] ^ data[i]);
  }
  const bool found = kms::auth::find_grant(*store, kms::to_base64(changed)) != nullptr;
  kms::fuzz::require(found == (changed == token), "a changed token finds nothing");
  return 0;
}
