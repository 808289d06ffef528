#include "connector/operations/marker.h"

#include <algorithm>

#include "connector/api/error.h"
#include "connector/base/encodings.h"

namespace kms::operations {
namespace {

// A digest of the listing and the position: too short to be of use for anything else.
constexpr std::size_t kBindingBytes = 12;

std::string binding(const Listing& listing) {
  std::string text;
  for (const std::string_view part : {listing.operation, std::string_view(listing.scope.account),
                                      std::string_view(listing.scope.region), listing.filter}) {
    text.append(std::to_string(part.size())).append(":").append(part);
  }
  const Sha256 digest = sha256(as_bytes(text));
  return {digest.begin(), digest.begin() + kBindingBytes};
}

}  // namespace

std::size_t page_size(const std::optional<std::int32_t>& limit, PageLimits limits) {
  return static_cast<std::size_t>(std::min(limit.value_or(limits.standard), limits.maximum));
}

std::string make_marker(const Listing& listing, std::string_view position) {
  return to_base64url(as_bytes(binding(listing).append(position)));
}

std::string open_marker(const Listing& listing, const std::optional<std::string>& marker) {
  if (!marker) return {};
  const auto bytes = from_base64url(*marker);
  const std::string expected = binding(listing);
  if (!bytes || bytes->size() <= expected.size() ||
      !std::equal(expected.begin(), expected.end(), bytes->begin(),
                  [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; })) {
    throw api::Error(api::ErrorCode::invalid_marker, "The marker is not valid for this request.");
  }
  return {bytes->begin() + kBindingBytes, bytes->end()};
}

}  // namespace kms::operations
