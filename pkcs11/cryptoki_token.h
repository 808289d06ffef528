#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkcs11/canary.h"
#include "pkcs11/connection.h"
#include "pkcs11/key_cache.h"
#include "pkcs11/material_cache.h"
#include "pkcs11/signature_scheme.h"
#include "pkcs11/timed_mutex.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// Token on a PKCS#11 module: which object serves which material, and what is done with it. When
/// and how often is the Connection's business. Locks, in this order: gate, session lease, anchor
/// session, objects.
class CryptokiToken final : public Token, private Connection::Listener {
 public:
  /// Opens the connection.
  CryptokiToken(std::shared_ptr<LoadedModule> module, TokenOptions options, Deadline deadline);
  ~CryptokiToken() override;
  CryptokiToken(const CryptokiToken&) = delete;
  CryptokiToken& operator=(const CryptokiToken&) = delete;
  CryptokiToken(CryptokiToken&&) = delete;
  CryptokiToken& operator=(CryptokiToken&&) = delete;

  TokenInfo info() const override;
  Capabilities capabilities() const override { return probed_.capabilities; }
  void check_health(Deadline deadline) override { connection_->check_health(deadline); }
  std::uint64_t epoch() const override { return connection_->epoch(); }

  Holding holding(KeyKind kind, Deadline deadline) override;
  bool signs(SignatureScheme scheme, MessageForm form, Deadline deadline) override;
  OaepMethod oaep(OaepHash hash, Deadline deadline) override;
  WrappedMaterial generate_wrapped(KeyKind kind, Deadline deadline) override;
  ObjectMaterial generate_object(KeyKind kind, const ObjectId& id, const std::string& label,
                                 Deadline deadline) override;
  bool destroy_object(const ObjectId& id, Deadline deadline) override;
  bool has_object(const ObjectId& id, Deadline deadline) override;
  std::vector<TokenObject> objects(Deadline deadline) override;

  void random(std::span<std::uint8_t> out, Deadline deadline) override;
  GcmCiphertext gcm_encrypt(const MaterialRef& key, ByteView plaintext, ByteView aad,
                            Deadline deadline) override;
  std::optional<SecretBytes> gcm_decrypt(const MaterialRef& key, ByteView iv, ByteView ciphertext,
                                         ByteView aad, Deadline deadline) override;
  SealedRandom generate_sealed(const MaterialRef& key, std::size_t size, ByteView aad,
                               Deadline deadline) override;

  Bytes sign(const MaterialRef& key, SignatureScheme scheme, MessageForm form, ByteView message,
             Deadline deadline) override;
  bool verify(const MaterialRef& key, SignatureScheme scheme, MessageForm form, ByteView message,
              ByteView signature, Deadline deadline) override;
  Bytes mac(const MaterialRef& key, ByteView message, Deadline deadline) override;
  bool verify_mac(const MaterialRef& key, ByteView message, ByteView mac,
                  Deadline deadline) override;
  Bytes oaep_encrypt(const MaterialRef& key, OaepHash hash, ByteView plaintext,
                     Deadline deadline) override;
  std::optional<SecretBytes> oaep_decrypt(const MaterialRef& key, OaepHash hash,
                                          ByteView ciphertext, Deadline deadline) override;
  std::optional<SecretBytes> ecdh(const MaterialRef& key, ByteView peer,
                                  Deadline deadline) override;
  DataKeyPair generate_data_key_pair(KeyKind kind, Deadline deadline) override;
  std::variant<MaterialRef, ImportFault> import_material(
      const WrappedMaterial& wrapping_key, ImportScheme scheme, ByteView encrypted, KeyKind kind,
      const std::optional<std::pair<ObjectId, std::string>>& as, Deadline deadline) override;
  Bytes fingerprint(const MaterialRef& key, Deadline deadline) override;
  Bytes transport_key(Deadline deadline) override;
  TransportedKey export_material(const WrappedMaterial& key, ByteView transport_key,
                                 Deadline deadline) override;
  WrappedMaterial import_transported(const TransportedKey& transported, Deadline deadline) override;

 private:
  /// A key in use; an unwrapped one stays in the token meanwhile.
  struct KeyUse {
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    MaterialCache::Ref unwrapped;
  };

  void logged_in(Session& anchor, const PresentToken& token, Deadline deadline) override;
  void logged_out() noexcept override;
  void prove(Session& session) override { canary_.prove(session); }

