#include "pkcs11/probe.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "pkcs11/connection.h"
#include "pkcs11/gcm.h"
#include "pkcs11/templates.h"

namespace pkcs11 {
namespace {

using templates::Held;

/// bytes 0x20..0x3f, wrapped by RFC 5649 under 0x00..0x1f; and 16 zero bytes under it, IV twelve
/// 0x01, no AAD. Made with pyca/cryptography 38.
constexpr std::array<std::uint8_t, kAes256Wrapped> kKnownBlob{
    0x92, 0xf4, 0x8c, 0x52, 0x04, 0x5c, 0x08, 0x05, 0x0e, 0xc7, 0x96, 0xa5, 0xa9, 0x1c,
    0x5d, 0xda, 0xf7, 0xc6, 0x1c, 0xbd, 0xc9, 0x40, 0xad, 0xc8, 0xd3, 0xdc, 0x8a, 0x14,
    0x4f, 0x61, 0x61, 0xa8, 0xc5, 0xd3, 0x29, 0x9e, 0x32, 0x5f, 0x17, 0x50};
constexpr std::array<std::uint8_t, 32> kKnownCiphertext{
    0x60, 0x24, 0xad, 0x64, 0x1c, 0xd0, 0x89, 0x55, 0xa3, 0x39, 0xac, 0x9b, 0x32, 0xe2, 0x66, 0xd4,
    0x63, 0xe0, 0x57, 0xb8, 0xfd, 0x62, 0x03, 0x42, 0xfb, 0xb7, 0x82, 0x39, 0xe5, 0xe6, 0x79, 0xf6};

/// How often something is tried that the token refuses without telling why.
constexpr unsigned kTries = 5;

class Prober final {
 public:
  Prober(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, const Quirks& quirks,
         CK_OBJECT_HANDLE known_key, Deadline deadline)
      : session_(functions, slot), quirks_(quirks), known_key_(known_key), deadline_(deadline) {}

  Probed run() {
    Capabilities& can = found_.capabilities;
    can.random = works([this] { return draws_random(); });
    can.session_objects = works([&] {
      key_ =
          session_.generate_key(CKM_AES_KEY_GEN, templates::key(KeyKind::aes_256, Held::session));
      return true;
    });
    if (!can.session_objects) key_ = known_key_;
    find_gcm();
    if (can.aes_gcm && can.session_objects) find_key_wrap();
    return found_;
  }

 private:
  /// Whether it works. Answers that say something about the moment rather than the token are thrown
  /// on, and so are suspicious ones unless the token proves to be well.
  template <class Try>
  bool works(Try&& attempt) {
    BackOff back_off;
    for (unsigned tries = 1;; ++tries) {
      try {
        return attempt();
      } catch (const Error& error) {
        const Severity severity = describe(error.rv()).severity;
        if (severity == Severity::caller) {
          if (!is_refusal(error)) throw;
          if (session_.busy()) renew_session();
          return false;
        }
        if (severity != Severity::suspicious) throw;
        prove();
        const bool tells_why = error.failure() != Failure::device_error;
        if (tries == (tells_why ? 2 : kTries)) {
          found_.certain = false;
          return false;
        }
        // Time for what ails the token to pass.
        if (!tells_why && !back_off.wait(deadline_)) throw;
      }
    }
  }

  /// Throws unless what worked before works in a fresh session.
  void prove() {
    renew_session();
    if (!session_.inspect(known_key_) ||
        (found_.capabilities.aes_gcm && !round_trip(found_.capabilities.gcm_iv, 16))) {
      throw Error(Failure::device_error, "the token does not do what it did before",
                  CKR_DEVICE_ERROR);
    }
  }

  /// The session keys died with the session.
  void renew_session() {
    session_.reopen();
    if (found_.capabilities.session_objects) {
      key_ =
          session_.generate_key(CKM_AES_KEY_GEN, templates::key(KeyKind::aes_256, Held::session));
    }
  }

  /// Whether a message of this size is not too long.
  bool fits(GcmIv mode, std::size_t size) {
    return works([&] {
      try {
        return round_trip(mode, size);
      } catch (const Error& error) {
        if (describe(error.rv()).severity != Severity::caller || is_refusal(error)) throw;
        // It wants memory for this one; that may be for the moment.
        found_.certain = false;
        if (session_.busy()) renew_session();
        return false;
      }
    });
  }

  bool draws_random() {
    std::array<std::uint8_t, 32> bytes{};
    session_.random(bytes);
    return std::ranges::any_of(bytes, [](std::uint8_t byte) { return byte != 0; });
  }

