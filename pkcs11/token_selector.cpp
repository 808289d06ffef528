#include <array>
#include <cctype>
#include <string_view>

#include "pkcs11/module.h"

namespace pkcs11 {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(Failure::bad_argument, why); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 7512, section 2.3: pk11-path-res-avail and pk11-query-res-avail, without "&".
bool plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-._~:[]@!$'()*+,=").find(c) != std::string_view::npos;
}

std::string percent_decoded(std::string_view text, std::string_view attribute) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        refuse("'%' in \"" + std::string(attribute) +
               "\" is not followed by two hexadecimal digits");
      }
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else if (plain(text[i]) || text[i] == '&') {
      decoded.push_back(text[i]);
    } else {
      refuse("a character of \"" + std::string(attribute) + "\" must be written as %XX");
    }
  }
  return decoded;
}

void check_query(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string name(pair.substr(0, pair.find('=')));
    if (name == "pin-value" || name == "pin-source") {
      refuse("\"" + name + "\" does not belong here: a PIN comes from a file, never from a URI");
    }
    refuse("\"" + name + "\" does not choose a token");
  }
}

}  // namespace

TokenSelector TokenSelector::from_uri(const std::string& uri) {
  constexpr std::string_view kScheme = "pkcs11:";
  std::string_view rest = uri;
  if (!rest.starts_with(kScheme)) refuse("a PKCS#11 URI begins with \"pkcs11:\"");
  rest.remove_prefix(kScheme.size());
  const std::size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    check_query(rest.substr(question + 1));
    rest = rest.substr(0, question);
  }

  TokenSelector selector;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const std::string name(pair.substr(0, equals));
    if (equals == std::string_view::npos) refuse("\"" + name + "\" has no value");
    std::optional<std::string>* part = nullptr;
    if (name == "token") part = &selector.label;
    if (name == "serial") part = &selector.serial;
    if (name == "manufacturer") part = &selector.manufacturer;
    if (name == "model") part = &selector.model;
    if (name == "pin-value" || name == "pin-source") check_query(name);
    if (part == nullptr) refuse("\"" + name + "\" does not choose a token");
    if (part->has_value()) refuse("\"" + name + "\" is given twice");
    *part = percent_decoded(pair.substr(equals + 1), name);
  }
  if (!selector.label && !selector.serial && !selector.manufacturer && !selector.model) {
    refuse("the URI names no token: give token, serial, manufacturer or model");
  }
  return selector;
}

bool TokenSelector::fits(const TokenInfo& info) const {
  const auto is = [](const std::optional<std::string>& wanted, const std::string& found) {
    return !wanted || *wanted == found;
  };
  return is(label, info.label) && is(serial, info.serial) && is(manufacturer, info.manufacturer) &&
         is(model, info.model);
}

std::string TokenSelector::describe() const {
  std::string text;
  const auto part = [&text](const char* name, const std::optional<std::string>& value) {
    if (!value) return;
    if (!text.empty()) text += ", ";
    text += std::string(name) + " \"" + *value + "\"";
  };
  part("label", label);
  part("serial", serial);
  part("manufacturer", manufacturer);
  part("model", model);
  return text.empty() ? "any token" : text;
}

}  // namespace pkcs11