  // At login, when nothing else runs.
  std::vector<ObjectInfo> enumerate(Session& session) KMS_REQUIRES(objects_mutex_);
  void settle_canary(Session& anchor, const std::vector<ObjectInfo>& objects)
      KMS_REQUIRES(objects_mutex_);
  void settle_kek(Session& anchor, const std::vector<ObjectInfo>& objects)
      KMS_REQUIRES(objects_mutex_);
  CK_OBJECT_HANDLE make_own_object(Session& anchor, const ObjectId& id, Attributes&& wanted)
      KMS_REQUIRES(objects_mutex_);
  [[nodiscard]] static ObjectId draw_id(Session& session);
  [[nodiscard]] std::optional<ObjectId> kek() const;

  /// Runs `operation(Session&, const KeyUse&)`.
  template <class Operation>
  auto with_key(const MaterialRef& material, Deadline deadline, Operation&& operation);

  // Inside Connection::run().
  [[nodiscard]] KeyUse resolve(const MaterialRef& material, Session& session, Deadline deadline);
  void forget(const MaterialRef& material, const KeyUse& key, bool gone);
  /// The handle that was used may stand for nothing, or for another object, by now.
  [[nodiscard]] static bool doubts_handle(const Error& error);
  /// The token says so.
  [[nodiscard]] static bool loses_object(const Error& error);
  [[nodiscard]] TokenKey locate(const ObjectId& id, CK_OBJECT_CLASS object_class, Session& session,
                                Deadline deadline);
  /// The public part of the pair that `key` is the private part of.
  [[nodiscard]] CK_OBJECT_HANDLE public_part(const MaterialRef& material, const KeyUse& key,
                                             Session& session, Deadline deadline);
  [[nodiscard]] CK_OBJECT_HANDLE find_public_part(const ObjectMaterial& material, Session& session,
                                                  Deadline deadline);
  /// The objects that make up a key: one, or the parts of a pair.
  [[nodiscard]] static std::vector<CK_OBJECT_HANDLE> find_parts(Session& session,
                                                                const ObjectId& id);
  /// The public key, for a pair.
  [[nodiscard]] Bytes make_object(Session& session, KeyKind kind, const ObjectId& id,
                                  const std::string& label) KMS_REQUIRES(objects_mutex_);
  /// Throws unless it is the token's healthy word that the object is not there.
  void confirm_absence(Session& session) KMS_REQUIRES(objects_mutex_);
  [[nodiscard]] MaterialCache::Ref unwrap(const WrappedMaterial& material, Session& session,
                                          Deadline deadline);
  [[nodiscard]] CK_OBJECT_HANDLE unwrap_blob(Session& anchor, Session& session,
                                             const WrappedMaterial& material, CK_OBJECT_HANDLE kek);
  /// As far as the token lets them be destroyed; the others may be the next time.
  void destroy_evicted(Session& anchor);
  /// Checks the unwrapped key, makes its public part, and puts both into the cache.
  [[nodiscard]] MaterialCache::Ref take_in(const WrappedMaterial& material, CK_OBJECT_HANDLE key,
                                           Session& anchor, Session& session);
  [[nodiscard]] bool is_as_told(const WrappedMaterial& material, const KeyPair& key,
                                Session& session);
  [[nodiscard]] bool is_aes_256(Session& session, CK_OBJECT_HANDLE key);
  [[nodiscard]] bool is_hmac_key(Session& session, KeyKind kind, CK_OBJECT_HANDLE key);
  /// Whether the one verifies what the other signs.
  [[nodiscard]] static bool is_one_pair(Session& session, KeyKind kind, const KeyPair& pair);
  /// What `attempt` gives; nullopt if the token refuses it twice and decrypts its canary after each
  /// refusal: SoftHSM has one answer to a corrupt blob and to a token that is not well.
  template <class Attempt>
  [[nodiscard]] auto unless_refused(Session& session, Attempt&& attempt)
      -> std::optional<decltype(attempt())>;
  /// The same for a key that came from outside; nullopt also if the token blames the key at once.
  template <class Attempt>
  [[nodiscard]] std::optional<CK_OBJECT_HANDLE> unless_foreign(Session& session, Attempt&& attempt);
  /// Whether `attempt`, a bool(), succeeds; false if the token refuses it twice and is well. What
  /// was made in the session does not survive a refusal.
  template <class Attempt>
  [[nodiscard]] bool manages(Session& session, Attempt&& attempt);
  [[nodiscard]] WrappedMaterial wrap_new_key(Session& session, KeyKind kind, const ObjectId& kek,
                                             Deadline deadline);
  /// Material of an extractable session key, which is destroyed.
  [[nodiscard]] WrappedMaterial hold_wrapped(Session& session, KeyKind kind, const KeyPair& fresh,
                                             Bytes public_key, const ObjectId& kek,
                                             Deadline deadline);
  /// Throws unless the material's key is `fresh`, which is what was wrapped.
  void prove_equal(Session& session, KeyKind kind, const KeyPair& fresh,
                   const MaterialCache::Unwrapped& unwrapped);
  /// Whether `attempt` decrypts; it answers C_Decrypt's CK_RV. false: the ciphertext is at fault. A
  /// token that is not well throws.
  template <class Attempt>
  [[nodiscard]] bool decrypts(Session& session, Attempt&& attempt);