  bool round_trip(GcmIv mode, std::size_t size) {
    std::array<std::uint8_t, kGcmIvBytes> iv{};
    session_.random(iv);
    const Bytes plaintext(size, 0x5A);
    const GcmCiphertext sealed = session_.gcm_encrypt(key_, mode, iv, plaintext, {});
    if (mode == GcmIv::host && !std::ranges::equal(sealed.iv, iv)) return false;
    const Decrypted opened = session_.gcm_decrypt(key_, sealed.iv, sealed.data, {});
    check(opened.rv, "C_Decrypt");
    return opened.plaintext.equals(plaintext);
  }

  void find_gcm() {
    std::vector<GcmIv> modes{GcmIv::host, GcmIv::in_param, GcmIv::appended};
    if (quirks_.gcm_iv) modes = {*quirks_.gcm_iv};
    Capabilities& can = found_.capabilities;
    for (const GcmIv mode : modes) {
      if (!works([&] { return round_trip(mode, 16); })) continue;
      can.aes_gcm = true;
      can.gcm_iv = mode;
      break;
    }
    if (!can.aes_gcm) return;
    std::vector<std::size_t> sizes{65536, 16384, 4096, 1024};
    if (quirks_.max_gcm_bytes != 0) sizes = {quirks_.max_gcm_bytes};
    for (const std::size_t size : sizes) {
      if (!fits(can.gcm_iv, size)) continue;
      can.gcm_max = size;
      break;
    }
  }

  bool wraps_and_unwraps(CK_MECHANISM_TYPE mechanism) {
    const CK_OBJECT_HANDLE kek =
        session_.generate_key(CKM_AES_KEY_GEN, templates::wrapping_session_key());
    const CK_OBJECT_HANDLE key =
        session_.generate_key(CKM_AES_KEY_GEN, templates::key(KeyKind::aes_256, Held::extractable));
    const Bytes blob = session_.wrap(mechanism, kek, key);
    // NSS pads as PKCS#7 does under this very mechanism, which makes 48.
    if (blob.size() != kAes256Wrapped) return false;
    const CK_OBJECT_HANDLE again =
        session_.unwrap(mechanism, kek, blob, templates::unwrapped(KeyKind::aes_256));
    const std::array<std::uint8_t, kGcmIvBytes> iv{1};
    const Bytes plaintext(16, 0xA5);
    const GcmCiphertext sealed =
        session_.gcm_encrypt(key, found_.capabilities.gcm_iv, iv, plaintext, {});
    const Decrypted opened = session_.gcm_decrypt(again, sealed.iv, sealed.data, {});
    check(opened.rv, "C_Decrypt");
    return opened.plaintext.equals(plaintext);
  }

  /// nullopt: the token takes no key from outside, so that only its own round trip speaks for it.
  std::optional<bool> unwraps_known_blob(CK_MECHANISM_TYPE mechanism) {
    std::array<std::uint8_t, kAes256Bytes> value{};
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<std::uint8_t>(i);
    CK_OBJECT_HANDLE kek = CK_INVALID_HANDLE;
    const bool imported = works([&] {
      kek = session_.create(templates::known_wrapping_key(value));
      return true;
    });
    if (!imported) return std::nullopt;
    return works([&] {
      const CK_OBJECT_HANDLE key =
          session_.unwrap(mechanism, kek, kKnownBlob, templates::unwrapped(KeyKind::aes_256));
      const Bytes iv(kGcmIvBytes, 1);
      const Decrypted opened = session_.gcm_decrypt(key, iv, kKnownCiphertext, {});
      check(opened.rv, "C_Decrypt");
      return opened.plaintext.equals(Bytes(16, 0));
    });
  }

  void find_key_wrap() {
    for (const CK_MECHANISM_TYPE mechanism : {CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP}) {
      if (!works([&] { return wraps_and_unwraps(mechanism); })) continue;
      if (!unwraps_known_blob(mechanism).value_or(true)) continue;
      found_.capabilities.wrap_kwp = true;
      found_.key_wrap = mechanism;
      return;
    }
  }

  Session session_;
  const Quirks& quirks_;
  const CK_OBJECT_HANDLE known_key_;
  const Deadline deadline_;
  Probed found_;
  CK_OBJECT_HANDLE key_ = CK_INVALID_HANDLE;
};

}  // namespace

Probed probe(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, const Quirks& quirks,
             CK_OBJECT_HANDLE key, Deadline deadline) {
  return Prober(functions, slot, quirks, key, deadline).run();
}

}  // namespace pkcs11
