#include <openssl/evp.h>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/oaep.h"
#include "pkcs11/templates.h"

// What a token does is found out by having it done, once, when it is first needed: making an RSA
// key takes up to a second.
namespace pkcs11 {
namespace {

using templates::Held;

/// Of the kinds that a token either all has or has not, the one whose keys are made fastest.
KeyKind representative(KeyKind kind) {
  return info(kind).family == KeyFamily::rsa ? KeyKind::rsa_2048 : kind;
}

KeyPair make_session_pair(Session& session, KeyKind kind) {
  return session.generate_pair(info(kind).generation, templates::public_part(kind, Held::session),
                               templates::key(kind, Held::session));
}

Bytes draw(Session& session, std::size_t bytes) {
  Bytes drawn(bytes);
  session.random(drawn);
  return drawn;
}

/// For comparison with what the token's C_Digest answers.
Bytes sha2(const SchemeInfo& scheme, ByteView message) {
  const EVP_MD* const hash = scheme.digest == CKM_SHA256   ? EVP_sha256()
                             : scheme.digest == CKM_SHA384 ? EVP_sha384()
                                                           : EVP_sha512();
  Bytes digest(scheme.digest_bytes);
  if (EVP_Digest(message.data(), message.size(), digest.data(), nullptr, hash, nullptr) != 1) {
    throw Error(Failure::other, "EVP_Digest failed");
  }
  return digest;
}

Bytes with_info(const SchemeInfo& scheme, ByteView digest) {
  Bytes data(scheme.digest_info.begin(), scheme.digest_info.end());
  data.insert(data.end(), digest.begin(), digest.end());
  return data;
}

}  // namespace

Holding CryptokiToken::holding(KeyKind kind, Deadline deadline) {
  if (kind == KeyKind::aes_256) {
    return probed_.capabilities.wrap_kwp && kek() ? Holding::wrapped : Holding::object;
  }
  const KeyKind tried = representative(kind);
  Finding<Holding>& finding =
      probed_.findings->holding[kek() ? 1 : 0][static_cast<std::size_t>(tried)];
  std::optional<Holding> found = finding.get();
  if (!found) {
    found = finding.set(connection_->run(deadline, [&](Session& session) {
      const Holding holding = find_holding(tried, session, deadline);
      session.give_up();  // with what was made in it
      return holding;
    }));
  }
  return *found;
}

Holding CryptokiToken::find_holding(KeyKind kind, Session& session, Deadline deadline) {
  const std::optional<ObjectId> under = kek();
  if (under && probed_.capabilities.wrap_kwp && manages(session, [&] {
        materials_.drop(wrap_new_key(session, kind, *under, deadline));
        return true;
      })) {
    return Holding::wrapped;
  }
  const bool generates = manages(session, [&] {
    if (is_pair(kind)) return is_one_pair(session, kind, make_session_pair(session, kind));
    const CK_OBJECT_HANDLE key =
        session.generate_key(pkcs11::info(kind).generation, templates::key(kind, Held::session));
    return session.sign(pkcs11::info(kind).mac, key, {}).size() == pkcs11::info(kind).bytes;
  });
  return generates ? Holding::object : Holding::none;
}

bool CryptokiToken::signs(SignatureScheme scheme, MessageForm form, Deadline deadline) {
  const auto at = static_cast<std::size_t>(scheme);
  if (form == MessageForm::external_mu) return false;  // no mechanism of PKCS#11 3.2 takes it
  if (form == MessageForm::digest && pkcs11::info(scheme).digest == 0) return false;
  const Findings& findings = *probed_.findings;
  if (!findings.digest_signing[at].get()) {
    connection_->run(deadline, [&](Session& session) {
      find_signing(cheapest_kind(scheme), session, deadline);
    });
  }
  if (form == MessageForm::digest) return findings.digest_signing[at].get() == Ability::yes;
  return findings.message_signing[at].get() != MessageSigning::none;
}

template <class Use>
void CryptokiToken::with_new_pair(KeyKind kind, Session& session, Deadline deadline, Use&& use) {
  // On the anchor session: the other one is closed at each refusal, and its objects go with it.
  std::optional<KeyPair> pair;
  const bool generates = manages(session, [&] {
    pair = connection_->on_anchor(deadline,
                                  [&](Session& anchor) { return make_session_pair(anchor, kind); });
    return true;
  });
  const auto destroy = [&] {
    if (!generates) return;
    connection_->on_anchor(deadline, [&](Session& anchor) {
      anchor.destroy(pair->private_key);
      anchor.destroy(pair->public_key);
    });
  };
  try {
    use(generates ? &*pair : nullptr);
  } catch (const Error&) {
    destroy();
    throw;
  }
  destroy();
}

void CryptokiToken::find_signing(KeyKind kind, Session& session, Deadline deadline) {
  with_new_pair(kind, session, deadline, [&](const KeyPair* pair) {
    for (std::size_t at = 0; at < kSignatureSchemes; ++at) {
      const SchemeInfo& scheme = pkcs11::info(static_cast<SignatureScheme>(at));
      if (cheapest_kind(scheme.scheme) != kind) continue;
      const bool on_digest = pair != nullptr && signs_digests(scheme, session, *pair);
      const MessageSigning on_message =
          pair != nullptr ? message_signing(scheme, session, *pair) : MessageSigning::none;
      probed_.findings->message_signing[at].set(on_message);
      probed_.findings->digest_signing[at].set(on_digest ? Ability::yes : Ability::no);
    }
  });
}

OaepMethod CryptokiToken::oaep(OaepHash hash, Deadline deadline) {
  Finding<OaepMethod>& finding = probed_.findings->oaep[static_cast<std::size_t>(hash)];
  if (const auto known = finding.get()) return *known;
  return connection_->run(deadline, [&](Session& session) {
    constexpr KeyKind kKind = KeyKind::rsa_2048;
    OaepMethod found = OaepMethod::none;
    with_new_pair(kKind, session, deadline, [&](const KeyPair* pair) {
      if (pair != nullptr) found = find_oaep_method(hash, kKind, session, *pair);
    });
    return finding.set(found);
  });
}

bool CryptokiToken::signs_digests(const SchemeInfo& scheme, Session& session, const KeyPair& pair) {
  if (scheme.digest == 0) return false;
  const SigningMechanism raw(scheme, false);
  return manages(session, [&] {
    const Bytes data = with_info(scheme, draw(session, scheme.digest_bytes));
    const Bytes signature = session.sign(raw.get(), pair.private_key, data);
    return session.verify(raw.get(), pair.public_key, data, signature);
  });
}

MessageSigning CryptokiToken::message_signing(const SchemeInfo& scheme, Session& session,
                                              const KeyPair& pair) {
  const Bytes message = draw(session, 100);
  const SigningMechanism raw(scheme, false);
  if (scheme.digest == 0) {
    const bool signs_whole = manages(session, [&] {
      const Bytes signature = session.sign(raw.get(), pair.private_key, message);
      // SoftHSM 2.6.1 ignores that it is to hash first, and makes a pure signature.
      const bool as_told =
          !scheme.prehashed || !session.verify(scheme.raw, pair.public_key, message, signature);
      return as_told && session.verify(raw.get(), pair.public_key, message, signature);
    });
    return signs_whole ? MessageSigning::whole : MessageSigning::none;
  }
  const Bytes digest = sha2(scheme, message);
  const auto is_signature = [&](const Bytes& signature) {
    return session.verify(raw.get(), pair.public_key, with_info(scheme, digest), signature);
  };
  if (manages(session, [&] {
        const SigningMechanism combined(scheme, true);
        return is_signature(session.sign(combined.get(), pair.private_key, message));
      })) {
    return MessageSigning::combined;
  }
  const bool hashes = manages(session, [&] {
    return session.digest(scheme.digest, message) == digest &&
           is_signature(session.sign(raw.get(), pair.private_key, with_info(scheme, digest)));
  });
  return hashes ? MessageSigning::digest_first : MessageSigning::none;
}

CryptokiToken::Signing CryptokiToken::prepare(const SchemeInfo& scheme, MessageForm form,
                                              ByteView message, const MaterialRef& key,
                                              const KeyUse& use, Session& session,
                                              Deadline deadline) {
  if (form == MessageForm::digest) return {false, with_info(scheme, message)};
  Signing as_it_is{false, Bytes(message.begin(), message.end())};
  if (scheme.digest == 0 && !scheme.prehashed) return as_it_is;
  Finding<MessageSigning>& finding =
      probed_.findings->message_signing[static_cast<std::size_t>(scheme.scheme)];
  std::optional<MessageSigning> how = finding.get();
  if (!how) {
    const KeyPair pair{use.handle, public_part(key, use, session, deadline)};
    how = finding.set(message_signing(scheme, session, pair));
  }
  switch (*how) {
    case MessageSigning::whole:
      return as_it_is;
    case MessageSigning::combined:
      as_it_is.combined = true;
      return as_it_is;
    case MessageSigning::digest_first:
      return {false, with_info(scheme, session.digest(scheme.digest, message))};
    case MessageSigning::none:
      break;
  }
  throw Error(Failure::unsupported, "the token does not make such signatures of messages");
}

OaepMethod CryptokiToken::oaep_method(OaepHash hash, KeyKind kind, Session& session,
                                      const KeyPair& pair) {
  Finding<OaepMethod>& finding = probed_.findings->oaep[static_cast<std::size_t>(hash)];
  std::optional<OaepMethod> how = finding.get();
  if (!how) how = finding.set(find_oaep_method(hash, kind, session, pair));
  if (*how == OaepMethod::none) {
    throw Error(Failure::unsupported, "the token has no RSAES-OAEP with this hash");
  }
  return *how;
}

OaepMethod CryptokiToken::find_oaep_method(OaepHash hash, KeyKind kind, Session& session,
                                           const KeyPair& pair) {
  const std::size_t modulus = pkcs11::info(kind).bytes;
  const Bytes plaintext = draw(session, 16);
  const auto round_trip = [&](OaepMethod method) {
    return manages(session, [&] {
      const Bytes sealed = oaep::seal(hash, method, session, pair.public_key, plaintext, modulus);
      const Decrypted opened = oaep::open(hash, method, session, pair.private_key, sealed);
      check(opened.rv, "C_Decrypt");
      if (method == OaepMethod::native) return opened.plaintext.equals(plaintext);
      const auto unpadded = oaep::unpad(hash, opened.plaintext.view());
      return unpadded && unpadded->equals(plaintext);
    });
  };
  if (round_trip(OaepMethod::native)) return OaepMethod::native;
  if (!connection_->options().quirks.rsa_padding_outside) return OaepMethod::none;
  return round_trip(OaepMethod::padded_outside) ? OaepMethod::padded_outside : OaepMethod::none;
}

}  // namespace pkcs11