  // Material that goes out of the token or comes into it. What is made in the session on the way
  // goes with it.
  [[nodiscard]] DataKeyPair export_pair(Session& session, KeyKind kind);
  /// Imported material as it came: `wrapped` is empty where `sealed` is the material itself.
  struct Envelope {
    OaepMethod method = OaepMethod::none;
    OaepHash hash = OaepHash::sha1;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    ByteView sealed;   // by RSAES-OAEP
    ByteView wrapped;  // under the AES key in `sealed` (RFC 5649)
  };
  [[nodiscard]] std::variant<MaterialRef, ImportFault> take_import(Session& session,
                                                                   const Envelope& envelope,
                                                                   KeyKind kind, Deadline deadline);
  /// The key as an extractable session object; nullopt: the token does not tell enough of it.
  [[nodiscard]] std::optional<std::variant<CK_OBJECT_HANDLE, ImportFault>> open_in_token(
      Session& session, const Envelope& envelope, KeyKind kind);
  [[nodiscard]] std::variant<CK_OBJECT_HANDLE, ImportFault> open_in_process(
      Session& session, const Envelope& envelope, KeyKind kind);
  /// All of it in the process; nullopt: it is no ciphertext.
  [[nodiscard]] std::optional<SecretBytes> open_envelope(Session& session,
                                                         const Envelope& envelope);
  /// What was encrypted by RSAES-OAEP, in the process; nullopt: it is no ciphertext.
  [[nodiscard]] std::optional<SecretBytes> open_oaep(Session& session, OaepMethod method,
                                                     OaepHash hash, CK_OBJECT_HANDLE key,
                                                     ByteView ciphertext);
  /// The key as an extractable session object.
  [[nodiscard]] std::variant<CK_OBJECT_HANDLE, ImportFault> unwrap_foreign(Session& session,
                                                                           CK_OBJECT_HANDLE kek,
                                                                           ByteView wrapped,
                                                                           KeyKind kind);
  /// The same for a key that is in the process.
  [[nodiscard]] std::variant<CK_OBJECT_HANDLE, ImportFault> inject(Session& session, ByteView key,
                                                                   KeyKind kind);
  /// nullopt: the token signs nothing with this private key on a curve.
  [[nodiscard]] std::optional<Bytes> sign_with_foreign(Session& session, CK_OBJECT_HANDLE key,
                                                       ByteView digest);
  /// The public key of a private session object, as SubjectPublicKeyInfo and as session object;
  /// nullopt: it is no key of the kind.
  [[nodiscard]] std::optional<std::pair<Bytes, KeyPair>> complete_pair(Session& session,
                                                                       KeyKind kind,
                                                                       CK_OBJECT_HANDLE key);
  [[nodiscard]] std::variant<MaterialRef, ImportFault> import_ed25519(Session& session,
                                                                      const Envelope& envelope,
                                                                      const ObjectId& id,
                                                                      const std::string& label,
                                                                      Deadline deadline);
  struct TransportKey {
    ObjectId id{};
    Bytes public_key;
  };
  [[nodiscard]] TransportKey settle_transport_key(Session& session, Deadline deadline);
  [[nodiscard]] ObjectId wrapping_kek() const;

