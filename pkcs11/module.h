#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkcs11/split_secret.h"
#include "pkcs11/token.h"

namespace pkcs11 {

/// How to choose a token: every part that is set must match. Parsed from an RFC 7512 URI or given
/// as label and serial.
struct TokenSelector {
  std::optional<std::string> label;
  std::optional<std::string> serial;
  std::optional<std::string> manufacturer;
  std::optional<std::string> model;
  /// Throws Error{bad_argument} with what is wrong; refuses pin-value and pin-source.
  static TokenSelector from_uri(const std::string& uri);
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] bool fits(const TokenInfo& info) const;
};

/// What a vendor's module does differently; named values of the configuration.
struct Quirks {
  std::optional<GcmIv> gcm_iv;  // unset: probed
  bool read_write_sessions_only = true;
  std::size_t max_gcm_bytes = 0;  // 0: probed
  /// Where the token lacks OAEP with a hash: raw RSA in the token, the padding by us.
  bool rsa_padding_outside = true;
};

/// Remembers durably which PIN a token refused, so that it is never tried again (spec: a refused
/// PIN counts towards the lock-out). Keyed by token serial; the implementation stores a keyed hash
/// of the PIN.
class PinRefusals {
 public:
  virtual ~PinRefusals() = default;
  /// The refusal recorded for this very PIN, if any.
  [[nodiscard]] virtual std::optional<Failure> refused(const std::string& serial, ByteView pin) = 0;
  /// Durable when it returns.
  virtual void record(const std::string& serial, ByteView pin, Failure failure) = 0;
};

struct TokenOptions {
  TokenSelector selector;
  SplitSecret pin;
  std::size_t max_sessions = 16;             // the anchor session comes on top
  std::size_t max_cached_materials = 10000;  // unwrapped session objects kept in the token
  bool wrap_materials = true;  // find or make the key-encryption key (false in custom key stores)
  /// Somebody waits for this token: it is searched for sooner than one that is missing for long.
  bool asked_for = false;
  Quirks quirks;
  std::shared_ptr<PinRefusals> pin_refusals;  // may be null in tests
  /// Called on recovery events with one line of text (no secrets); may be empty.
  std::function<void(const std::string&)> log;
  /// How long the token that goes waits for the module, which may be logging in to it again.
  std::chrono::milliseconds close_within{30'000};
};

/// A loaded PKCS#11 module: libp11's context and, of the same library, the function list. Lives as
/// long as anything made from it.
class Module : public std::enable_shared_from_this<Module> {
 public:
  virtual ~Module() = default;
  /// Tokens now present and initialised. `rescan`: after a C_Finalize + C_Initialize that began
  /// after the call, exclusive against every token of the module; who asks for that too often waits
  /// for it. Throws Error{deadline_exceeded} if there was none in time.
  [[nodiscard]] virtual std::vector<TokenInfo> tokens(bool rescan, Deadline deadline) = 0;
  /// Chooses, logs in, probes. Throws Error: token_not_found, token_ambiguous, pin_*, device_error
  /// ...
  [[nodiscard]] virtual std::unique_ptr<Token> open(TokenOptions options, Deadline deadline) = 0;
};

/// The modules of this process, one context per real path. Destroy it (after all tokens) inside
/// main: C_Finalize in a static destructor crashes SoftHSM.
class Modules {
 public:
  Modules();
  ~Modules();
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;
  /// Throws Error{module_not_loadable}; Error{deadline_exceeded} if another thread's C_Initialize
  /// of this module does not end. `init_args` is the string some modules (NSS) want in
  /// C_Initialize.
  std::shared_ptr<Module> load(const std::string& path, const std::string& init_args,
                               Deadline deadline);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pkcs11
