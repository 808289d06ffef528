#pragma once

#include <openssl/rand.h>

#include <stdexcept>
#include <string>

#include "tests/support/key_material.h"
#include "tests/support/public_keys.h"
#include "tests/support/service/asymmetric.h"

// Requests of the operations on imported key material.
namespace kms::test {

inline constexpr const char* kForever = R"(,"ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE")";

inline Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  if (RAND_bytes(bytes.data(), static_cast<int>(size)) != 1) throw std::runtime_error("RAND_bytes");
  return bytes;
}

/// PrivateKeyInfo of a fresh key: "RSA:<bits>", "ED25519", or a curve of OpenSSL's.
inline Bytes private_key(const std::string& type) {
  if (type == "ED25519") return make_ed25519().private_key;
  if (type.starts_with("RSA:")) {
    return make_rsa(static_cast<unsigned>(std::stoul(type.substr(4)))).private_key;
  }
  return make_ec(type).private_key;
}

inline std::string external_key_of(const std::string& spec, const std::string& usage) {
  return R"({"Origin":"EXTERNAL","KeySpec":")" + spec + R"(","KeyUsage":")" + usage + "\"}";
}

inline std::string parameters_body(const std::string& key, const std::string& algorithm,
                                   const std::string& wrapping_key = "RSA_2048") {
  return "{\"KeyId\":\"" + key + "\"" + member("WrappingAlgorithm", std::string_view(algorithm)) +
         member("WrappingKeySpec", std::string_view(wrapping_key)) + "}";
}

/// What GetParametersForImport gave, and how to wrap for it.
struct Parameters {
  pkcs11::ImportScheme scheme;
  Bytes token;
  Bytes public_key;
};

inline pkcs11::ImportScheme scheme_of(const std::string& algorithm) {
  using enum pkcs11::ImportScheme;
  if (algorithm == "RSAES_OAEP_SHA_1") return oaep_sha1;
  if (algorithm == "RSAES_OAEP_SHA_256") return oaep_sha256;
  return algorithm == "RSA_AES_KEY_WRAP_SHA_1" ? rsa_aes_sha1 : rsa_aes_sha256;
}

inline Parameters parameters(Harness& kms, const std::string& key,
                             const std::string& algorithm = "RSAES_OAEP_SHA_256",
                             const std::string& wrapping_key = "RSA_2048") {
  const Answer got =
      kms.ok("GetParametersForImport", parameters_body(key, algorithm, wrapping_key));
  return {.scheme = scheme_of(algorithm),
          .token = bytes_at(got, "ImportToken"),
          .public_key = bytes_at(got, "PublicKey")};
}

inline std::string import_body(const std::string& key, ByteView token, ByteView encrypted,
                               const std::string& more = kForever) {
  return "{\"KeyId\":\"" + key + "\"" + member("ImportToken", token) +
         member("EncryptedKeyMaterial", encrypted) + more + "}";
}

inline Answer import(Harness& kms, const std::string& key, const Parameters& with,
                     ByteView material, const std::string& more = kForever) {
  const Bytes encrypted = wrap_for_import(with.public_key, with.scheme, material);
  return kms.call("ImportKeyMaterial", import_body(key, with.token, encrypted, more));
}

inline Answer describe(Harness& kms, const std::string& key) {
  return kms.ok("DescribeKey", id_of(key));
}

}  // namespace kms::test
