#include "connector/tool/doctor.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iomanip>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "connector/keys/algorithms.h"
#include "connector/keys/key_spec.h"
#include "connector/keystores/clusters.h"
#include "connector/keystores/open_token.h"
#include "connector/keystores/pin_refusals.h"
#include "connector/keystores/reconcile.h"
#include "connector/storage/open_store.h"

namespace kms::tool {
namespace {

using pkcs11::Holding;
using std::chrono::steady_clock;

/// RSA-4096 keys are made on the way.
constexpr std::chrono::seconds kPatience{60};
constexpr int kCalls = 21;

pkcs11::Deadline soon() { return steady_clock::now() + kPatience; }

const char* text(pkcs11::GcmIv iv) {
  switch (iv) {
    case pkcs11::GcmIv::host:
      return "IV from C_GenerateRandom";
    case pkcs11::GcmIv::in_param:
      return "IV made by the token, in the parameter";
    case pkcs11::GcmIv::appended:
      return "IV made by the token, after the ciphertext";
  }
  return "";
}

const char* text(Holding holding) {
  switch (holding) {
    case Holding::none:
      return "no";
    case Holding::object:
      return "token object";
    case Holding::wrapped:
      return "wrapped";
  }
  return "";
}

class Examination final {
 public:
  Examination(pkcs11::Token& token, std::ostream& out) : token_(token), out_(out) {}

  /// Whether it can serve any key.
  bool run() {
    const pkcs11::TokenInfo info = token_.info();
    line("token", info.label + ", serial " + info.serial);
    line("model", info.manufacturer + " " + info.model + ", firmware " + info.firmware);
    line("module", info.library);
    const pkcs11::Capabilities can = token_.capabilities();
    line("C_GenerateRandom", can.random ? "yes" : "no");
    line("AES-256-GCM", can.aes_gcm ? std::string(text(can.gcm_iv)) + ", up to " +
                                          std::to_string(can.gcm_max) + " bytes at once"
                                    : "no");
    line("key wrap", can.wrap_kwp ? "RFC 5649: keys are held wrapped, in the database" : "no");
    if (!can.aes_gcm) warnings_.emplace_back("no AES-GCM: no symmetric key can be served");
    if (!can.random) warnings_.emplace_back("no C_GenerateRandom: no data key can be made");
    if (!can.wrap_kwp) {
      warnings_.emplace_back(
          "no key wrap: every key is a token object; no imports, no multi-Region keys");
    }
    if (can.aes_gcm && can.gcm_max < kLongestPlaintext) {
      warnings_.emplace_back("Encrypt takes less than 4,096 bytes");
    }
    bool any = false;
    for (const keys::KeySpecRow& row : keys::key_specs()) any = examine(row) || any;
    latencies();
    for (const std::string& warning : warnings_) line("warning", warning);
    return any;
  }

 private:
  static constexpr std::size_t kLongestPlaintext = 4096;

  void line(const std::string& name, const std::string& value) {
    out_ << "  " << std::left << std::setw(30) << name << value << '\n';
  }

  bool examine(const keys::KeySpecRow& row) {
    const std::string spec(api::to_string(row.spec));
    Holding holding = Holding::none;
    std::string algorithms;
    const auto add = [&algorithms](std::string_view algorithm, std::string_view how) {
      if (!algorithms.empty()) algorithms += ", ";
      algorithms += algorithm;
      if (!how.empty()) algorithms.append(" (").append(how).append(")");
    };
    if (row.kind) {
      try {
        holding = token_.holding(*row.kind, soon());
        if (holding != Holding::none) describe(row, add);
      } catch (const pkcs11::Error& error) {
        warnings_.push_back(spec + ": " + error.what());
      }
    }
    if (holding == Holding::object && row.spec != api::KeySpec::symmetric_default) {
      warnings_.push_back(spec + " keys are token objects: not as multi-Region keys");
    }
    line(spec, algorithms.empty() ? text(holding) : text(holding) + (": " + algorithms));
    return holding != Holding::none;
  }

