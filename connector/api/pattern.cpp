#include "connector/api/pattern.h"

#include <Poco/RegularExpression.h>

#include <map>
#include <memory>
#include <string>

#include "connector/api/utf8.h"

namespace kms::api {
namespace {

// Longer texts are too long for every member that has such a pattern, and their length is what a
// violation tells.
constexpr std::size_t kLongestForPcre = 4096;

/// The model's dialect is Java's: \uXXXX is spelt \x{XXXX} in PCRE. Java matches the whole text; $
/// alone would let a newline follow.
std::string to_pcre(std::string_view java) {
  std::string pcre = "\\A(?:";
  for (std::size_t i = 0; i < java.size(); ++i) {
    if (java.substr(i, 2) == "\\u") {
      pcre.append("\\x{").append(java.substr(i + 2, 4)).append("}");
      i += 5;
    } else if (java[i] == '\\') {
      pcre.append(java.substr(i, 2));
      ++i;
    } else {
      pcre.push_back(java[i]);
    }
  }
  return pcre.append(")\\z");
}

using Compiled = std::map<const Pattern*, std::unique_ptr<const Poco::RegularExpression>>;

const Compiled& compiled() {
  static const Compiled all = [] {
    Compiled result;
    for (const Pattern* pattern : regular_expressions()) {
      result.emplace(pattern, std::make_unique<const Poco::RegularExpression>(
                                  to_pcre(pattern->text), Poco::RegularExpression::RE_UTF8));
    }
    return result;
  }();
  return all;
}

bool matches_class(const Pattern& pattern, std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    auto c = char32_t{static_cast<unsigned char>(text.front())};
    if (c < 0x80) {
      text.remove_prefix(1);
    } else {
      c = take_code_point(text);
    }
    if (c > 0xFF || (pattern.characters[c >> 6] >> (c & 63) & 1) == 0) return false;
    ++count;
  }
  return count >= pattern.min && count <= pattern.max;
}

}  // namespace

bool matches(const Pattern& pattern, std::string_view text) {
  if (pattern.is_class) return matches_class(pattern, text);
  if (text.size() > kLongestForPcre) return true;
  Poco::RegularExpression::Match found;
  // The result counts the groups too.
  return compiled().at(&pattern)->match(std::string(text), 0, found) > 0;
}

bool is_tag_text(std::string_view text) {
  static const Poco::RegularExpression kAllowed(R"(\A[\p{L}\p{Z}\p{N}_.:/=+\-@]*\z)",
                                                Poco::RegularExpression::RE_UTF8);
  Poco::RegularExpression::Match found;
  return kAllowed.match(std::string(text), 0, found) > 0;
}

}  // namespace kms::api
