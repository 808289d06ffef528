#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/benches.h"
#include "tests/bench/daemon.h"
#include "tests/bench/load.h"
#include "tests/bench/open_token.h"
#include "tests/bench/raw_token.h"

namespace kms::bench {
namespace {

constexpr int kRounds = 9;
constexpr std::chrono::milliseconds kRound{500};

/// Rounds of the raw token and of ours, one after the other.
void compare(Report& report, const std::string& name, const std::string& raw_name, double target,
             const std::function<double()>& ours, const std::function<double()>& raw) {
  (void)ours();
  (void)raw();
  std::vector<double> ratios;
  std::vector<double> our_rates;
  std::vector<double> raw_rates;
  for (int i = 0; i < kRounds; ++i) {
    raw_rates.push_back(raw());
    our_rates.push_back(ours());
    ratios.push_back(our_rates.back() / raw_rates.back());
  }
  report.value(name + "_per_second", median(our_rates), "1/s");
  report.value(raw_name + "_per_second", median(raw_rates), "1/s");
  report.ratio(name, median(ratios), target);
}

}  // namespace

void token_layer(Report& report) {
  constexpr std::size_t kThreads = 8;
  constexpr double kTarget = 0.7;
  const OpenToken open(kThreads);
  const pkcs11::MaterialRef key = open.token->generate_wrapped(pkcs11::KeyKind::aes_256, soon());
  // The login is the application's, so the raw sessions share it.
  RawToken raw(test::SoftHsm::module_path(), "bench", kThreads);

  const std::array<std::uint8_t, RawToken::kPlaintext> plaintext{};
  const std::array<std::uint8_t, RawToken::kAad> aad{};
  compare(
      report, "token_layer", "raw_token", kTarget,
      [&] {
        return rate(kThreads, kRound, [&](std::size_t) {
          (void)open.token->gcm_encrypt(key, plaintext, aad, soon());
        });
      },
      [&] {
        return rate(kThreads, kRound, [&](std::size_t thread) { (void)raw.encrypt(thread); });
      });
}

void sign_rsa(Report& report) {
  constexpr std::size_t kThreads = 16;
  constexpr double kTarget = 0.85;
  const OpenToken open(1);
  RawToken raw(test::SoftHsm::module_path(), "bench", kThreads);
  Daemon daemon({});
  daemon.start();
  const std::string key = daemon.create_key(R"({"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"})");
  const std::string request =
      daemon.request("Sign", R"({"KeyId":")" + key +
                                 R"(","Message":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",)" +
                                 R"("SigningAlgorithm":"RSASSA_PKCS1_V1_5_SHA_256"})");
  Connections connections(daemon.port(), kThreads);
  compare(
      report, "sign_rsa", "raw_sign_rsa", kTarget,
      [&] { return connections.run(request, kRound).per_second; },
      [&] { return rate(kThreads, kRound, [&](std::size_t thread) { raw.sign(thread); }); });
  daemon.stop();
}

}  // namespace kms::bench
