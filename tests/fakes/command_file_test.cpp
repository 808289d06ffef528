#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "tests/fakes/pkcs11_proxy/control.h"
#include "tests/fakes/pkcs11_proxy/cryptoki.h"
#include "tests/support/process.h"
#include "tests/support/softhsm.h"

namespace {

using namespace std::chrono_literals;
using kms::test::SoftHsm;

constexpr auto kSoon = 10s;
constexpr CK_FLAGS kReadWrite = CKF_SERIAL_SESSION | CKF_RW_SESSION;

// The other process of the tests below: this program with this test alone.
TEST(ProxyCommandFile, DISABLED_Child) {
  pkcs11_proxy::control(KMS_PROXY_MODULE);
  void* library = ::dlopen(KMS_PROXY_MODULE, RTLD_NOW | RTLD_LOCAL);
  void* symbol = ::dlsym(library, "C_GetFunctionList");
  CK_FUNCTION_LIST* p11 = nullptr;
  ASSERT_EQ(reinterpret_cast<CK_C_GetFunctionList>(symbol)(&p11), CKR_OK);
  ASSERT_EQ(p11->C_Initialize(nullptr), CKR_OK);
  std::array<CK_SLOT_ID, 2> slots{};
  unsigned long size = slots.size();
  CK_SESSION_HANDLE session = 0;
  ASSERT_EQ(p11->C_GetSlotList(CK_TRUE, slots.data(), &size), CKR_OK);
  ASSERT_EQ(p11->C_OpenSession(slots[0], kReadWrite, nullptr, nullptr, &session), CKR_OK);
  std::array<unsigned char, 8> bytes{};
  const CK_RV rv = p11->C_GenerateRandom(session, bytes.data(), bytes.size());
  EXPECT_EQ(p11->C_Finalize(nullptr), CKR_OK);
  std::printf("C_GenerateRandom answered %lu\n", rv);
}

kms::test::Command child(const std::filesystem::path& commands) {
  return {.arguments = {std::filesystem::read_symlink("/proc/self/exe").string(),
                        "--gtest_also_run_disabled_tests",
                        "--gtest_filter=ProxyCommandFile.DISABLED_Child"},
          .environment = {{"KMS_PROXY_CONTROL", commands.string()}}};
}

TEST(ProxyCommandFile, IsObeyedWhenTheModuleIsLoaded) {
  const SoftHsm hsm;
  hsm.add_token("one");
  const kms::test::TempDir dir;
  const std::string counters = (dir.path() / "counters").string();
  const auto commands = dir.write("commands",
                                  "# faults\n"
                                  "fail C_GenerateRandom 0x30 after 1 times forever\n"
                                  "sessions 4\n"
                                  "latency C_GetInfo 10\n"
                                  "hide_mechanism 0x1087 0x1080\n"
                                  "counters " +
                                      counters + "\n");
  EXPECT_THAT(kms::test::run_ok(child(commands)).output,
              testing::HasSubstr("C_GenerateRandom answered 0\n"));
  EXPECT_EQ(kms::test::read_file(counters), "tripped 0\nopen_sessions 0\n");

  dir.write("commands", "fail C_GenerateRandom 0x30\n");
  EXPECT_THAT(kms::test::run_ok(child(commands)).output,
              testing::HasSubstr("C_GenerateRandom answered 48\n"));

  dir.write("commands", "fail C_Nothing 0x30\n");
  EXPECT_THAT(kms::test::run(child(commands)).error_output,
              testing::HasSubstr("fail C_Nothing 0x30: no Cryptoki function C_Nothing"));
}

// Waits until the proxy has written it.
std::string appeared(const std::filesystem::path& path) {
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  while (!std::filesystem::exists(path)) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("no " + path.string());
    std::this_thread::yield();
  }
  return "\n" + kms::test::read_file(path);
}

TEST(ProxyCommandFile, IsObeyedAgainWhenItChanges) {
  const SoftHsm hsm;
  hsm.add_token("one");
  const kms::test::TempDir dir;
  const auto answer = [&](int i) { return dir.path() / ("counters" + std::to_string(i)); };
  const auto commands =
      dir.write("commands", "hang C_GenerateRandom\ncounters " + answer(0).string() + "\n");
  kms::test::Process tool(child(commands));
  std::string seen = appeared(answer(0));
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  for (int i = 1; seen.find("\nC_GenerateRandom 1 0\n") == std::string::npos; ++i) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::filesystem::rename(dir.write("next", "counters " + answer(i).string() + "\n"), commands);
    seen = appeared(answer(i));
  }
  std::filesystem::rename(dir.write("next", "release\n"), commands);
  EXPECT_EQ(tool.wait(kSoon), 0);
}

}  // namespace
