#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "connector/api/request.h"
#include "connector/api/response.h"

namespace kms::http {

constexpr std::size_t kMaxHeadBytes = 32 * 1024;
constexpr std::size_t kMaxHeaderLines = 100;

/// What comes before a request's body, and what it says about the connection.
struct Head {
  std::string method;
  std::string uri;  // origin form, or "*"
  bool http_1_1 = true;
  api::Headers headers;
  std::size_t length = 0;  // of the body, unless chunked
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
};

/// A request refused before it reaches the service; the connection ends with it.
struct Refusal {
  int status;
  std::string_view reason;  // a word for the metrics
};

/// Reads a request line and header lines with the empty line after them. Stricter than Poco's
/// parser, which takes white space before the colon, bare line feeds and repeated lengths: what two
/// parsers can read in two ways is refused.
[[nodiscard]] std::variant<Head, Refusal> parse_head(std::string_view text);

/// The status line and header lines of an answer. The framing (Content-Length, Connection) is told
/// here, whatever the response says of it.
[[nodiscard]] std::string response_head(const api::Response& response, bool close, bool http_1_1);

/// An answer without a body, dated, for what the service does not see.
[[nodiscard]] api::Response bare_response(int status);

}  // namespace kms::http
