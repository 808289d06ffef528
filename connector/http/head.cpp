#include "connector/http/head.h"

#include <Poco/Net/HTTPResponse.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "connector/base/byte_words.h"
#include "connector/base/clock.h"

namespace kms::http {
namespace {

constexpr Refusal kMalformed{400, "malformed"};

/// Which bytes a syntax allows.
using Bytes256 = std::array<bool, 256>;

constexpr std::size_t index(char c) noexcept { return static_cast<unsigned char>(c); }

bool all_of(std::string_view text, const Bytes256& allowed) noexcept {
  return std::ranges::all_of(text, [&](char c) { return allowed[index(c)]; });
}

constexpr Bytes256 token_bytes() noexcept {
  Bytes256 bytes{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    bytes[index(c)] = true;
  }
  return bytes;
}

constexpr Bytes256 range_of_bytes(std::size_t first, std::size_t last) noexcept {
  Bytes256 bytes{};
  for (std::size_t i = first; i <= last; ++i) bytes[i] = true;
  return bytes;
}

// A value holds no control characters but tabs; it may hold non-ASCII bytes.
constexpr Bytes256 value_bytes() noexcept {
  Bytes256 bytes = range_of_bytes(0x20, 0xff);
  bytes[0x7f] = false;
  bytes[index('\t')] = true;
  return bytes;
}

// RFC 9110, 5.6.2: token; 5.5: field value. RFC 9112, 3.2: request target.
constexpr Bytes256 kToken = token_bytes();
constexpr Bytes256 kValue = value_bytes();
constexpr Bytes256 kVisible = range_of_bytes(0x21, 0x7e);

bool is_token(std::string_view text) noexcept { return !text.empty() && all_of(text, kToken); }

bool is_value(std::string_view text) noexcept {
  const std::size_t plain =
      skip_words(text, [](ByteWord word) { return word.any_below(0x20) || word.any(0x7f); });
  return all_of(text.substr(plain), kValue);
}

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether a comma-separated list holds the word, in either case.
bool lists(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (api::same_header(trimmed(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// The next line without its CR LF; nullopt at a CR that is not part of one. (A bare LF is no
/// value.)
std::optional<std::string_view> take_line(std::string_view& text) noexcept {
  const std::size_t end = text.find('\r');
  if (end == std::string_view::npos || text.substr(end, 2) != "\r\n") return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

/// RFC 9112, 3.2: the target in origin form; `authority` is that of an absolute one.
std::optional<std::string> origin_form(std::string_view target, std::string_view method,
                                       std::string_view& authority) {
  if (!all_of(target, kVisible)) return std::nullopt;
  if (target.starts_with('/')) return std::string(target);
  if (target == "*") return method == "OPTIONS" ? std::optional("*") : std::nullopt;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  if (!api::same_header(target.substr(0, scheme), "http") &&
      !api::same_header(target.substr(0, scheme), "https")) {
    return std::nullopt;
  }
  target.remove_prefix(scheme + 3);
  const std::size_t path = std::min(target.find_first_of("/?"), target.size());
  authority = target.substr(0, path);
  if (authority.empty()) return std::nullopt;
  target.remove_prefix(path);
  return target.starts_with('/') ? std::string(target) : "/" + std::string(target);
}

std::optional<Refusal> read_request_line(std::string_view line, Head& head,
                                         std::string_view& authority) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return kMalformed;
  head.method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(head.method)) return kMalformed;
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') return kMalformed;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refusal{505, "version"};
  head.http_1_1 = version == "HTTP/1.1";
  auto uri = origin_form(line.substr(first + 1, last - first - 1), head.method, authority);
  if (!uri) return kMalformed;
  head.uri = std::move(*uri);
  return std::nullopt;
}

std::optional<Refusal> read_header_lines(std::string_view text, Head& head) {
  std::string name;
  std::string value;
  for (;;) {
    const auto line = take_line(text);
    if (!line) return kMalformed;
    const bool folded = !line->empty() && is_blank(line->front());
    if (folded) {
      // RFC 9112, 5.2: a folded line is refused, or joined by a space before the value is read.
      if (name.empty() || !is_value(*line)) return kMalformed;
      value.append(" ").append(trimmed(*line));
      continue;
    }
    if (!name.empty()) {
      if (head.headers.size() == kMaxHeaderLines) return Refusal{431, "headers"};
      head.headers.add(std::exchange(name, {}), std::exchange(value, {}));
    }
    if (line->empty()) return text.empty() ? std::nullopt : std::optional(kMalformed);
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return kMalformed;
    if (!is_value(line->substr(colon + 1))) return kMalformed;
    name = line->substr(0, colon);
    value = trimmed(line->substr(colon + 1));
  }
}

/// RFC 9112, 6: how long the body is. Two answers to that question, or an unclear one, are refused.
std::optional<Refusal> read_framing(Head& head) {
  const auto lengths = head.headers.all("Content-Length");
  const auto codings = head.headers.all("Transfer-Encoding");
  if (lengths.size() + codings.size() > 1) return kMalformed;
  if (!codings.empty()) {
    if (!head.http_1_1) return kMalformed;
    if (!api::same_header(codings.front(), "chunked")) return Refusal{501, "malformed"};
    head.chunked = true;
  }
  if (!lengths.empty()) {
    const std::string_view digits = lengths.front();
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), head.length);
    if (error == std::errc::result_out_of_range) {
      head.length = std::numeric_limits<std::size_t>::max();
    } else if (error != std::errc{}) {
      return kMalformed;
    }
    if (end != digits.data() + digits.size()) return kMalformed;
  }
  return std::nullopt;
}

std::optional<Refusal> read_connection(Head& head, std::string_view authority) {
  const auto hosts = head.headers.all("Host");
  if (hosts.size() > 1 || (hosts.empty() && head.http_1_1)) return kMalformed;
  if (!authority.empty() && !hosts.empty() && !api::same_header(hosts.front(), authority)) {
    return kMalformed;
  }
  head.keep_alive = head.http_1_1;
  for (const std::string_view value : head.headers.all("Connection")) {
    if (lists(value, "close")) {
      head.keep_alive = false;
      break;
    }
    if (lists(value, "keep-alive")) head.keep_alive = true;
  }
  if (const auto expect = head.headers.get("Expect"); expect && head.http_1_1) {
    if (!api::same_header(*expect, "100-continue")) return Refusal{417, "malformed"};
    head.expects_continue = true;
  }
  return std::nullopt;
}

}  // namespace

std::variant<Head, Refusal> parse_head(std::string_view text) {
  Head head;
  std::string_view authority;
  const auto request_line = take_line(text);
  if (!request_line) return kMalformed;
  if (const auto refusal = read_request_line(*request_line, head, authority)) return *refusal;
  if (const auto refusal = read_header_lines(text, head)) return *refusal;
  if (const auto refusal = read_framing(head)) return *refusal;
  if (const auto refusal = read_connection(head, authority)) return *refusal;
  return head;
}

std::string response_head(const api::Response& response, bool close, bool http_1_1) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += Poco::Net::HTTPResponse::getReasonForStatus(
      static_cast<Poco::Net::HTTPResponse::HTTPStatus>(response.status));
  head += "\r\n";
  for (const api::Header& line : response.headers) {
    if (api::same_header(line.name, "Content-Length") ||
        api::same_header(line.name, "Connection")) {
      continue;
    }
    // A value that the service took from a request must not begin a line of its own.
    if (!is_token(line.name) || !is_value(line.value)) continue;
    head.append(line.name).append(": ").append(line.value).append("\r\n");
  }
  head.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  if (close) {
    head += "Connection: close\r\n";
  } else if (!http_1_1) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  return head;
}

api::Response bare_response(int status) {
  api::Response response;
  response.status = status;
  response.headers.add("Date", http_date(SystemClock().now()));
  return response;
}

}  // namespace kms::http