  // What is found out when it is first needed.
  [[nodiscard]] Holding find_holding(KeyKind kind, Session& session, Deadline deadline);
  [[nodiscard]] MessageSigning message_signing(const SchemeInfo& scheme, Session& session,
                                               const KeyPair& pair);
  /// Runs `use(const KeyPair*)` with a session pair, null if the token makes none of the kind.
  template <class Use>
  void with_new_pair(KeyKind kind, Session& session, Deadline deadline, Use&& use);
  void find_signing(KeyKind kind, Session& session, Deadline deadline);
  [[nodiscard]] bool signs_digests(const SchemeInfo& scheme, Session& session, const KeyPair& pair);
  [[nodiscard]] OaepMethod oaep_method(OaepHash hash, KeyKind kind, Session& session,
                                       const KeyPair& pair);
  [[nodiscard]] OaepMethod find_oaep_method(OaepHash hash, KeyKind kind, Session& session,
                                            const KeyPair& pair);
  /// How to sign or verify `message` in this form; may hash it in the token.
  struct Signing {
    bool combined = false;
    Bytes data;
  };
  [[nodiscard]] Signing prepare(const SchemeInfo& scheme, MessageForm form, ByteView message,
                                const MaterialRef& key, const KeyUse& use, Session& session,
                                Deadline deadline);
  void check_plaintext(std::size_t size) const;
  void remove_leftovers(const ObjectId& id, Deadline deadline) noexcept;

  // Set by the first login, before anybody else has the token.
  Probed probed_;
  bool probed_once_ = false;

  KeyCache keys_;
  MaterialCache materials_;
  Canary canary_;
  /// Search, creation and destruction of token objects: SoftHSM before 2.7.0 fails, and leaves keys
  /// behind, where they run side by side (its issue 573).
  TimedMutex objects_mutex_;
  mutable Mutex mutex_;
  TokenInfo info_ KMS_GUARDED_BY(mutex_);
  std::optional<ObjectId> kek_ KMS_GUARDED_BY(mutex_);
  std::optional<TransportKey> transport_ KMS_GUARDED_BY(mutex_);

  const std::shared_ptr<Connection> connection_;
};

template <class Operation>
auto CryptokiToken::with_key(const MaterialRef& material, Deadline deadline,
                             Operation&& operation) {
  return connection_->run(deadline, [&](Session& session) {
    const KeyUse key = resolve(material, session, deadline);
    try {
      return operation(session, key);
    } catch (const Error& error) {
      if (doubts_handle(error)) forget(material, key, loses_object(error));
      throw;
    }
  });
}

template <class Attempt>
auto CryptokiToken::unless_refused(Session& session, Attempt&& attempt)
    -> std::optional<decltype(attempt())> {
  for (int tries = 0;; ++tries) {
    try {
      return attempt();
    } catch (const Error& error) {
      if (!may_blame_wrapped_key(error.rv())) throw;
    }
    if (session.busy()) session.reopen();
    canary_.prove(session);
    if (tries == 1) return std::nullopt;
  }
}

template <class Attempt>
std::optional<CK_OBJECT_HANDLE> CryptokiToken::unless_foreign(Session& session, Attempt&& attempt) {
  try {
    return unless_refused(session, attempt);
  } catch (const Error& error) {
    if (describe(error.rv()).severity == Severity::caller && is_refusal(error)) return std::nullopt;
    throw;
  }
}

template <class Attempt>
bool CryptokiToken::manages(Session& session, Attempt&& attempt) {
  for (int tries = 0;; ++tries) {
    try {
      return attempt();
    } catch (const Error& error) {
      if (!is_refusal(error)) throw;
    }
    session.reopen();
    canary_.prove(session);
    if (tries == 1) return false;
  }
}

template <class Attempt>
bool CryptokiToken::decrypts(Session& session, Attempt&& attempt) {
  const CK_RV first = attempt();
  if (first == CKR_OK) return true;
  if (blames_ciphertext(first)) return false;
  if (first != CKR_GENERAL_ERROR && first != CKR_FUNCTION_FAILED) raise(first, "C_Decrypt");
  // SoftHSM's answer to a wrong tag or padding, and also to a login or object lost in mid-call.
  // Only if the canary is decrypted before and after a second refusal, in the same fresh session,
  // the ciphertext is at fault.
  session.reopen();
  canary_.prove(session);
  const CK_RV second = attempt();
  if (second == CKR_OK) return true;
  if (second != first) raise(second, "C_Decrypt");
  session.reopen();
  canary_.prove(session);
  return false;
}

}  // namespace pkcs11
