#include "connector/api/violations.h"

#include "connector/api/error.h"

namespace kms::api {
namespace {

bool echoes(const Shape& shape) {
  return !shape.confidential && shape.kind != Kind::blob && shape.kind != Kind::secret_blob;
}

}  // namespace

void Violations::missing(const Shape& shape, std::string_view path) {
  push(shape.confidential ? "" : " null", path, "Member must not be null");
}

void Violations::add(const Shape& shape, std::string_view path, std::string_view value,
                     std::string_view rule) {
  std::string quoted;
  if (echoes(shape)) quoted.append(" '").append(value).append("'");
  push(quoted, path, rule);
}

void Violations::push(std::string_view value, std::string_view path, std::string_view rule) {
  if (texts_.size() == kMost) return;
  std::string& text = texts_.emplace_back("Value");
  text.append(value)
      .append(" at '")
      .append(path)
      .append("' failed to satisfy constraint: ")
      .append(rule);
}

void Violations::raise_if_any() const {
  if (texts_.empty()) return;
  std::string message =
      std::to_string(texts_.size()) +
      (texts_.size() == 1 ? " validation error detected: " : " validation errors detected: ");
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (i != 0) message.append("; ");
    message.append(texts_[i]);
  }
  throw validation_error(std::move(message));
}

std::string length_at_least(std::int32_t n) {
  return "Member must have length greater than or equal to " + std::to_string(n);
}
std::string length_at_most(std::int32_t n) {
  return "Member must have length less than or equal to " + std::to_string(n);
}
std::string value_at_least(std::int32_t n) {
  return "Member must have value greater than or equal to " + std::to_string(n);
}
std::string value_at_most(std::int32_t n) {
  return "Member must have value less than or equal to " + std::to_string(n);
}

std::string satisfies_pattern(const Pattern& pattern) {
  return "Member must satisfy regular expression pattern: " + std::string(pattern.text);
}

std::string satisfies_enum(const Shape& shape) {
  std::string rule = "Member must satisfy enum value set: [";
  for (const std::string_view value : shape.printed) {
    if (rule.back() != '[') rule.append(", ");
    rule.append(value);
  }
  return rule.append("]");
}

std::string satisfies_element_rules(const Shape& element) {
  std::vector<std::string> rules;
  if (element.has_max) rules.push_back(length_at_most(element.max));
  if (element.has_min) rules.push_back(length_at_least(element.min));
  if (element.pattern != nullptr) rules.push_back(satisfies_pattern(*element.pattern));
  if (element.kind == Kind::enumeration) rules.push_back(satisfies_enum(element));
  std::string text = "Member must satisfy constraint: [";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (i != 0) text.append(", ");
    text.append(rules[i]);
  }
  return text.append("]");
}

}  // namespace kms::api
