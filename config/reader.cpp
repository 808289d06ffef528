#include "config/reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <numeric>
#include <utility>

namespace config {
namespace {

// Edit distance (Levenshtein), for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

std::string suggestion(std::string_view unknown, const std::vector<const Option*>& options) {
  const Option* nearest = nullptr;
  std::size_t least = unknown.size() / 3 + 2;
  for (const Option* option : options) {
    const std::size_t d = distance(unknown, option->name);
    if (d < least) {
      least = d;
      nearest = option;
    }
  }
  if (nearest != nullptr) return "; did you mean " + std::string(nearest->name) + "?";
  std::string known = "; known here:";
  for (const Option* option : options) known.append(" ").append(option->name);
  return known;
}

/// Digits without a leading zero, after a '-' if the range wants one; nullopt for all else.
std::optional<std::int64_t> whole_number(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A whole number and one of the units behind it.
template <std::size_t N>
std::optional<std::int64_t> with_unit(
    std::string_view text, const std::array<std::pair<std::string_view, std::int64_t>, N>& units) {
  const std::size_t digits = text.find_first_not_of("-0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const auto unit = std::find_if(units.begin(), units.end(), [&](const auto& known) {
    return known.first == text.substr(digits);
  });
  const auto count = whole_number(text.substr(0, digits));
  if (unit == units.end() || !count) return std::nullopt;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / unit->second;
  if (*count > most || *count < -most) return std::nullopt;
  return *count * unit->second;
}

bool plain_scalar(const Node& node) { return node.kind == Node::Kind::scalar && !node.quoted; }

}  // namespace

Reader::Reader(std::string file) : file_(std::move(file)) {
  std::error_code fault;
  const auto absolute = std::filesystem::absolute(file_, fault);
  directory_ = (fault ? std::filesystem::path(file_) : absolute).parent_path().string();
}

std::string Reader::resolve(const std::string& path) const {
  return (std::filesystem::path(directory_) / path).lexically_normal().string();
}

void Reader::refuse(const Node& node, const std::string& text) const {
  throw Error(file_, node.line, node.column, node.path(), text);
}

void Reader::refuse_key(const Node& node, const std::string& text) const {
  throw Error(file_, node.key_line, node.key_column, node.path(), text);
}

void Reader::refuse_missing(const Node& mapping, std::string_view name) const {
  throw Error(file_, mapping.key_line, mapping.key_column, join_path(mapping.path(), name),
              "missing");
}

void Reader::expect_mapping(const Node& node) const {
  if (node.kind != Node::Kind::mapping) refuse(node, "expected a mapping");
}

void Reader::expect_list(const Node& node) const {
  if (node.kind != Node::Kind::sequence) refuse(node, "expected a list");
}

void Reader::expect_keys(const Node& node, const std::vector<const Option*>& options) const {
  expect_mapping(node);
  for (const auto& child : node.children) {
    const bool known = std::any_of(options.begin(), options.end(), [&](const Option* option) {
      return option->name == child->key;
    });
    if (!known) refuse_key(*child, "unknown key" + suggestion(child->key, options));
  }
  for (const Option* option : options) {
    if (option->required && node.find(option->name) == nullptr) refuse_missing(node, option->name);
  }
}

std::string Reader::text(const Node& node) const {
  if (node.kind != Node::Kind::scalar) refuse(node, "expected text");
  return node.text;
}

std::string Reader::path(const Node& node) const {
  const std::string given = text(node);
  if (given.empty()) refuse(node, "must not be empty");
  // A NUL, possible in double quotes, would silently cut the path.
  if (given.find('\0') != std::string::npos) refuse(node, "not a path");
  return resolve(given);
}

bool Reader::boolean(const Node& node) const {
  if (plain_scalar(node) && node.text == "true") return true;
  if (plain_scalar(node) && node.text == "false") return false;
  refuse(node, "expected true or false");
}

std::int64_t Reader::number(const Node& node, const Option& option) const {
  const auto value = plain_scalar(node) ? whole_number(node.text) : std::nullopt;
  if (!value || *value < option.min || *value > option.max) {
    refuse(node, "expected a whole number from " + std::to_string(option.min) + " to " +
                     std::to_string(option.max));
  }
  return *value;
}

std::uint64_t Reader::size(const Node& node, const Option& option) const {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 3> kUnits{
      {{"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}}};
  std::optional<std::int64_t> value;
  if (plain_scalar(node)) value = whole_number(node.text);
  if (plain_scalar(node) && !value) value = with_unit(node.text, kUnits);
  if (!value || *value < option.min || *value > option.max) {
    refuse(node, "expected a size from " + format_size(static_cast<std::uint64_t>(option.min)) +
                     " to " + format_size(static_cast<std::uint64_t>(option.max)) +
                     ", in bytes or with KiB, MiB, GiB");
  }
  return static_cast<std::uint64_t>(*value);
}

std::chrono::milliseconds Reader::duration(const Node& node, const Option& option,
                                           bool whole_seconds) const {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  std::optional<std::int64_t> value;
  if (plain_scalar(node)) value = node.text == "0" ? 0 : with_unit(node.text, kUnits);
  if (!value || *value < option.min || *value > option.max ||
      (whole_seconds && *value % 1000 != 0)) {
    refuse(node, "expected a duration from " +
                     format_duration(std::chrono::milliseconds(option.min)) + " to " +
                     format_duration(std::chrono::milliseconds(option.max)) + ", in " +
                     (whole_seconds ? "s, m, h or d" : "ms, s, m, h or d"));
  }
  return std::chrono::milliseconds(*value);
}

std::string Reader::choice(const Node& node, const Option& option) const {
  std::string_view rest = option.choices;
  std::string expected;
  while (!rest.empty()) {
    const std::string_view known = rest.substr(0, rest.find(' '));
    if (node.kind == Node::Kind::scalar && node.text == known) return node.text;
    rest.remove_prefix(std::min(known.size() + 1, rest.size()));
    expected.append(expected.empty() ? "" : rest.empty() ? " or " : ", ").append(known);
  }
  refuse(node, "expected " + expected);
}

}  // namespace config
