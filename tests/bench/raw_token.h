#pragma once

#include <p11-kit/pkcs11.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kms::bench {

/// The calls a second that `threads` threads reach together in `duration`. `work` is called with
/// the thread's number. The threads are scheduled as the daemon's are.
[[nodiscard]] double rate(std::size_t threads, std::chrono::milliseconds duration,
                          const std::function<void(std::size_t)>& work);

/// The module itself, already initialised and logged in to by somebody in this process: a session
/// for each thread, session keys.
class RawToken final {
 public:
  static constexpr std::size_t kPlaintext = 32;  // a data key
  static constexpr std::size_t kAad = 96;
  static constexpr std::size_t kTag = 16;
  using Sealed = std::array<CK_BYTE, kPlaintext + kTag>;

  RawToken(const std::string& module, const std::string& label, std::size_t threads);

  /// C_EncryptInit and C_Encrypt, AES-256-GCM.
  Sealed encrypt(std::size_t thread);
  /// C_DecryptInit and C_Decrypt of what encrypt() makes.
  void decrypt(std::size_t thread);
  /// C_GenerateRandom of a data key, and encrypt().
  void generate_data_key(std::size_t thread);
  /// C_SignInit and C_Sign, HMAC with SHA-256.
  void generate_mac(std::size_t thread);
  /// C_SignInit and C_Sign, RSA-2048, PKCS #1 v1.5 with SHA-256.
  void sign(std::size_t thread);
  /// C_SignInit and C_Sign of a SHA-256 digest, P-256.
  void sign_ecc(std::size_t thread);

 private:
  [[nodiscard]] CK_SLOT_ID slot_of(const std::string& label);
  void make_keys();
  void sign(std::size_t thread, CK_MECHANISM_TYPE mechanism, CK_OBJECT_HANDLE key);

  CK_FUNCTION_LIST* functions_ = nullptr;
  Sealed ciphertext_{};
  std::vector<CK_SESSION_HANDLE> sessions_;
  CK_OBJECT_HANDLE aes_ = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE hmac_ = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE rsa_ = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE ecc_ = CK_INVALID_HANDLE;
};

}  // namespace kms::bench
