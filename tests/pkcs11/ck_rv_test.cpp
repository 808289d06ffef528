#include "pkcs11/ck_rv.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace pkcs11 {
namespace {

TEST(CkRv, HasARowForEveryValueOfTheHeader) {
  std::ifstream header("/usr/include/p11-kit-1/p11-kit/pkcs11.h");
  ASSERT_TRUE(header) << "libp11-kit-dev is not installed";
  std::set<std::string> known{"CKR_OK", "CKR_VENDOR_DEFINED"};
  for (const CkRv& row : ck_rv_table()) known.insert(row.name);
  std::string line;
  int seen = 0;
  while (std::getline(header, line)) {
    std::istringstream words(line);
    std::string define;
    std::string name;
    words >> define >> name;
    if (define != "#define" || !name.starts_with("CKR_")) continue;
    ++seen;
    EXPECT_TRUE(known.contains(name)) << name;
  }
  EXPECT_GT(seen, 90);
}

TEST(CkRv, TellsWhatEachKindOfFailureCosts) {
  const auto severity = [](CK_RV rv) { return describe(rv).severity; };
  EXPECT_EQ(severity(CKR_SESSION_HANDLE_INVALID), Severity::session);
  EXPECT_EQ(severity(CKR_OPERATION_ACTIVE), Severity::session);
  EXPECT_EQ(severity(CKR_KEY_HANDLE_INVALID), Severity::handle);
  EXPECT_EQ(severity(CKR_OBJECT_HANDLE_INVALID), Severity::handle);
  EXPECT_EQ(severity(CKR_USER_NOT_LOGGED_IN), Severity::token);
  EXPECT_EQ(severity(CKR_DEVICE_ERROR), Severity::token);
  EXPECT_EQ(severity(CKR_TOKEN_NOT_PRESENT), Severity::token);
  EXPECT_EQ(severity(CKR_CRYPTOKI_NOT_INITIALIZED), Severity::module);
  EXPECT_EQ(severity(CKR_GENERAL_ERROR), Severity::suspicious);
  EXPECT_EQ(severity(CKR_PIN_INCORRECT), Severity::caller);
  EXPECT_EQ(severity(CKR_ENCRYPTED_DATA_INVALID), Severity::caller);
  EXPECT_EQ(describe(CKR_PIN_INCORRECT).failure, Failure::pin_incorrect);
  EXPECT_EQ(describe(CKR_PIN_LOCKED).failure, Failure::pin_locked);
  EXPECT_EQ(describe(CKR_DEVICE_REMOVED).failure, Failure::token_absent);
}

TEST(CkRv, DistrustsValuesItDoesNotKnow) {
  EXPECT_EQ(describe(CKR_VENDOR_DEFINED | 0x17).severity, Severity::suspicious);
  EXPECT_STREQ(describe(CKR_VENDOR_DEFINED | 0x17).name, "CKR_VENDOR_DEFINED");
  EXPECT_EQ(describe(0x7777).severity, Severity::suspicious);
}

TEST(CkRv, RaisesWithFunctionNameAndNumber) {
  try {
    raise(CKR_DEVICE_ERROR, "C_Encrypt");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "C_Encrypt: CKR_DEVICE_ERROR (0x30)");
    EXPECT_EQ(error.failure(), Failure::device_error);
    EXPECT_EQ(error.rv(), CKR_DEVICE_ERROR);
  }
  EXPECT_NO_THROW(check(CKR_OK, "C_Encrypt"));
}

TEST(CkRv, NamesEveryFailure) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Failure::other); ++i) {
    names.insert(name(static_cast<Failure>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Failure::other) + 1);
}

}  // namespace
}  // namespace pkcs11
