#include <algorithm>
#include <array>
#include <utility>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/ec_recovery.h"
#include "pkcs11/gcm.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/key_wrap.h"
#include "pkcs11/oaep.h"
#include "pkcs11/public_key.h"
#include "pkcs11/templates.h"

// Material for callers and from them: data key pairs, and imports.
namespace pkcs11 {
namespace {

using templates::Held;

/// PrivateKeyInfo of an Ed25519 key without its last 32 bytes, the private key (RFC 8410, 7).
constexpr std::array<std::uint8_t, 16> kEd25519PrivateKeyInfo{
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
constexpr std::size_t kEd25519Bytes = 32;

/// A DER element without what follows it: SoftHSM before 2.7.0 fills keys up with zeros before it
/// wraps them.
void cut_to_element(SecretBytes& der) {
  const ByteView bytes = der.view();
  if (bytes.size() < 2) return;
  std::size_t size = bytes[1];
  std::size_t head = 2;
  if (size >= 0x80) {
    const std::size_t digits = size - 0x80;
    if (digits > 3 || bytes.size() < head + digits) return;
    size = 0;
    for (std::size_t i = 0; i < digits; ++i) size = size << 8 | bytes[head + i];
    head += digits;
  }
  if (head + size < bytes.size()) der.resize(head + size);
}

OaepHash hash_of(ImportScheme scheme) {
  return scheme == ImportScheme::oaep_sha1 || scheme == ImportScheme::rsa_aes_sha1
             ? OaepHash::sha1
             : OaepHash::sha256;
}

/// What any bytes can be unwrapped to: what is refused as a key but not as this was wrapped well.
Attributes meaningless() { return templates::unwrapped(KeyKind::hmac_256, Held::session); }

bool is_two_steps(ImportScheme scheme) {
  return scheme == ImportScheme::rsa_aes_sha1 || scheme == ImportScheme::rsa_aes_sha256;
}

}  // namespace

DataKeyPair CryptokiToken::generate_data_key_pair(KeyKind kind, Deadline deadline) {
  if (!is_pair(kind)) throw Error(Failure::bad_argument, "no kind of key pair");
  if (holding(kind, deadline) == Holding::none) {
    throw Error(Failure::unsupported, "the token has no such keys");
  }
  return connection_->run(deadline, [&](Session& session) {
    DataKeyPair made = export_pair(session, kind);
    session.give_up();
    return made;
  });
}

DataKeyPair CryptokiToken::export_pair(Session& session, KeyKind kind) {
  const KeyKindInfo& row = pkcs11::info(kind);
  // SoftHSM 2.6.1 does not wrap Ed25519 keys: their value is read instead. It is the caller's.
  const bool read = row.family == KeyFamily::edwards;
  const Held held = read ? Held::readable : Held::extractable;
  DataKeyPair made;
  try {
    const KeyPair pair = session.generate_pair(row.generation, templates::public_part(kind, held),
                                               templates::key(kind, held));
    made.public_key = read_public_key(session, kind, pair.public_key);
    if (read) {
      const SecretBytes value = session.read_value(pair.private_key);
      if (value.size() < kEd25519Bytes) {
        throw Error(Failure::device_error, "the private key is of a wrong length",
                    CKR_GENERAL_ERROR);
      }
      // Some modules put the key into an OCTET STRING.
      made.private_key.append(kEd25519PrivateKeyInfo);
      made.private_key.append(value.view().last(kEd25519Bytes));
      return made;
    }
    SecretBytes kek(kAes256Bytes);
    session.random(kek.span());
    const CK_OBJECT_HANDLE known = session.create(templates::known_wrapping_key(kek.view()));
    const Bytes wrapped = session.wrap(probed_.key_wrap, known, pair.private_key);
    std::optional<SecretBytes> key = key_wrap::unwrap(kek.view(), wrapped);
    if (!key) {
      throw Error(Failure::device_error, "the token wraps otherwise than RFC 5649 says",
                  CKR_GENERAL_ERROR);
    }
    cut_to_element(*key);
    made.private_key = std::move(*key);
    return made;
  } catch (const Error&) {
    session.give_up();
    throw;
  }
}

std::variant<MaterialRef, ImportFault> CryptokiToken::import_material(
    const WrappedMaterial& wrapping_key, ImportScheme scheme, ByteView encrypted, KeyKind kind,
    const std::optional<std::pair<ObjectId, std::string>>& as, Deadline deadline) {
  const KeyKindInfo& wrapping = pkcs11::info(wrapping_key.kind);
  if (wrapping.family != KeyFamily::rsa) throw Error(Failure::bad_argument, "no wrapping key");
  const bool two_steps = is_two_steps(scheme);
  if (two_steps ? encrypted.size() <= wrapping.bytes : encrypted.size() != wrapping.bytes) {
    return ImportFault::ciphertext;
  }
  if (!is_below_modulus(wrapping_key.kind, wrapping_key.public_key,
                        encrypted.first(wrapping.bytes))) {
    return ImportFault::ciphertext;
  }
  if (as.has_value() != (kind == KeyKind::ed25519)) {
    throw Error(Failure::unsupported, "the token takes no such keys so");
  }
  return with_key(wrapping_key, deadline, [&](Session& session, const KeyUse& use) {
    try {
      const OaepHash hash = hash_of(scheme);
      const KeyPair pair{use.handle, public_part(wrapping_key, use, session, deadline)};
      const Envelope envelope{.method = oaep_method(hash, wrapping.kind, session, pair),
                              .hash = hash,
                              .key = use.handle,
                              .sealed = encrypted.first(wrapping.bytes),
                              .wrapped = encrypted.subspan(wrapping.bytes)};
      std::variant<MaterialRef, ImportFault> done =
          as ? import_ed25519(session, envelope, as->first, as->second, deadline)
             : take_import(session, envelope, kind, deadline);
      session.give_up();
      return done;
    } catch (const Error& error) {
      session.give_up();
      if (error.failure() == Failure::material_rejected) {
        return std::variant<MaterialRef, ImportFault>(ImportFault::material);
      }
      throw;
    }
  });
}

std::variant<MaterialRef, ImportFault> CryptokiToken::take_import(Session& session,
                                                                  const Envelope& envelope,
                                                                  KeyKind kind, Deadline deadline) {
  const ObjectId under = wrapping_kek();
  const KeyKindInfo& row = pkcs11::info(kind);
  std::optional<std::variant<CK_OBJECT_HANDLE, ImportFault>> key;
  if (envelope.method == OaepMethod::native) key = open_in_token(session, envelope, kind);
  if (!key) key = open_in_process(session, envelope, kind);
  if (const auto* fault = std::get_if<ImportFault>(&*key)) return *fault;
  KeyPair fresh{.private_key = std::get<CK_OBJECT_HANDLE>(*key)};
  Bytes public_key;
  if (row.family == KeyFamily::aes) {
    // SoftHSM takes AES keys of any length, and fills them up when it wraps them.
    const auto usable = unless_refused(session, [&] {
      const Bytes iv(kGcmIvBytes, 1);
      return !session.gcm_encrypt(fresh.private_key, probed_.capabilities.gcm_iv, iv, {}, {})
                  .data.empty();
    });
    if (!usable) return ImportFault::material;
  }
  if (is_pair(kind)) {
    auto completed = complete_pair(session, kind, fresh.private_key);
    if (!completed) return ImportFault::material;
    std::tie(public_key, fresh) = std::move(*completed);
  }
  return hold_wrapped(session, kind, fresh, std::move(public_key), under, deadline);
}

std::optional<std::variant<CK_OBJECT_HANDLE, ImportFault>> CryptokiToken::open_in_token(
    Session& session, const Envelope& envelope, KeyKind kind) {
  const auto unwrap_as = [&](auto wanted) {
    return unless_foreign(session, [&] {
      return oaep::unwrap(envelope.hash, session, envelope.key, envelope.sealed, wanted());
    });
  };
  std::variant<CK_OBJECT_HANDLE, ImportFault> key = ImportFault::ciphertext;
  if (!envelope.wrapped.empty()) {
    const auto kek = unwrap_as(templates::unwrapped_wrapping_key);
    if (!kek) return key;
    key = unwrap_foreign(session, *kek, envelope.wrapped, kind);
  } else if (const auto made =
                 unwrap_as([kind] { return templates::unwrapped(kind, Held::extractable); })) {
    key = *made;
  } else if (unwrap_as(meaningless)) {
    key = ImportFault::material;
  }
  const auto* made = std::get_if<CK_OBJECT_HANDLE>(&key);
  const KeyKindInfo& row = pkcs11::info(kind);
  if (made == nullptr || row.family != KeyFamily::hmac) return key;
  // SoftHSM does not tell how long an unwrapped HMAC key is, and takes any.
  const std::optional<ObjectInfo> told = session.inspect(*made);
  if (!told || told->bytes == 0) return std::nullopt;
  if (told->bytes != row.bytes) key = ImportFault::material;
  return key;
}

std::variant<CK_OBJECT_HANDLE, ImportFault> CryptokiToken::open_in_process(Session& session,
                                                                           const Envelope& envelope,
                                                                           KeyKind kind) {
  if (envelope.wrapped.empty() || pkcs11::info(kind).family == KeyFamily::hmac) {
    const std::optional<SecretBytes> key = open_envelope(session, envelope);
    if (!key) return ImportFault::ciphertext;
    return inject(session, key->view(), kind);
  }
  const std::optional<SecretBytes> opened =
      open_oaep(session, envelope.method, envelope.hash, envelope.key, envelope.sealed);
  if (!opened || opened->size() != kAes256Bytes) return ImportFault::ciphertext;
  const CK_OBJECT_HANDLE kek = session.create(templates::known_wrapping_key(opened->view()));
  return unwrap_foreign(session, kek, envelope.wrapped, kind);
}

std::optional<SecretBytes> CryptokiToken::open_envelope(Session& session,
                                                        const Envelope& envelope) {
  std::optional<SecretBytes> opened =
      open_oaep(session, envelope.method, envelope.hash, envelope.key, envelope.sealed);
  if (!opened || envelope.wrapped.empty()) return opened;
  if (opened->size() != kAes256Bytes) return std::nullopt;
  return key_wrap::unwrap(opened->view(), envelope.wrapped);
}

std::variant<CK_OBJECT_HANDLE, ImportFault> CryptokiToken::unwrap_foreign(Session& session,
                                                                          CK_OBJECT_HANDLE kek,
                                                                          ByteView wrapped,
                                                                          KeyKind kind) {
  // Secrets of other lengths that the same number of blocks holds.
  const KeyKindInfo& row = pkcs11::info(kind);
  if (!is_pair(kind) && wrapped.size() != (row.bytes + 7) / 8 * 8 + 8) return ImportFault::material;
  const auto unwrapped = unless_foreign(session, [&] {
    return session.unwrap(probed_.key_wrap, kek, wrapped,
                          templates::unwrapped(kind, Held::extractable));
  });
  if (unwrapped) return *unwrapped;
  const auto opened = unless_foreign(
      session, [&] { return session.unwrap(probed_.key_wrap, kek, wrapped, meaningless()); });
  return opened ? ImportFault::material : ImportFault::ciphertext;
}

std::variant<CK_OBJECT_HANDLE, ImportFault> CryptokiToken::inject(Session& session, ByteView key,
                                                                  KeyKind kind) {
  const KeyKindInfo& row = pkcs11::info(kind);
  if (!is_pair(kind) && key.size() != row.bytes) return ImportFault::material;
  if (key.empty()) return ImportFault::material;
  SecretBytes kek(kAes256Bytes);
  session.random(kek.span());
  const CK_OBJECT_HANDLE known = session.create(templates::known_wrapping_key(kek.view()));
  return unwrap_foreign(session, known, key_wrap::wrap(kek.view(), key), kind);
}

std::optional<Bytes> CryptokiToken::sign_with_foreign(Session& session, CK_OBJECT_HANDLE key,
                                                      ByteView digest) {
  for (int tries = 0;; ++tries) {
    try {
      return session.sign(CKM_ECDSA, key, digest);
    } catch (const Error& error) {
      // SoftHSM takes a private key of 0, with which nothing can be signed. The key lives in this
      // session, so that it cannot be a fresh one that shows the token to be well.
      if (!may_blame_wrapped_key(error.rv())) throw;
      canary_.prove(session);
      if (tries == 1) return std::nullopt;
    }
  }
}

std::optional<std::pair<Bytes, KeyPair>> CryptokiToken::complete_pair(Session& session,
                                                                      KeyKind kind,
                                                                      CK_OBJECT_HANDLE key) {
  const std::optional<ObjectInfo> made = session.inspect(key);
  if (!made || kind_of(*made) != kind) return std::nullopt;
  const auto with_public = [&](Bytes public_key) -> std::optional<std::pair<Bytes, KeyPair>> {
    std::optional<Attributes> wanted = templates::public_object(kind, public_key);
    if (!wanted) return std::nullopt;
    const KeyPair pair{key, session.create(std::move(*wanted))};
    if (!is_one_pair(session, kind, pair)) return std::nullopt;
    return std::pair(std::move(public_key), pair);
  };
  if (pkcs11::info(kind).family == KeyFamily::rsa) {
    Bytes public_key = read_public_key(session, kind, key);
    if (!has_usable_exponent(kind, public_key)) return std::nullopt;
    return with_public(std::move(public_key));
  }
  // A private key on a curve does not tell its point.
  std::array<std::uint8_t, 32> digest{};
  session.random(digest);
  const std::optional<Bytes> signature = sign_with_foreign(session, key, digest);
  if (!signature) return std::nullopt;
  for (Bytes& candidate : possible_public_keys(kind, digest, *signature)) {
    if (auto pair = with_public(std::move(candidate))) return pair;
  }
  return std::nullopt;
}

std::variant<MaterialRef, ImportFault> CryptokiToken::import_ed25519(Session& session,
                                                                     const Envelope& envelope,
                                                                     const ObjectId& id,
                                                                     const std::string& label,
                                                                     Deadline deadline) {
  constexpr KeyKind kKind = KeyKind::ed25519;
  const std::optional<SecretBytes> opened = open_envelope(session, envelope);
  if (!opened) return ImportFault::ciphertext;
  const ByteView private_key = opened->view();
  if (private_key.size() != kEd25519PrivateKeyInfo.size() + kEd25519Bytes ||
      !std::ranges::equal(private_key.first(kEd25519PrivateKeyInfo.size()),
                          kEd25519PrivateKeyInfo)) {
    return ImportFault::material;
  }
  const std::optional<Bytes> point = ed25519_public_key(private_key.last(kEd25519Bytes));
  if (!point) return ImportFault::material;
  ObjectMaterial material{.kind = kKind, .id = id, .public_key = ec_public_key(kKind, *point)};
  const TimedLock lock(objects_mutex_, deadline, "a creation");
  if (!find_parts(session, id).empty()) {
    throw Error(Failure::bad_argument, "there is an object " + to_hex(id));
  }
  (void)session.create(
      templates::named(templates::known_ed25519_key(private_key.last(kEd25519Bytes)), id, label));
  std::optional<Attributes> public_part =
      templates::public_token_object(kKind, material.public_key);
  if (!public_part) return ImportFault::material;
  (void)session.create(templates::named(std::move(*public_part), id, label));
  return material;
}

Bytes CryptokiToken::fingerprint(const MaterialRef& key, Deadline deadline) {
  // Neither is used for anything else: an IV of GCM is drawn, and nobody is told a fingerprint.
  constexpr std::array<std::uint8_t, kGcmIvBytes> kIv{'f', 'i', 'n', 'g', 'e', 'r',
                                                      'p', 'r', 'i', 'n', 't', '!'};
  constexpr std::array<std::uint8_t, 16> kText{'k', 'e', 'y', ' ', 'm', 'a', 't', 'e',
                                               'r', 'i', 'a', 'l', ' ', 'i', 'd', '.'};
  const KeyKindInfo& row = pkcs11::info(kind_of(key));
  switch (row.family) {
    case KeyFamily::hmac:
      return mac(key, kText, deadline);
    case KeyFamily::aes:
      if (probed_.capabilities.gcm_iv != GcmIv::host) {
        throw Error(Failure::unsupported, "the token does not let IVs be chosen");
      }
      return with_key(key, deadline, [&](Session& session, const KeyUse& use) {
        return session.gcm_encrypt(use.handle, GcmIv::host, kIv, {}, kText).data;
      });
    case KeyFamily::rsa:
    case KeyFamily::ec:
    case KeyFamily::edwards:
    case KeyFamily::ml_dsa:
      break;
  }
  return public_key_of(key);
}

}  // namespace pkcs11
