#include "connector/auth/canonical.h"

#include <algorithm>
#include <array>
#include <compare>
#include <utility>
#include <vector>

#include "connector/auth/sigv4.h"
#include "connector/base/byte_words.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

constexpr std::array<bool, 256> unreserved_characters() {
  std::array<bool, 256> table{};
  for (unsigned char c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned char c = '0'; c <= '9'; ++c) table[c] = true;
  for (const char c : {'-', '.', '_', '~'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr std::array<bool, 256> kUnreserved = unreserved_characters();

void append_encoded(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (kUnreserved[byte]) {
    out += c;
  } else {
    out += '%';
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// The byte that "%XY" at `at` stands for; -1 if it is no such sequence.
int escaped_byte(std::string_view text, std::size_t at) {
  if (text[at] != '%' || text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Decodes one name or value of a query and encodes it again in the one canonical way, so that
/// "%7e", "%7E" and "~" are the same. "+" is a space, as in forms. A "%" that begins no escape
/// stands for itself.
std::string reencoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const int byte = escaped_byte(text, i); byte >= 0) {
      append_encoded(out, static_cast<char>(byte));
      i += 2;
    } else {
      append_encoded(out, text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

/// Calls `take` with each piece between separators.
template <class Take>
void split(std::string_view text, char separator, const Take& take) {
  while (true) {
    const std::size_t end = text.find(separator);
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

std::pair<std::string_view, std::string_view> name_and_value(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals == std::string_view::npos) return {parameter, {}};
  return {parameter.substr(0, equals), parameter.substr(equals + 1)};
}

constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/// No white space around the value, one space for each run inside.
void append_canonical_value(std::string& out, std::string_view value) {
  bool any = false;
  while (!value.empty()) {
    std::size_t end = skip_words(value, [](ByteWord word) { return word.any_below(' ' + 1); });
    while (end != value.size() && !is_space(value[end])) ++end;
    if (end != 0) {
      if (any) out += ' ';
      any = true;
      out.append(value.substr(0, end));
      value.remove_prefix(end);
    }
    while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  }
}

/// Which header line belongs to which of the signed names.
struct SignedLine {
  std::size_t name;
  const api::Header* line;
  auto operator<=>(const SignedLine&) const = default;
};

/// By name, those of one name in the order received. Each line looks its name up: a request of a
/// thousand headers, or of a thousand names, costs no million comparisons.
std::vector<SignedLine> signed_lines(const api::Headers& headers, const SignedHeaders& names) {
  std::vector<SignedLine> lines;
  lines.reserve(headers.size());
  for (const api::Header& line : headers) {
    const std::size_t name = names.find(line.name);
    if (name != names.size()) lines.push_back({.name = name, .line = &line});
  }
  std::ranges::sort(lines);
  return lines;
}

void append_canonical_headers(std::string& out, const api::Headers& headers,
                              const SignedHeaders& names) {
  const std::vector<SignedLine> lines = signed_lines(headers, names);
  auto signed_line = lines.begin();
  std::size_t index = 0;
  for (const std::string_view name : names) {
    out.append(name) += ':';
    const auto first = signed_line;
    for (; signed_line != lines.end() && signed_line->name == index; ++signed_line) {
      if (signed_line != first) out += ',';
      append_canonical_value(out, signed_line->line->value);
    }
    out += '\n';
    ++index;
  }
}

}  // namespace

std::string canonical_uri(std::string_view path) {
  std::vector<std::string_view> segments;
  split(path, '/', [&](std::string_view segment) {
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  });
  std::string out;
  for (const std::string_view segment : segments) {
    out += '/';
    for (const char c : segment) append_encoded(out, c);
  }
  if (out.empty() || path.ends_with('/')) out += '/';
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  split(query, '&', [&](std::string_view parameter) {
    if (parameter.empty()) return;
    const auto [name, value] = name_and_value(parameter);
    parameters.emplace_back(reencoded(name), reencoded(value));
  });
  std::ranges::sort(parameters);
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

SignedHeaders::SignedHeaders(std::string_view list) : list_(lower_case(list)) {
  split(list_, ';', [&](std::string_view name) {
    if (!name.empty()) names_.push_back(name);
  });
  // A name that is listed a thousand times must not repeat its value as often in the canonical
  // request.
  std::ranges::sort(names_);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

std::size_t SignedHeaders::find(std::string_view name) const {
  const std::string lowered = lower_case(name);
  const auto found = std::ranges::lower_bound(names_, lowered);
  if (found == names_.end() || *found != lowered) return size();
  return static_cast<std::size_t>(found - names_.begin());
}

Target split_target(std::string_view uri) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!uri.starts_with(scheme)) continue;
    const std::size_t end = uri.find_first_of("/?", scheme.size());
    uri = end == std::string_view::npos ? std::string_view{} : uri.substr(end);
    break;
  }
  const std::size_t question = uri.find('?');
  if (question == std::string_view::npos) return {.path = uri, .query = {}};
  return {.path = uri.substr(0, question), .query = uri.substr(question + 1)};
}

bool has_parameter(std::string_view query, std::string_view name) {
  if (query.empty()) return false;
  const std::string wanted = reencoded(name);
  bool found = false;
  split(query, '&', [&](std::string_view parameter) {
    found = found || reencoded(name_and_value(parameter).first) == wanted;
  });
  return found;
}

std::string canonical_request(const api::Request& request, const SignedHeaders& names,
                              std::string_view body_sha256_hex) {
  const Target target = split_target(request.uri);
  std::string out;
  out.reserve(1024);
  out.append(request.method).append("\n");
  out.append(canonical_uri(target.path)).append("\n");
  out.append(canonical_query(target.query)).append("\n");
  append_canonical_headers(out, request.headers, names);
  out += '\n';
  bool first = true;
  for (const std::string_view name : names) {
    if (!std::exchange(first, false)) out += ';';
    out.append(name);
  }
  out.append("\n").append(body_sha256_hex);
  return out;
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical_request) {
  std::string out = "AWS4-HMAC-SHA256\n";
  out.append(amz_date).append("\n").append(scope).append("\n");
  out.append(to_hex(sha256(as_bytes(canonical_request))));
  return out;
}

}  // namespace kms::auth
