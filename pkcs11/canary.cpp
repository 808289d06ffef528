#include "pkcs11/canary.h"

#include <array>
#include <string>

#include "pkcs11/gcm.h"

namespace pkcs11 {
namespace {

constexpr std::array<std::uint8_t, 16> kSong{'c', 'a', 'n', 'a', 'r', 'y', ' ', 's',
                                             'i', 'n', 'g', 's', ' ', 'o', 'n', '.'};

}  // namespace

void Canary::adopt(CK_OBJECT_HANDLE key, std::optional<ObjectId> id) {
  auto fresh = std::make_shared<State>();
  fresh->key = key;
  fresh->id = id;
  const MutexLock lock(mutex_);
  state_ = std::move(fresh);
}

void Canary::seal(Session& session, GcmIv mode) {
  auto sealed = std::make_shared<State>(*state());
  std::array<std::uint8_t, kGcmIvBytes> iv{};
  session.random(iv);
  sealed->sealed = session.gcm_encrypt(sealed->key, mode, iv, kSong, {});
  const MutexLock lock(mutex_);
  state_ = std::move(sealed);
}

void Canary::forget() {
  const MutexLock lock(mutex_);
  state_ = std::make_shared<State>();
}

std::optional<ObjectId> Canary::id() const { return state()->id; }
CK_OBJECT_HANDLE Canary::key() const { return state()->key; }

void Canary::prove(Session& session) const {
  const auto now = state();
  if (!now->sealed) return;
  Decrypted song;
  try {
    song = session.gcm_decrypt(now->key, now->sealed->iv, now->sealed->data, {});
  } catch (const Error& error) {
    // The canary's handle is not that of the key in use.
    const Severity severity = describe(error.rv()).severity;
    if (severity != Severity::handle && severity != Severity::caller) throw;
    song.rv = error.rv();
  }
  if (song.rv == CKR_OK && song.plaintext.equals(kSong)) return;
  // Whatever it answers, a token that fails at what it must be able to do has to be recovered.
  throw Error(Failure::device_error,
              std::string("the token does not decrypt its canary: ") + describe(song.rv).name,
              CKR_DEVICE_ERROR);
}

std::shared_ptr<const Canary::State> Canary::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

}  // namespace pkcs11
