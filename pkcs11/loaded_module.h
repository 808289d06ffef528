#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pkcs11/cryptoki.h"
#include "pkcs11/findings.h"
#include "pkcs11/library.h"
#include "pkcs11/module.h"
#include "pkcs11/mutex.h"
#include "pkcs11/refused_pins.h"
#include "pkcs11/search_pace.h"
#include "pkcs11/timed_mutex.h"

namespace pkcs11 {

class Connection;

/// A token that is in a slot now.
struct PresentToken {
  CK_SLOT_ID slot = 0;
  CK_FLAGS flags = 0;
  TokenInfo info;
};

/// What the probe found.
struct Probed {
  Capabilities capabilities;
  /// false: a refusal may have been of the moment, although the token was well.
  bool certain = true;
  CK_MECHANISM_TYPE key_wrap = CKM_AES_KEY_WRAP_PAD;  // the one that is RFC 5649, if wrap_kwp
  /// What is found out later, for all logins to the token.
  std::shared_ptr<Findings> findings = std::make_shared<Findings>();
};

/// Module, and what the connections to its tokens share: the function list, the claims on tokens,
/// and the start from new of everything.
class LoadedModule final : public Module {
 public:
  LoadedModule(std::unique_ptr<Library> library, std::string init_args);
  ~LoadedModule() override;
  LoadedModule(const LoadedModule&) = delete;
  LoadedModule& operator=(const LoadedModule&) = delete;
  LoadedModule(LoadedModule&&) = delete;
  LoadedModule& operator=(LoadedModule&&) = delete;

  std::vector<TokenInfo> tokens(bool rescan, Deadline deadline) override;
  std::unique_ptr<Token> open(TokenOptions options, Deadline deadline) override;

  [[nodiscard]] const std::string& init_args() const noexcept { return init_args_; }
  [[nodiscard]] const CK_FUNCTION_LIST& functions() const noexcept { return library_->functions(); }
  /// Initialised tokens in slots. A slot that fails is left out; if that leaves none, its error is
  /// thrown.
  [[nodiscard]] std::vector<PresentToken> present_tokens() const;
  [[nodiscard]] PresentToken inspect_slot(CK_SLOT_ID slot) const;

  /// How often C_Initialize was called.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  /// C_Finalize and C_Initialize with every connection idle, then every connection made again;
  /// nothing if another thread has done so since `seen`. Throws Error{deadline_exceeded}, with all
  /// as it was, if a call to one of the tokens does not end soon, or never did.
  void start_again(std::uint64_t seen, Deadline deadline);
  /// The same to find a token, as often as SearchPace lets it: if `asked`, waits for its turn and
  /// for calls to end. False if that did not come in time.
  [[nodiscard]] bool search_again(std::uint64_t seen, bool asked, Deadline deadline);
  /// A token was missing before the module was started again, and is not now.
  void search_helped();

  /// From now on start_again() takes this connection along.
  void enroll(const std::shared_ptr<Connection>& connection, Deadline deadline);
  /// One connection a token: a second one's PIN would never be looked at. Throws
  /// Error{user_logged_in_elsewhere}.
  void claim(const std::string& serial);
  void release(const std::string& serial) noexcept;
  /// True if this process has tried to log in to the token before.
  bool note_login(const std::string& serial);
  /// A call is still running in the module: it must never be finalised, nor its code go.
  void keep_forever() noexcept { keep_forever_ = true; }

  [[nodiscard]] RefusedPins& refused_pins() noexcept { return refused_pins_; }
  [[nodiscard]] std::optional<Probed> known_capabilities(const std::string& token) const;
  void learn_capabilities(const std::string& token, const Probed& probed);

 private:
  std::vector<std::shared_ptr<Connection>> connections() KMS_REQUIRES(control_);
  void restart(Deadline deadline) KMS_REQUIRES(control_);

  std::unique_ptr<Library> library_;
  const std::string init_args_;
  std::atomic<std::uint64_t> generation_{1};
  std::atomic<bool> keep_forever_{false};
  RefusedPins refused_pins_;

  TimedMutex control_;
  mutable TimedMutex inspection_;
  std::vector<std::weak_ptr<Connection>> connections_ KMS_GUARDED_BY(control_);

  mutable Mutex mutex_;
  SearchPace search_pace_ KMS_GUARDED_BY(mutex_);
  std::set<std::string> claimed_ KMS_GUARDED_BY(mutex_);
  std::set<std::string> login_tried_ KMS_GUARDED_BY(mutex_);
  std::map<std::string, Probed> capabilities_ KMS_GUARDED_BY(mutex_);
};

}  // namespace pkcs11
