#include "connector/keys/algorithms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "connector/api/error.h"
#include "connector/api/schema.h"

namespace kms::keys {
namespace {

using api::KeySpec;
using api::MessageType;
using S = api::SigningAlgorithmSpec;

template <class Function>
std::string outcome(Function&& function) {
  try {
    function();
    return "ok";
  } catch (const api::Error& error) {
    return std::string(error.wire_code()) + ": " + error.message().value_or("(none)");
  }
}

std::string message(KeySpec spec, S algorithm, MessageType type, std::size_t size) {
  return outcome([&] { check_message(key_spec(spec), signing_algorithm(algorithm), type, size); });
}

TEST(AlgorithmTables, HaveEachAlgorithmOnce) {
  std::set<S> signing;
  for (const SigningRow& row : signing_algorithms()) {
    EXPECT_TRUE(signing.insert(row.algorithm).second);
  }
  // SYMMETRIC_DEFAULT is in the enum, but of no key spec.
  EXPECT_FALSE(signing.contains(S::symmetric_default));
  EXPECT_EQ(signing.size(), api::enum_size<S> - 1);
  std::set<api::EncryptionAlgorithmSpec> encryption;
  for (const EncryptionRow& row : encryption_algorithms()) {
    EXPECT_TRUE(encryption.insert(row.algorithm).second);
  }
  EXPECT_EQ(encryption.size(), api::enum_size<api::EncryptionAlgorithmSpec>);
}

TEST(AlgorithmTables, EachSchemeIsThatOfOneAlgorithm) {
  std::set<pkcs11::SignatureScheme> schemes;
  for (const SigningRow& row : signing_algorithms()) {
    if (!row.scheme) continue;
    EXPECT_TRUE(schemes.insert(*row.scheme).second);
  }
  EXPECT_EQ(schemes.size(), signing_algorithms().size() - 1);  // SM2DSA has none
}

TEST(AlgorithmTables, EachAlgorithmOfASpecCanBeChecked) {
  for (const KeySpecRow& spec : key_specs()) {
    for (const S algorithm : spec.signing) {
      EXPECT_EQ(outcome([&] { check_algorithm(spec, algorithm); }), "ok");
    }
    for (std::size_t i = 0; i < api::enum_size<S>; ++i) {
      const auto algorithm = static_cast<S>(i);
      if (std::ranges::find(spec.signing, algorithm) != spec.signing.end()) continue;
      EXPECT_EQ(outcome([&] { check_algorithm(spec, algorithm); }),
                "InvalidKeyUsageException: Algorithm " + std::string(api::to_string(algorithm)) +
                    " is incompatible with key spec " + std::string(api::to_string(spec.spec)) +
                    ".");
    }
  }
}

TEST(MessageTypes, FollowTheAlgorithm) {
  EXPECT_EQ(message(KeySpec::rsa_2048, S::rsassa_pss_sha_256, MessageType::raw, 1), "ok");
  EXPECT_EQ(message(KeySpec::rsa_2048, S::rsassa_pss_sha_256, MessageType::digest, 32), "ok");
  EXPECT_EQ(message(KeySpec::ecc_nist_edwards25519, S::ed25519_sha_512, MessageType::raw, 9), "ok");
  EXPECT_EQ(message(KeySpec::ecc_nist_edwards25519, S::ed25519_ph_sha_512, MessageType::digest, 64),
            "ok");
  EXPECT_EQ(message(KeySpec::ml_dsa_44, S::ml_dsa_shake_256, MessageType::external_mu, 64), "ok");
}

TEST(MessageTypes, AreRefusedInAwsWords) {
  const std::string refused = "ValidationException: Message type ";
  EXPECT_EQ(message(KeySpec::ml_dsa_44, S::ml_dsa_shake_256, MessageType::digest, 64),
            refused + "DIGEST is incompatible with key spec ML_DSA_44.");
  EXPECT_EQ(message(KeySpec::ecc_nist_edwards25519, S::ed25519_sha_512, MessageType::digest, 64),
            refused + "DIGEST is incompatible with algorithm ED25519_SHA_512.");
  EXPECT_EQ(message(KeySpec::ecc_nist_edwards25519, S::ed25519_ph_sha_512, MessageType::raw, 64),
            refused + "RAW is incompatible with algorithm ED25519_PH_SHA_512.");
  EXPECT_EQ(message(KeySpec::rsa_2048, S::rsassa_pss_sha_256, MessageType::external_mu, 64),
            refused + "EXTERNAL_MU is incompatible with key spec RSA_2048.");
}

TEST(MessageTypes, ADigestIsAsLongAsItsHash) {
  for (const KeySpecRow& spec : key_specs()) {
    for (const S algorithm : spec.signing) {
      const SigningRow& row = signing_algorithm(algorithm);
      for (const MessageType type : row.message_types) {
        if (type == MessageType::raw) continue;
        EXPECT_EQ(message(spec.spec, algorithm, type, row.digest_size), "ok");
        for (const std::size_t size : {std::size_t{1}, row.digest_size - 1, row.digest_size + 1}) {
          EXPECT_EQ(message(spec.spec, algorithm, type, size),
                    "ValidationException: Digest is invalid length for algorithm " +
                        std::string(api::to_string(algorithm)) + ".");
        }
      }
    }
  }
}

TEST(MaxPlaintext, IsWhatAwsTells) {
  using E = api::EncryptionAlgorithmSpec;
  const auto most = [](KeySpec spec, E algorithm) {
    return max_plaintext(key_spec(spec), encryption_algorithm(algorithm));
  };
  EXPECT_EQ(most(KeySpec::rsa_2048, E::rsaes_oaep_sha_1), 214U);
  EXPECT_EQ(most(KeySpec::rsa_2048, E::rsaes_oaep_sha_256), 190U);
  EXPECT_EQ(most(KeySpec::rsa_3072, E::rsaes_oaep_sha_1), 342U);
  EXPECT_EQ(most(KeySpec::rsa_3072, E::rsaes_oaep_sha_256), 318U);
  EXPECT_EQ(most(KeySpec::rsa_4096, E::rsaes_oaep_sha_1), 470U);
  EXPECT_EQ(most(KeySpec::rsa_4096, E::rsaes_oaep_sha_256), 446U);
  EXPECT_EQ(most(KeySpec::symmetric_default, E::symmetric_default), 4096U);
}

TEST(KeyKinds, EachIsThatOfOneKeySpec) {
  std::set<pkcs11::KeyKind> kinds;
  for (const KeySpecRow& row : key_specs()) {
    EXPECT_EQ(row.kind.has_value(), row.spec != KeySpec::sm2);
    if (!row.kind) continue;
    EXPECT_TRUE(kinds.insert(*row.kind).second);
    EXPECT_EQ(key_spec(*row.kind).spec, row.spec);
  }
  EXPECT_EQ(kinds.size(), 16U);
}

}  // namespace
}  // namespace kms::keys
