#pragma once

#include <chrono>
#include <optional>

#include "pkcs11/token.h"

namespace pkcs11 {

/// When a module is started again for a token that is not found. Nothing else makes some modules
/// (SoftHSM) see a new one, and each time costs all other tokens of the module their sessions and
/// logins: as long as there are such ones, the waits double. Not thread-safe.
class SearchPace final {
 public:
  /// Takes the turn that there is at `now`, else tells when the next one is. `disturbs`: another
  /// token is logged in to. `asked`: somebody waits for the answer.
  [[nodiscard]] std::optional<Deadline> take_turn(Deadline now, bool disturbs, bool asked);
  /// The turn that was taken last disturbed nobody: it does not double the wait.
  void not_done() noexcept;
  /// A token was found by a search.
  void helped() noexcept { wait_ = {}; }

 private:
  std::optional<Deadline> last_;
  std::chrono::milliseconds wait_{};
  std::chrono::milliseconds wait_before_{};
};

}  // namespace pkcs11
