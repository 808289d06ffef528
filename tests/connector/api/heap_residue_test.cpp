#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstring>

#include "connector/api/redact.h"
#include "connector/api/shapes.h"
#include "tests/connector/api/decoding.h"

// Nothing secret stays behind in memory that is given back to the heap: every block that free() or
// realloc() takes while the watch is on is searched first. (A sanitizer has its own free(), so
// there the test does not run.)
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KMS_FOREIGN_HEAP 1
#endif
#endif
#else
#define KMS_FOREIGN_HEAP 1
#endif

#ifndef KMS_FOREIGN_HEAP
namespace {

constexpr std::string_view kSecret = "correct horse battery staple!";
constexpr std::string_view kSecretBase64 = "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSE=";
constexpr std::size_t kFragment = 8;  // so much of it already counts

std::atomic<bool> watching = false;
std::atomic<int> found = 0;

bool holds_part_of(const char* block, std::size_t size, std::string_view secret) {
  for (std::size_t i = 0; i + kFragment <= secret.size(); ++i) {
    if (memmem(block, size, secret.data() + i, kFragment) != nullptr) return true;
  }
  return false;
}

void search(void* block) {
  if (block == nullptr || !watching) return;
  watching = false;
  const auto* const bytes = static_cast<const char*>(block);
  const std::size_t size = malloc_usable_size(block);
  if (holds_part_of(bytes, size, kSecret) || holds_part_of(bytes, size, kSecretBase64)) ++found;
  watching = true;
}

}  // namespace

extern "C" {
void __libc_free(void* block);
void* __libc_realloc(void* block, std::size_t size);
__attribute__((visibility("default"))) void free(void* block) {
  search(block);
  __libc_free(block);
}
__attribute__((visibility("default"))) void* realloc(void* block, std::size_t size) {
  search(block);
  return __libc_realloc(block, size);
}
}

namespace kms::api {
namespace {

/// How many freed blocks held a part of the secret while `body` ran.
template <class Body>
int residues(const Body& body) {
  found = 0;
  watching = true;
  body();
  watching = false;
  return found;
}

SecretBytes request(std::string_view before, std::string_view secret, std::string_view after) {
  SecretBytes body;
  body.append(before);
  body.append(secret);
  body.append(after);
  return body;
}

std::span<char> text_of(SecretBytes& body) {
  return {reinterpret_cast<char*>(body.data()), body.size()};
}

TEST(HeapResidue, TheWatchSeesACopy) {
  EXPECT_EQ(residues([] { const std::string copy(kSecret); }), 1);
  EXPECT_EQ(residues([] { const std::string copy(kSecretBase64); }), 1);
  EXPECT_EQ(residues([] { const SecretBytes copy = SecretBytes::copy_of(kSecret); }), 0);
}

TEST(HeapResidue, NoneOfAPlaintext) {
  const int count = residues([] {
    SecretBytes body = request(R"({"KeyId":"k","Plaintext":")", kSecretBase64,
                               R"(","EncryptionContext":{"a":"b"}})");
    const auto decoded = decode<EncryptRequest>(text_of(body));
    ASSERT_EQ(decoded.plaintext.text(), kSecret);
    ASSERT_EQ(
        request_parameters(decoded),
        R"({"keyId":"k","encryptionContext":{"a":"b"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"})");
    const SecretBytes answer =
        encode(DecryptResponse{.key_id = "k", .plaintext = decoded.plaintext.clone()});
    ASSERT_EQ(answer.text(),
              R"({"KeyId":"k","Plaintext":"Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSE="})");
  });
  EXPECT_EQ(count, 0);
}

TEST(HeapResidue, NoneOfAPlaintextThatGrowsTheAnswer) {
  const int count = residues([] {
    SecretBytes plaintext;
    while (plaintext.size() < 4000) plaintext.append(kSecret);
    const SecretBytes answer =
        encode(GenerateDataKeyPairResponse{.private_key_plaintext = std::move(plaintext),
                                           .public_key = Blob(Bytes(4000)),
                                           .key_id = std::string(2000, 'k')});
    ASSERT_GT(answer.size(), 8000U);
  });
  EXPECT_EQ(count, 0);
}

TEST(HeapResidue, NoneOfAnEscapedPassword) {
  const int count = residues([] {
    SecretBytes body = request(R"({"CustomKeyStoreId":"cks-1","KeyStorePassword":"\u0063)",
                               kSecret.substr(1), "\"}");
    const auto decoded = decode<UpdateCustomKeyStoreRequest>(text_of(body));
    ASSERT_EQ(decoded.key_store_password->text(), kSecret);
  });
  EXPECT_EQ(count, 0);
}

TEST(HeapResidue, NoneOfWhatIsRefused) {
  const auto refused = [](std::string_view before, std::string_view after) {
    return residues([&] {
      SecretBytes body = request(before, kSecretBase64, after);
      ASSERT_THROW(static_cast<void>(decode<EncryptRequest>(text_of(body))), Error);
    });
  };
  EXPECT_EQ(refused(R"({"Plaintext":")", "\"}"), 0);                  // no KeyId
  EXPECT_EQ(refused(R"({"KeyId":"k","Plaintext":")", "x\"}"), 0);     // bad length
  EXPECT_EQ(refused(R"({"KeyId":"k","Plaintext":")", "!!!!\"}"), 0);  // bad characters
  EXPECT_EQ(refused(R"({"KeyId":"k","Plaintext":")", "\"} trailing"), 0);
  EXPECT_EQ(refused(R"({"KeyId":1,"Plaintext":")", "\"}"), 0);
  EXPECT_EQ(refused(R"({"KeyId":"k","Plaintext":["])", "\"]}"), 0);
  EXPECT_EQ(residues([] {
              SecretBytes body = request(R"({"CustomKeyStoreId":"c","KeyStorePassword":")", kSecret,
                                         "................\"}");
              ASSERT_THROW(static_cast<void>(decode<UpdateCustomKeyStoreRequest>(text_of(body))),
                           Error);
            }),
            0);
}

}  // namespace
}  // namespace kms::api
#endif  // KMS_FOREIGN_HEAP
