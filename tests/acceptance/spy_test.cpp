#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/daemon_process.h"

// What a module in front of SoftHSM sees of the daemon's requests: every encryption, decryption,
// data key and random number is made in the token, by as many Cryptoki calls as are needed and no
// more.

namespace kms::test {
namespace {

constexpr std::uint64_t kCalls = 20;

using Counts = std::map<std::string, std::uint64_t>;

struct Request {
  std::string operation;
  std::string body;
  Counts calls;  // that it costs the token
};

/// The calls of a reconciliation are not of a request.
void await_reconciliation(const DaemonProcess& daemon, const std::string& token) {
  const auto line = daemon.process().wait_for_error_line(
      [&](std::string_view text) {
        return text.find("tokens and records agree:") != text.npos &&
               text.find(" " + token) != text.npos;
      },
      std::chrono::seconds(30));
  if (!line) throw std::runtime_error(daemon.process().error_output());
}

/// A Region's key and one of a custom key store, both used before.
struct Keys {
  explicit Keys(DaemonProcess& daemon) : client(daemon.port()) {
    store = daemon.connected_store("store");
    await_reconciliation(daemon, store);
    region_key = client.ok("CreateKey", "{}").at("/KeyMetadata/Arn");
    store_key =
        client
            .ok("CreateKey",
                "{\"Origin\":\"AWS_CLOUDHSM\",\"CustomKeyStoreId\":" + json_literal(store) + "}")
            .at("/KeyMetadata/Arn");
  }

  /// All that is done with one of them.
  std::vector<Request> requests(const std::string& key) {
    const std::string id = "{\"KeyId\":" + json_literal(key);
    const std::string encrypt = id + R"(,"Plaintext":"cGxhaW50ZXh0"})";
    const std::string blob = json_literal(client.ok("Encrypt", encrypt).at("/CiphertextBlob"));
    const Counts sealing{{"C_GenerateRandom", 1}, {"C_EncryptInit", 1}, {"C_Encrypt", 1}};
    const Counts opening{{"C_DecryptInit", 1}, {"C_Decrypt", 1}};
    Counts both = sealing;
    both.insert(opening.begin(), opening.end());
    std::string random = R"({"NumberOfBytes":32)";
    if (key == store_key) random += ",\"CustomKeyStoreId\":" + json_literal(store);
    return {
        {"Encrypt", encrypt, sealing},
        {"Decrypt", "{\"CiphertextBlob\":" + blob + "}", opening},
        {"ReEncrypt",
         "{\"CiphertextBlob\":" + blob + ",\"DestinationKeyId\":" + json_literal(key) + "}", both},
        {"GenerateDataKey", id + R"(,"KeySpec":"AES_256"})", sealing},
        {"GenerateDataKeyWithoutPlaintext", id + R"(,"KeySpec":"AES_256"})", sealing},
        {"GenerateRandom", random + "}", {{"C_GenerateRandom", 1}}}};
  }

  ApiClient client;
  std::string store;
  std::string region_key;
  std::string store_key;
};

/// kCalls times the counts, but for what the health check asks in between.
Counts times_calls(Counts counts) {
  for (auto& [name, count] : counts) count *= kCalls;
  return counts;
}

/// The fault-injecting module, whose tripwire ends the daemon when the value of a key is asked for.
class Proxied {
 public:
  Proxied()
      : daemon(KMS_CONNECTORD, {.module = SoftHsm::proxy_path(),
                                .environment = {{"KMS_PROXY_CONTROL", commands_file().string()},
                                                {"KMS_PROXY_TARGET", SoftHsm::module_path()}}}) {
    dir_.write("commands", "tripwire arm\n");
    daemon.start();
    await_reconciliation(daemon, "us-east-1");
  }

  /// Gives a command, waits until it is in force, and tells the counters at that moment.
  Counts command(const std::string& text) {
    const std::filesystem::path out = dir_.path() / ("counters-" + std::to_string(++sequence_));
    dir_.write("commands.new", "tripwire arm\n" + text + "counters " + out.string() + "\n");
    std::filesystem::rename(dir_.path() / "commands.new", commands_file());
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!std::filesystem::exists(out)) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("no counters");
      std::this_thread::yield();
    }
    Counts counts;
    std::istringstream lines(read_file(out));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name;
      words >> name;
      if (name.empty()) continue;
      words >> counts[name];
    }
    return counts;
  }

 private:
  [[nodiscard]] std::filesystem::path commands_file() const { return dir_.path() / "commands"; }

  TempDir dir_{"kms-spy"};
  int sequence_ = 0;

 public:
  DaemonProcess daemon;
};

