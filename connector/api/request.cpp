#include "connector/api/request.h"

#include <algorithm>

#include "connector/base/encodings.h"

namespace kms::api {

bool same_header(std::string_view a, std::string_view b) noexcept {
  return equal_ignoring_case(a, b);
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept {
  for (const Header& line : lines_) {
    if (same_header(line.name, name)) return line.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Header& line : lines_) {
    if (same_header(line.name, name)) values.emplace_back(line.value);
  }
  return values;
}

std::string_view media_type(const Headers& headers) noexcept {
  const std::string_view sent = headers.get("content-type").value_or("");
  return sent.substr(0, std::min(sent.find(';'), sent.find(' ')));
}

}  // namespace kms::api
