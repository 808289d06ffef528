#include "connector/auth/authorization_header.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "connector/api/error.h"
#include "connector/auth/sigv4.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr auto is_separator = [](char c) { return c == ',' || c == ' ' || c == '\t'; };

[[noreturn]] void refuse(std::string message) {
  throw api::Error(api::ErrorCode::incomplete_signature, std::move(message));
}

/// AWS tells a client its own header back only as a digest: what a confused client sends here may
/// be a secret of another scheme, and the answer ends in logs.
std::string digest_of(std::string_view header) { return to_base64(sha256(as_bytes(header))); }

/// Takes the next piece between separators off `rest`; empty at the end.
std::string_view next_piece(std::string_view& rest) {
  const auto* start = std::ranges::find_if_not(rest, is_separator);
  const auto* end = std::find_if(start, rest.end(), is_separator);
  rest = {end, rest.end()};
  return {start, end};
}

/// What the pieces of a header say; an empty Credential or Signature counts as missing,
/// SignedHeaders may be empty.
struct Pieces {
  std::string_view algorithm;
  std::string_view credential;
  std::optional<std::string_view> signed_headers;
  std::string_view signature;
};

/// nullopt if a piece has no "=".
std::optional<Pieces> pieces_of(std::string_view header) {
  Pieces pieces;
  pieces.algorithm = next_piece(header);
  for (auto piece = next_piece(header); !piece.empty(); piece = next_piece(header)) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = piece.substr(0, equals);
    const std::string_view value = piece.substr(equals + 1);
    if (name == "Credential") pieces.credential = value;
    if (name == "SignedHeaders") pieces.signed_headers = value;
    if (name == "Signature") pieces.signature = value;
  }
  return pieces;
}

}  // namespace

Authorization parse_authorization(std::string_view header, bool dated) {
  const std::optional<Pieces> pieces = pieces_of(header);
  if (!pieces) {
    refuse(
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 "
        "and encoded with "
        "Base64): '" +
        digest_of(header) + "'.");
  }
  std::string missing;
  const auto require = [&](bool present, std::string_view name) {
    if (!present)
      missing.append("Authorization header requires '").append(name).append("' parameter. ");
  };
  require(!pieces->credential.empty(), "Credential");
  require(!pieces->signature.empty(), "Signature");
  require(pieces->signed_headers.has_value(), "SignedHeaders");
  if (!dated) {
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  if (!missing.empty()) {
    refuse(missing +
           "(Hashed with SHA-256 and encoded with Base64) Authorization=" + digest_of(header));
  }
  return {.algorithm = pieces->algorithm,
          .credential = pieces->credential,
          .signed_headers = *pieces->signed_headers,
          .signature = pieces->signature};
}

Credential parse_credential(std::string_view text) {
  // AWS splits as Java does: empty elements at the end do not count.
  std::string_view rest = text.substr(0, text.find_last_not_of('/') + 1);
  std::array<std::string_view, 5> elements;
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    const std::size_t slash = rest.find('/');
    more = slash != std::string_view::npos;
    if (count < elements.size()) elements[count] = rest.substr(0, slash);
    if (more) rest.remove_prefix(slash + 1);
  }
  if (count != elements.size()) {
    refuse(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term, got '" +
        std::string(text) + "'");
  }
  return {.access_key_id = elements[0],
          .date = elements[1],
          .region = elements[2],
          .service = elements[3],
          .terminator = elements[4]};
}

std::string claimed_access_key_id(const api::Request& request) {
  constexpr std::size_t kLongest = 128;  // IAM's AccessKeyIdType
  const auto header = request.headers.get("Authorization");
  if (!header) return {};
  const std::optional<Pieces> pieces = pieces_of(*header);
  if (!pieces) return {};
  const std::string_view id = pieces->credential.substr(0, pieces->credential.find('/'));
  const bool plausible =
      id.size() <= kLongest &&
      id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == std::string_view::npos;
  return plausible ? std::string(id) : std::string();
}

}  // namespace kms::auth