TEST(SpyModule, SeesEveryCallAndNoSearchOnTheHotPath) {
  Proxied proxied;
  Keys keys(proxied.daemon);
  for (const std::string& key : {keys.region_key, keys.store_key}) {
    for (const Request& request : keys.requests(key)) {
      SCOPED_TRACE(request.operation + " " + key);
      keys.client.ok(request.operation, request.body);
      proxied.command("zero_counters\n");
      for (std::uint64_t i = 0; i < kCalls; ++i) keys.client.ok(request.operation, request.body);
      Counts seen = proxied.command("");
      EXPECT_EQ(seen["tripped"], 0U);
      seen.erase("tripped");
      seen.erase("open_sessions");
      // The health check asks for it now and then; that is no part of a request.
      seen.erase("C_GetTokenInfo");
      EXPECT_EQ(seen, times_calls(request.calls));
    }
  }
  proxied.daemon.stop();
}

TEST(SpyModule, SeesOneLoginPerTokenAndNoValueOfAKey) {
  Proxied proxied;
  Keys keys(proxied.daemon);
  for (const std::string& key : {keys.region_key, keys.store_key}) {
    for (const Request& request : keys.requests(key)) {
      keys.client.ok(request.operation, request.body);
    }
  }
  Counts seen = proxied.command("");
  EXPECT_EQ(seen["C_Login"], 2U);  // the Region's token, the key store's
  EXPECT_EQ(seen["tripped"], 0U);
  proxied.daemon.stop();
}

std::string text_after(const std::filesystem::path& file, std::streamoff offset) {
  std::ifstream in(file);
  in.seekg(offset);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// The calls of each function in OpenSC's log.
Counts spied_calls(const std::string& log) {
  Counts counts;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    // "17: C_Encrypt"
    const std::size_t at = line.find(": C_");
    if (at == std::string::npos || line.find_first_not_of("0123456789") != at) continue;
    const std::string name = line.substr(at + 2);
    if (name != "C_GetTokenInfo") ++counts[name];
  }
  return counts;
}

/// How often the value of an object was asked for. (CKA_VALUE_LEN may be.)
std::size_t values_asked_for(const std::string& log) {
  std::size_t count = 0;
  bool reading = false;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find(": C_");
    if (at != std::string::npos && line.find_first_not_of("0123456789") == at) {
      reading = line.substr(at + 2) == "C_GetAttributeValue";
    }
    if (reading && line.find("CKA_VALUE ") != std::string::npos) ++count;
  }
  return count;
}

TEST(SpyModule, OfOpenScSeesTheSame) {
  const std::filesystem::path module = "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so";
  if (!std::filesystem::exists(module)) GTEST_SKIP() << "no " << module;
  const TempDir dir("kms-spy");
  const std::filesystem::path log = dir.path() / "log";
  DaemonProcess daemon(KMS_CONNECTORD, {.module = module,
                                        .environment = {{"PKCS11SPY", SoftHsm::module_path()},
                                                        {"PKCS11SPY_OUTPUT", log.string()}}});
  daemon.start();
  await_reconciliation(daemon, "us-east-1");
  Keys keys(daemon);
  for (const std::string& key : {keys.region_key, keys.store_key}) {
    for (const Request& request : keys.requests(key)) {
      SCOPED_TRACE(request.operation + " " + key);
      keys.client.ok(request.operation, request.body);
      const auto before = static_cast<std::streamoff>(std::filesystem::file_size(log));
      for (std::uint64_t i = 0; i < kCalls; ++i) keys.client.ok(request.operation, request.body);
      EXPECT_EQ(spied_calls(text_after(log, before)), times_calls(request.calls));
    }
  }
  daemon.stop();
  const std::string all = read_file(log);
  EXPECT_EQ(spied_calls(all)["C_Login"], 2U);
  EXPECT_EQ(values_asked_for(all), 0U);
}

}  // namespace
}  // namespace kms::test
