#include "connector/sts/query.h"

#include <algorithm>

#include "connector/api/utf8.h"

namespace kms::sts {
namespace {

// More than the largest request needs.
constexpr std::size_t kMostParameters = 512;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!api::count_code_points(out)) return std::nullopt;
  return out;
}

/// The Char production of XML 1.0.
bool is_xml(char32_t c) {
  return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) ||
         (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

}  // namespace

std::optional<Parameters> Parameters::parse(std::string_view form) {
  Parameters parameters;
  while (!form.empty()) {
    const std::string_view pair = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (parameters.all_.size() == kMostParameters) return std::nullopt;
    const std::size_t equals = pair.find('=');
    auto name = decode(pair.substr(0, equals));
    auto value =
        decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    // What was sent twice could be read as one thing here and as another elsewhere.
    if (parameters.find(*name) != nullptr) return std::nullopt;
    parameters.all_.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

const std::string* Parameters::find(std::string_view name) const {
  for (const auto& [known, value] : all_) {
    if (known == name) return &value;
  }
  return nullptr;
}

bool Parameters::has(std::string_view name) const {
  return std::ranges::any_of(all_, [name](const auto& parameter) {
    const auto& [known, value] = parameter;
    return known.starts_with(name) &&
           (known.size() == name.size() ? !value.empty() : known[name.size()] == '.');
  });
}

std::vector<std::string> Parameters::list(std::string_view name) const {
  std::vector<std::string> values;
  for (;;) {
    const std::string* value =
        find(std::string(name) + ".member." + std::to_string(values.size() + 1));
    if (value == nullptr) return values;
    values.push_back(*value);
  }
}

std::vector<std::pair<std::string, std::string>> Parameters::pairs(std::string_view name,
                                                                   std::string_view first,
                                                                   std::string_view second) const {
  std::vector<std::pair<std::string, std::string>> values;
  for (;;) {
    const std::string prefix =
        std::string(name) + ".member." + std::to_string(values.size() + 1) + ".";
    const std::string* one = find(prefix + std::string(first));
    const std::string* two = find(prefix + std::string(second));
    if (one == nullptr && two == nullptr) return values;
    values.emplace_back(one == nullptr ? "" : *one, two == nullptr ? "" : *two);
  }
}

bool Parameters::has_beyond(std::string_view name, std::size_t count) const {
  const std::string prefix = std::string(name) + ".";
  return std::ranges::any_of(all_, [&](const auto& parameter) {
    std::string_view rest = parameter.first;
    if (!rest.starts_with(prefix)) return false;
    rest.remove_prefix(prefix.size());
    for (std::size_t i = 1; i <= count; ++i) {
      const std::string member = "member." + std::to_string(i);
      if (rest == member || rest.starts_with(member + ".")) return false;
    }
    return true;
  });
}

void Xml::open(std::string_view tag, std::string_view xml_namespace) {
  out_.append("<");
  out_.append(tag);
  if (!xml_namespace.empty()) {
    out_.append(" xmlns=\"");
    out_.append(xml_namespace);
    out_.append("\"");
  }
  out_.append(">");
}

void Xml::close(std::string_view tag) {
  out_.append("</");
  out_.append(tag);
  out_.append(">");
}

void Xml::element(std::string_view tag, std::string_view text) {
  open(tag);
  if (!api::count_code_points(text)) text = "\xEF\xBF\xBD";
  while (!text.empty()) {
    const std::string_view rest = text;
    const char32_t c = api::take_code_point(text);
    if (c == '<') {
      out_.append("&lt;");
    } else if (c == '>') {
      out_.append("&gt;");
    } else if (c == '&') {
      out_.append("&amp;");
    } else if (c == '\r') {
      out_.append("&#13;");  // a parser would make a line feed of it
    } else {
      out_.append(is_xml(c) ? rest.substr(0, rest.size() - text.size())
                            : std::string_view("\xEF\xBF\xBD"));
    }
  }
  close(tag);
}

}  // namespace kms::sts
