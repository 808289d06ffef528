#include "tests/bench/raw_token.h"

#include <dlfcn.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "connector/main/scheduling.h"

namespace kms::bench {
namespace {

using std::chrono::steady_clock;

void check(CK_RV rv, const char* function) {
  if (rv != CKR_OK) throw std::runtime_error(std::string(function) + ": " + std::to_string(rv));
}

/// The parameters of one GCM call, with an IV and additional data of zeros.
struct Gcm {
  std::array<CK_BYTE, 12> iv{};
  std::array<CK_BYTE, RawToken::kAad> aad{};
  CK_GCM_PARAMS parameters{iv.data(),  iv.size(),  iv.size() * 8,
                           aad.data(), aad.size(), RawToken::kTag * 8};
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
};

}  // namespace

double rate(std::size_t threads, std::chrono::milliseconds duration,
            const std::function<void(std::size_t)>& work) {
  std::atomic<bool> stop = false;
  std::atomic<bool> failed = false;
  std::vector<std::uint64_t> counts(threads);
  std::vector<std::thread> running;
  const auto begin = steady_clock::now();
  for (std::size_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      let_threads_finish();
      std::uint64_t count = 0;
      try {
        for (; !stop; ++count) work(i);
      } catch (const std::exception&) {
        failed = true;
      }
      counts[i] = count;
    });
  }
  std::this_thread::sleep_for(duration);
  stop = true;
  for (std::thread& thread : running) thread.join();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  if (failed) throw std::runtime_error("a call failed");
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return static_cast<double>(sum) / seconds;
}

RawToken::RawToken(const std::string& module, const std::string& label, std::size_t threads)
    : sessions_(threads) {
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
  make_keys();
  ciphertext_ = encrypt(0);
}

void RawToken::make_keys() {
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ULONG length = 32;
  CK_MECHANISM generate{CKM_AES_KEY_GEN, nullptr, 0};
  std::array<CK_ATTRIBUTE, 5> aes{
      CK_ATTRIBUTE{CKA_VALUE_LEN, &length, sizeof length}, CK_ATTRIBUTE{CKA_TOKEN, &no, sizeof no},
      CK_ATTRIBUTE{CKA_SENSITIVE, &yes, sizeof yes}, CK_ATTRIBUTE{CKA_ENCRYPT, &yes, sizeof yes},
      CK_ATTRIBUTE{CKA_DECRYPT, &yes, sizeof yes}};
  check(functions_->C_GenerateKey(sessions_[0], &generate, aes.data(), aes.size(), &aes_),
        "C_GenerateKey");
  generate.mechanism = CKM_GENERIC_SECRET_KEY_GEN;
  std::array<CK_ATTRIBUTE, 4> hmac{
      CK_ATTRIBUTE{CKA_VALUE_LEN, &length, sizeof length}, CK_ATTRIBUTE{CKA_TOKEN, &no, sizeof no},
      CK_ATTRIBUTE{CKA_SENSITIVE, &yes, sizeof yes}, CK_ATTRIBUTE{CKA_SIGN, &yes, sizeof yes}};
  check(functions_->C_GenerateKey(sessions_[0], &generate, hmac.data(), hmac.size(), &hmac_),
        "C_GenerateKey");
  CK_ULONG bits = 2048;
  std::array<CK_BYTE, 3> exponent{1, 0, 1};
  CK_MECHANISM generate_pair{CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
  std::array<CK_ATTRIBUTE, 3> public_key{
      CK_ATTRIBUTE{CKA_MODULUS_BITS, &bits, sizeof bits},
      CK_ATTRIBUTE{CKA_PUBLIC_EXPONENT, exponent.data(), exponent.size()},
      CK_ATTRIBUTE{CKA_TOKEN, &no, sizeof no}};
  std::array<CK_ATTRIBUTE, 3> private_key{CK_ATTRIBUTE{CKA_TOKEN, &no, sizeof no},
                                          CK_ATTRIBUTE{CKA_SENSITIVE, &yes, sizeof yes},
                                          CK_ATTRIBUTE{CKA_SIGN, &yes, sizeof yes}};
  CK_OBJECT_HANDLE unused = CK_INVALID_HANDLE;
  check(functions_->C_GenerateKeyPair(sessions_[0], &generate_pair, public_key.data(),
                                      public_key.size(), private_key.data(), private_key.size(),
                                      &unused, &rsa_),
        "C_GenerateKeyPair");
  std::array<CK_BYTE, 10> p256{0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
  std::array<CK_ATTRIBUTE, 2> point{CK_ATTRIBUTE{CKA_EC_PARAMS, p256.data(), p256.size()},
                                    CK_ATTRIBUTE{CKA_TOKEN, &no, sizeof no}};
  generate_pair.mechanism = CKM_EC_KEY_PAIR_GEN;
  check(functions_->C_GenerateKeyPair(sessions_[0], &generate_pair, point.data(), point.size(),
                                      private_key.data(), private_key.size(), &unused, &ecc_),
        "C_GenerateKeyPair");
}

RawToken::Sealed RawToken::encrypt(std::size_t thread) {
  Gcm gcm;
  std::array<CK_BYTE, kPlaintext> plaintext{};
  Sealed ciphertext{};
  check(functions_->C_EncryptInit(sessions_[thread], &gcm.mechanism, aes_), "C_EncryptInit");
  CK_ULONG size = ciphertext.size();
  check(functions_->C_Encrypt(sessions_[thread], plaintext.data(), plaintext.size(),
                              ciphertext.data(), &size),
        "C_Encrypt");
  return ciphertext;
}

void RawToken::decrypt(std::size_t thread) {
  Gcm gcm;
  Sealed ciphertext = ciphertext_;
  Sealed plaintext{};
  check(functions_->C_DecryptInit(sessions_[thread], &gcm.mechanism, aes_), "C_DecryptInit");
  CK_ULONG size = plaintext.size();
  check(functions_->C_Decrypt(sessions_[thread], ciphertext.data(), ciphertext.size(),
                              plaintext.data(), &size),
        "C_Decrypt");
}

void RawToken::generate_data_key(std::size_t thread) {
  std::array<CK_BYTE, kPlaintext> data_key{};
  check(functions_->C_GenerateRandom(sessions_[thread], data_key.data(), data_key.size()),
        "C_GenerateRandom");
  (void)encrypt(thread);
}

void RawToken::generate_mac(std::size_t thread) { sign(thread, CKM_SHA256_HMAC, hmac_); }

void RawToken::sign(std::size_t thread) { sign(thread, CKM_SHA256_RSA_PKCS, rsa_); }

void RawToken::sign_ecc(std::size_t thread) { sign(thread, CKM_ECDSA, ecc_); }

void RawToken::sign(std::size_t thread, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key) {
  std::array<CK_BYTE, 32> message{};
  std::array<CK_BYTE, 256> signature{};
  CK_MECHANISM mechanism{type, nullptr, 0};
  check(functions_->C_SignInit(sessions_[thread], &mechanism, key), "C_SignInit");
  CK_ULONG size = signature.size();
  check(functions_->C_Sign(sessions_[thread], message.data(), message.size(), signature.data(),
                           &size),
        "C_Sign");
}

CK_SLOT_ID RawToken::slot_of(const std::string& label) {
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

}  // namespace kms::bench
