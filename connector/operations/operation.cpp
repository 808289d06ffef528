#include "connector/operations/operation.h"

#include <chrono>
#include <optional>
#include <string>

#include "connector/api/error.h"
#include "connector/base/arn.h"
#include "connector/base/turns.h"

namespace kms::operations {
namespace {

/// By what the call touches first. Relatives of a multi-Region key change together: the Region does
/// not count. Calls that touch nothing share one turn.
std::string name_of_turn(const audit::Record& record) {
  if (record.resources.empty()) return {};
  const auto arn = Arn::parse(record.resources.front().arn);
  return arn ? arn->account + "/" + arn->resource : std::string{};
}

}  // namespace

// The first attempt waits for nobody, so that a writer whom the token keeps waiting delays no
// other. Only those that lost one take turns: each attempt of many at once would cost all but one
// of them their work in the token.
SecretBytes retry_conflicts(Call& call, SecretBytes (*attempt)(Call&, const void*),
                            const void* request) {
  std::optional<Turns::Turn> turn;
  for (;;) {
    try {
      return attempt(call, request);
    } catch (const storage::Error& error) {
      if (error.fault() != storage::Fault::conflict) throw;
    }
    if (!turn) turn = call.context().turns.wait(name_of_turn(call.record()), call.deadline());
    if (!turn || std::chrono::steady_clock::now() >= call.deadline()) throw api::throttled();
    call.begin_again();
  }
}

}  // namespace kms::operations