  template <class Add>
  void describe(const keys::KeySpecRow& row, const Add& add) {
    for (const auto algorithm : row.encryption) {
      const auto hash = keys::encryption_algorithm(algorithm).hash;
      std::string_view how;
      if (hash) {
        const pkcs11::OaepMethod method = token_.oaep(*hash, soon());
        if (method == pkcs11::OaepMethod::none) continue;
        if (method == pkcs11::OaepMethod::padded_outside) how = "raw RSA, padding outside";
      }
      add(api::to_string(algorithm), how);
    }
    for (const auto algorithm : row.signing) {
      const auto scheme = keys::signing_algorithm(algorithm).scheme;
      if (!scheme) continue;
      const bool message = token_.signs(*scheme, pkcs11::MessageForm::message, soon());
      const bool digest = token_.signs(*scheme, pkcs11::MessageForm::digest, soon());
      if (!message && !digest) continue;
      add(api::to_string(algorithm), message ? "" : "digests only");
    }
    for (const auto algorithm : row.mac) add(api::to_string(algorithm), "");
    for (const auto algorithm : row.agreement) add(api::to_string(algorithm), "");
  }

  void latencies() {
    try {
      std::array<std::uint8_t, 32> bytes{};
      timed("32 random bytes", [&] { token_.random(bytes, soon()); });
      if (token_.holding(pkcs11::KeyKind::aes_256, soon()) != Holding::wrapped) return;
      const pkcs11::MaterialRef aes = token_.generate_wrapped(pkcs11::KeyKind::aes_256, soon());
      timed("GenerateDataKey", [&] { (void)token_.generate_sealed(aes, 32, {}, soon()); });
      const pkcs11::GcmCiphertext sealed = token_.gcm_encrypt(aes, bytes, {}, soon());
      timed("Decrypt", [&] { (void)token_.gcm_decrypt(aes, sealed.iv, sealed.data, {}, soon()); });
      for (const auto& [kind, scheme, name] :
           {std::tuple(pkcs11::KeyKind::ec_p256, pkcs11::SignatureScheme::ecdsa_sha256,
                       "Sign ECC_NIST_P256"),
            std::tuple(pkcs11::KeyKind::rsa_2048, pkcs11::SignatureScheme::rsa_pss_sha256,
                       "Sign RSA_2048")}) {
        if (token_.holding(kind, soon()) != Holding::wrapped) continue;
        const pkcs11::MaterialRef key = token_.generate_wrapped(kind, soon());
        timed(name, [&, with = scheme] {
          (void)token_.sign(key, with, pkcs11::MessageForm::digest, bytes, soon());
        });
      }
    } catch (const pkcs11::Error& error) {
      warnings_.emplace_back(error.what());
    }
  }

  void timed(const std::string& name, const std::function<void()>& call) {
    std::vector<double> took;
    for (int i = 0; i < kCalls; ++i) {
      const auto begun = steady_clock::now();
      call();
      took.push_back(
          std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count());
    }
    std::ranges::sort(took);
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "%.3f ms", took[took.size() / 2]);
    line("time of " + name, number.data());
  }

  pkcs11::Token& token_;
  std::ostream& out_;
  std::vector<std::string> warnings_;
};

}  // namespace

bool doctor(const config::Config& config, std::ostream& out) {
  const auto store = storage::open_sqlite(config.storage.sqlite);
  const auto refusals = std::make_shared<keystores::StoredPinRefusals>(
      *store, keystores::pin_hash_key_file(config.storage.sqlite));
  pkcs11::Modules modules;
  bool all = true;
  for (const config::Region& region : config.regions) {
    out << region.name << '\n';
    try {
      const auto token = keystores::open_token(modules, region.token, region.pin.clone(), true,
                                               refusals, region.name, true, soon());
      all = Examination(*token, out).run() && all;
      for (const std::string& lost :
           keystores::missing_wrapping_keys(*store, region.name, *token, soon())) {
        out << "  " << lost << '\n';
        all = false;
      }
    } catch (const pkcs11::Error& error) {
      out << "  " << pkcs11::name(error.failure()) << ": " << error.what() << '\n';
      all = false;
    }
  }
  for (const config::Cluster& cluster : config.clusters) {
    // Its PIN is the KeyStorePassword, which is not in the configuration.
    out << cluster.id << '\n';
    try {
      const bool found = !keystores::present_tokens(modules, cluster.token, false, soon()).empty();
      out << (found ? "  present; ConnectCustomKeyStore logs in to it\n" : "  not present\n");
      all = all && found;
    } catch (const pkcs11::Error& error) {
      out << "  " << pkcs11::name(error.failure()) << ": " << error.what() << '\n';
      all = false;
    }
  }
  return all;
}

}  // namespace kms::tool
