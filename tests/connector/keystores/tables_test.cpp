#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "connector/keystores/connection_error.h"
#include "connector/keystores/token_error.h"

namespace kms::keystores {
namespace {

using pkcs11::Failure;

constexpr std::pair<Failure, Failure> kAll{Failure::module_not_loadable, Failure::other};

std::vector<Failure> all_failures() {
  std::vector<Failure> all;
  for (int i = static_cast<int>(kAll.first); i <= static_cast<int>(kAll.second); ++i) {
    all.push_back(static_cast<Failure>(i));
  }
  return all;
}

std::string told(Failure failure, TokenRole role) {
  const api::Error error = api_error(failure, role);
  return std::to_string(error.http_status()) + " " + std::string(error.wire_code());
}

TEST(TokenError, OfARegionIsAnInternalErrorUnlessTheMechanismIsMissing) {
  for (const Failure failure : all_failures()) {
    EXPECT_EQ(told(failure, TokenRole::region), failure == Failure::unsupported
                                                    ? "400 UnsupportedOperationException"
                                                    : "500 KMSInternalException")
        << pkcs11::name(failure);
  }
}

TEST(TokenError, OfACustomKeyStoreIsTheStateOfTheCluster) {
  const std::map<Failure, std::string> others{
      {Failure::sessions_exhausted, "500 KMSInternalException"},
      {Failure::material_rejected, "500 KMSInternalException"},
      {Failure::bad_argument, "500 KMSInternalException"},
      {Failure::unsupported, "400 UnsupportedOperationException"}};
  for (const Failure failure : all_failures()) {
    const auto other = others.find(failure);
    EXPECT_EQ(told(failure, TokenRole::custom),
              other == others.end() ? "400 KMSInvalidStateException" : other->second)
        << pkcs11::name(failure);
  }
  EXPECT_EQ(api_error(Failure::token_absent, TokenRole::custom).message(),
            "KMS cannot communicate with your CloudHSM cluster");
}

TEST(TokenError, IsNeverABadCiphertext) {
  for (const Failure failure : all_failures()) {
    for (const TokenRole role : {TokenRole::region, TokenRole::custom}) {
      EXPECT_NE(api_error(failure, role).code(), api::ErrorCode::invalid_ciphertext);
    }
  }
}

TEST(ConnectionError, OfEachFailure) {
  const std::map<Failure, std::string_view> codes{
      {Failure::module_not_loadable, "INTERNAL_ERROR"},
      {Failure::token_not_found, "INSUFFICIENT_CLOUDHSM_HSMS"},
      {Failure::token_ambiguous, "INTERNAL_ERROR"},
      {Failure::token_absent, "INSUFFICIENT_CLOUDHSM_HSMS"},
      {Failure::device_error, "NETWORK_ERRORS"},
      {Failure::pin_incorrect, "INVALID_CREDENTIALS"},
      {Failure::pin_locked, "USER_LOCKED_OUT"},
      {Failure::pin_not_initialized, "USER_NOT_FOUND"},
      {Failure::user_logged_in_elsewhere, "USER_LOGGED_IN"},
      {Failure::sessions_exhausted, "INTERNAL_ERROR"},
      {Failure::deadline_exceeded, "NETWORK_ERRORS"},
      {Failure::key_not_found, "INTERNAL_ERROR"},
      {Failure::unsupported, "INTERNAL_ERROR"},
      {Failure::material_rejected, "INTERNAL_ERROR"},
      {Failure::bad_argument, "INTERNAL_ERROR"},
      {Failure::other, "INTERNAL_ERROR"}};
  for (const Failure failure : all_failures()) {
    EXPECT_EQ(api::to_string(connection_error(pkcs11::Error(failure, ""))), codes.at(failure))
        << pkcs11::name(failure);
  }
}

TEST(ConnectionError, TellsTheModulesFaultFromTheNetworks) {
  const auto code = [](unsigned long rv) {
    return api::to_string(connection_error(pkcs11::Error(Failure::device_error, "", rv)));
  };
  EXPECT_EQ(code(0x30), "NETWORK_ERRORS");  // CKR_DEVICE_ERROR
  EXPECT_EQ(code(0x05), "INTERNAL_ERROR");  // CKR_GENERAL_ERROR
  EXPECT_EQ(code(0x02), "INTERNAL_ERROR");  // CKR_HOST_MEMORY
}

}  // namespace
}  // namespace kms::keystores
