#include "connector/operations/marker.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connector/api/error.h"
#include "tests/fuzz/support.h"

namespace {

using kms::operations::Listing;

/// nullopt: the marker is refused.
std::optional<std::string> opened(const Listing& listing, std::string_view marker) {
  try {
    return kms::operations::open_marker(listing, std::string(marker));
  } catch (const kms::api::Error& error) {
    kms::fuzz::require(error.code() == kms::api::ErrorCode::invalid_marker, "the one refusal");
    return std::nullopt;
  }
}

}  // namespace

// An operation, a line that is the filter, and the rest: as a marker, and as what a marker carries.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kms::fuzz::require;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const kms::Scope scope{"123456789012", "us-east-1"};
  const std::string_view operation = kms::fuzz::take_operation(input).name;
  const Listing listing{operation, scope, kms::fuzz::take_line(input)};

  if (const auto last = opened(listing, input)) {
    require(kms::operations::make_marker(listing, *last) == input, "a position has one marker");
  }
  if (input.empty()) return 0;
  const std::string marker = kms::operations::make_marker(listing, input);
  require(opened(listing, marker) == input, "a marker tells where it was made");
  const std::string longer = std::string(listing.filter) + "x";
  const kms::Scope other_account{"111122223333", scope.region};
  const kms::Scope other_region{scope.account, "eu-west-1"};
  for (const Listing& other :
       {Listing{operation, scope, longer}, Listing{operation, other_account, listing.filter},
        Listing{operation, other_region, listing.filter},
        Listing{"ListNothing", scope, listing.filter}}) {
    require(!opened(other, marker), "no other listing takes it");
  }
  return 0;
}
