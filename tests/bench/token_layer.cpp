#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pkcs11/module.h"
#include "tests/bench/benches.h"
#include "tests/support/softhsm.h"

namespace kms::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kThreads = 8;
constexpr int kRounds = 9;
constexpr std::chrono::milliseconds kRound{500};
constexpr double kTarget = 0.7;
constexpr std::size_t kPlaintext = 32;  // a data key
constexpr std::size_t kAad = 96;

void check(CK_RV rv, const char* function) {
  if (rv != CKR_OK) throw std::runtime_error(std::string(function) + ": " + std::to_string(rv));
}

/// The calls a second that 8 threads reach together. `work` is called with the thread's number.
double rate(const std::function<void(std::size_t)>& work) {
  std::atomic<bool> stop = false;
  std::atomic<bool> failed = false;
  std::array<std::uint64_t, kThreads> counts{};
  std::vector<std::thread> threads;
  const auto begin = steady_clock::now();
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::uint64_t count = 0;
      try {
        for (; !stop; ++count) work(i);
      } catch (const std::exception&) {
        failed = true;
      }
      counts[i] = count;
    });
  }
  std::this_thread::sleep_for(kRound);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  if (failed) throw std::runtime_error("an encryption failed");
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return static_cast<double>(sum) / seconds;
}

/// The module itself: a session for each thread, one AES-256 session object.
class Raw final {
 public:
  explicit Raw(const std::string& module, const std::string& label) {
    void* library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (library == nullptr) throw std::runtime_error("the module is not loaded");
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    check(get(&functions_), "C_GetFunctionList");
    const CK_SLOT_ID slot = slot_of(label);
    for (CK_SESSION_HANDLE& session : sessions_) {
      check(functions_->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                      &session),
            "C_OpenSession");
    }
    CK_MECHANISM generate{CKM_AES_KEY_GEN, nullptr, 0};
    CK_ULONG length = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    std::array<CK_ATTRIBUTE, 4> attributes{CK_ATTRIBUTE{CKA_VALUE_LEN, &length, sizeof length},
                                           CK_ATTRIBUTE{CKA_TOKEN, &no, sizeof no},
                                           CK_ATTRIBUTE{CKA_SENSITIVE, &yes, sizeof yes},
                                           CK_ATTRIBUTE{CKA_ENCRYPT, &yes, sizeof yes}};
    check(functions_->C_GenerateKey(sessions_[0], &generate, attributes.data(), attributes.size(),
                                    &key_),
          "C_GenerateKey");
  }

  void encrypt(std::size_t thread) {
    std::array<CK_BYTE, 12> iv{};
    std::array<CK_BYTE, kAad> aad{};
    std::array<CK_BYTE, kPlaintext> plaintext{};
    std::array<CK_BYTE, kPlaintext + 16> ciphertext{};
    CK_GCM_PARAMS parameters{iv.data(), iv.size(), iv.size() * 8, aad.data(), aad.size(), 128};
    CK_MECHANISM gcm{CKM_AES_GCM, &parameters, sizeof parameters};
    check(functions_->C_EncryptInit(sessions_[thread], &gcm, key_), "C_EncryptInit");
    CK_ULONG size = ciphertext.size();
    check(functions_->C_Encrypt(sessions_[thread], plaintext.data(), plaintext.size(),
                                ciphertext.data(), &size),
          "C_Encrypt");
  }

 private:
  CK_SLOT_ID slot_of(const std::string& label) {
    std::array<CK_SLOT_ID, 16> slots{};
    CK_ULONG count = slots.size();
    check(functions_->C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList");
    for (std::size_t i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      check(functions_->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
      const std::string padded(reinterpret_cast<const char*>(info.label), sizeof info.label);
      if (padded.starts_with(label + " ")) return slots[i];
    }
    throw std::runtime_error("no token " + label);
  }

  CK_FUNCTION_LIST* functions_ = nullptr;
  std::array<CK_SESSION_HANDLE, kThreads> sessions_{};
  CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
};

}  // namespace

void token_layer(Report& report) {
  const test::SoftHsm hsm;
  hsm.add_token("bench");
  pkcs11::Modules modules;
  const auto module = modules.load(test::SoftHsm::module_path());
  const auto soon = [] { return steady_clock::now() + std::chrono::seconds(20); };
  pkcs11::TokenOptions options;
  options.selector.label = "bench";
  options.pin = pkcs11::SecretBytes::copy_of(std::string_view(test::SoftHsm::kUserPin));
  options.max_sessions = kThreads;
  const auto token = module->open(std::move(options), soon());
  const pkcs11::MaterialRef key = token->generate_wrapped(pkcs11::KeyKind::aes_256, soon());
  // The login is the application's, so the raw sessions share it.
  Raw raw(test::SoftHsm::module_path(), "bench");

  const std::array<std::uint8_t, kPlaintext> plaintext{};
  const std::array<std::uint8_t, kAad> aad{};
  const auto ours = [&](std::size_t) { (void)token->gcm_encrypt(key, plaintext, aad, soon()); };
  const auto theirs = [&](std::size_t thread) { raw.encrypt(thread); };
  rate(ours);
  rate(theirs);
  std::vector<double> ratios;
  std::vector<double> our_rates;
  std::vector<double> raw_rates;
  for (int i = 0; i < kRounds; ++i) {
    raw_rates.push_back(rate(theirs));
    our_rates.push_back(rate(ours));
    ratios.push_back(our_rates.back() / raw_rates.back());
  }
  report.value("token_layer_per_second", median(our_rates), "1/s");
  report.value("raw_token_per_second", median(raw_rates), "1/s");
  report.ratio("token_layer", median(ratios), kTarget);
}

}  // namespace kms::bench
