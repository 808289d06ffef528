#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "connector/api/request.h"
#include "connector/api/schema.h"

// What the fuzzers share.
namespace kms::fuzz {

/// Ends the process, which is how a fuzzer reports a finding.
inline void require(bool holds, const char* what, std::string_view detail = {}) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", what, std::string(detail).c_str());
  std::abort();
}

/// JSON in UTF-8.
inline bool is_json(std::string_view text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  return !document.HasParseError();
}

/// Takes the first byte off `input`, 0 at its end.
inline std::uint8_t take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

/// One byte chooses an operation of the model: '0' is the first in the order of names.
inline const api::OperationInfo& take_operation(std::string_view& input) {
  const auto operations = api::operations();
  const auto number = static_cast<std::uint8_t>(take_byte(input) - '0');
  return operations[number % operations.size()];
}

inline std::string_view take_line(std::string_view& input) {
  const std::size_t end = input.find('\n');
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return line;
}

/// "METHOD URI", lines "Name: value", an empty line, the body; as the HTTP layer would hand it on,
/// without what that refuses.
inline api::Request parse_request(std::string_view input) {
  api::Request request;
  const std::string_view start = take_line(input);
  const std::size_t space = start.find(' ');
  request.method = start.substr(0, space);
  if (space != std::string_view::npos) request.uri = start.substr(space + 1);
  for (std::string_view line = take_line(input); !line.empty(); line = take_line(input)) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos || colon == 0) continue;
    std::string value(line.substr(colon + 2));
    for (char& c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7F) c = '?';
    }
    request.headers.add(std::string(line.substr(0, colon)), std::move(value));
  }
  request.body = pkcs11::SecretBytes::copy_of(input);
  request.peer_address = "127.0.0.1";
  return request;
}

}  // namespace kms::fuzz
