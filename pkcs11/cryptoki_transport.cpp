#include <optional>
#include <utility>

#include "pkcs11/cryptoki_token.h"
#include "pkcs11/key_kind.h"
#include "pkcs11/oaep.h"
#include "pkcs11/public_key.h"
#include "pkcs11/templates.h"

// Transport of material from token to token.
namespace pkcs11 {

Bytes CryptokiToken::transport_key(Deadline deadline) {
  return connection_->run(deadline, [&](Session& session) {
    return settle_transport_key(session, deadline).public_key;
  });
}

CryptokiToken::TransportKey CryptokiToken::settle_transport_key(Session& session,
                                                                Deadline deadline) {
  const TimedLock lock(objects_mutex_, deadline, "a search");
  {
    const MutexLock info_lock(mutex_);
    if (transport_) return *transport_;
  }
  std::optional<TransportKey> found;
  const auto consider = [&](CK_OBJECT_HANDLE handle) {
    const std::optional<ObjectInfo> object = session.inspect(handle);
    const std::optional<ObjectId> id = object ? object_id(*object) : std::nullopt;
    // Whoever can write to the token can plant an object with our label: the public key is taken
    // from a private one that the token itself vouches was made in it and never could leave it.
    if (!id || token_key(*object).role != Role::transport_key ||
        kind_of(*object) != KeyKind::rsa_4096 || !session.is_native(handle) ||
        !session.flag(handle, CKA_UNWRAP) || session.flag(handle, CKA_DECRYPT)) {
      return;
    }
    if (found && found->id <= *id) return;
    found = TransportKey{*id, read_public_key(session, KeyKind::rsa_4096, handle)};
    keys_.put(*id, token_key(*object));
  };
  for (const CK_OBJECT_HANDLE handle : session.find(templates::objects(CKO_PRIVATE_KEY))) {
    consider(handle);
  }
  if (!found) {
    const ObjectId id = draw_id(session);
    const KeyPair made =
        session.generate_pair(pkcs11::info(KeyKind::rsa_4096).generation,
                              templates::transport_public_part(id), templates::transport_key(id));
    consider(made.private_key);
    if (!found) {
      throw Error(Failure::unsupported, "the token does not vouch for keys made in it");
    }
    connection_->log("made transport key " + to_hex(id));
  }
  const MutexLock info_lock(mutex_);
  transport_ = found;
  return *found;
}

TransportedKey CryptokiToken::export_material(const WrappedMaterial& key, ByteView transport_key,
                                              Deadline deadline) {
  std::optional<Attributes> wrapping = templates::wrapping_public_key(transport_key);
  if (!wrapping) throw Error(Failure::bad_argument, "no transport key");
  return connection_->run(deadline, [&](Session& session) {
    try {
      const TokenKey kek = locate(key.kek, CKO_SECRET_KEY, session, deadline);
      const auto unwrapped = unless_refused(session, [&] {
        return session.unwrap(probed_.key_wrap, kek.handle, key.blob,
                              templates::unwrapped(key.kind, templates::Held::extractable));
      });
      if (!unwrapped) throw Error(Failure::material_rejected, "the material does not open");
      const CK_OBJECT_HANDLE carrier =
          session.generate_key(CKM_AES_KEY_GEN, templates::extractable_wrapping_key());
      std::optional<Attributes> wanted = templates::wrapping_public_key(transport_key);
      if (!wanted) throw Error(Failure::bad_argument, "no transport key");
      const CK_OBJECT_HANDLE destination = session.create(std::move(*wanted));
      TransportedKey transported{
          .kind = key.kind,
          .wrapped_key = oaep::wrap(OaepHash::sha1, session, destination, carrier),
          .wrapped = session.wrap(probed_.key_wrap, carrier, *unwrapped),
          .public_key = key.public_key};
      session.give_up();
      return transported;
    } catch (const Error&) {
      session.give_up();
      throw;
    }
  });
}

WrappedMaterial CryptokiToken::import_transported(const TransportedKey& transported,
                                                  Deadline deadline) {
  const ObjectId under = wrapping_kek();
  return connection_->run(deadline, [&](Session& session) {
    try {
      const TransportKey transport = settle_transport_key(session, deadline);
      const TokenKey key = locate(transport.id, CKO_PRIVATE_KEY, session, deadline);
      const auto reject = [] {
        throw Error(Failure::material_rejected, "what was transported does not open");
      };
      const auto carrier = unless_foreign(session, [&] {
        return oaep::unwrap(OaepHash::sha1, session, key.handle, transported.wrapped_key,
                            templates::unwrapped_wrapping_key());
      });
      if (!carrier) reject();
      const auto arrived = unwrap_foreign(session, *carrier, transported.wrapped, transported.kind);
      if (std::holds_alternative<ImportFault>(arrived)) reject();
      KeyPair fresh{.private_key = std::get<CK_OBJECT_HANDLE>(arrived)};
      if (is_pair(transported.kind)) {
        std::optional<Attributes> wanted =
            templates::public_object(transported.kind, transported.public_key);
        if (!wanted) reject();
        fresh.public_key = session.create(std::move(*wanted));
      }
      WrappedMaterial held =
          hold_wrapped(session, transported.kind, fresh, transported.public_key, under, deadline);
      session.give_up();
      return held;
    } catch (const Error&) {
      session.give_up();
      throw;
    }
  });
}

}  // namespace pkcs11
