#include <span>
#include <string>
#include <string_view>

#include "connector/api/utf8.h"
#include "connector/auth/policy.h"
#include "connector/base/encodings.h"

namespace kms::auth {
namespace {

void append_unit(std::string& out, char32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kHex[(unit >> shift) & 0xFU];
}

/// A string of JSON. The Policy member takes characters up to U+00FF: what is answered can be put
/// again.
std::string quoted(std::string_view text) {
  const std::string json = json_string(text);
  std::string out;
  for (std::string_view rest = json; !rest.empty();) {
    const std::string_view from = rest;
    const char32_t c = api::take_code_point(rest);
    if (c <= 0xFF) {
      out.append(from.substr(0, from.size() - rest.size()));
    } else if (c <= 0xFFFF) {
      append_unit(out, c);
    } else {
      append_unit(out, 0xD800 + ((c - 0x10000) >> 10U));
      append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FFU));
    }
  }
  return out;
}

// The layout of KMS's own printer: " : " after names, lists and their objects on the line they
// began.
class Printer {
 public:
  std::string print(const Policy& policy) {
    open();
    if (!policy.version.empty()) text_member("Version", policy.version);
    if (!policy.id.empty()) text_member("Id", policy.id);
    name("Statement");
    out_ += "[ ";
    bool first = true;
    for (const Statement& one : policy.statements) {
      if (!first) out_ += ", ";
      first = false;
      statement(one);
    }
    out_ += " ]";
    close();
    return std::move(out_);
  }

 private:
  void statement(const Statement& statement) {
    open();
    if (!statement.sid.empty()) text_member("Sid", statement.sid);
    text_member("Effect", statement.allow ? "Allow" : "Deny");
    if (statement.principals) principals(*statement.principals);
    patterns("Action", statement.actions);
    if (statement.resources) patterns("Resource", *statement.resources);
    if (!statement.conditions.empty()) conditions(statement.conditions);
    close();
  }

  void principals(const PrincipalSet& set) {
    name(set.inverted ? "NotPrincipal" : "Principal");
    open();
    if (!set.aws.empty()) strings("AWS", set.aws);
    for (std::size_t i = 0; i < set.others.size();) {
      const std::string& kind = set.others[i].first;
      std::vector<std::string> named;
      for (; i < set.others.size() && set.others[i].first == kind; ++i)
        named.push_back(set.others[i].second);
      strings(kind, named);
    }
    close();
  }

  void conditions(std::span<const Condition> all) {
    name("Condition");
    open();
    for (std::size_t i = 0; i < all.size();) {
      const std::string& operator_name = all[i].operator_name;
      name(operator_name);
      open();
      for (; i < all.size() && all[i].operator_name == operator_name; ++i)
        strings(all[i].key.written(), all[i].values);
      close();
    }
    close();
  }

  void patterns(const std::string& kind, const PatternSet& set) {
    strings(set.inverted ? "Not" + kind : kind, set.patterns);
  }

  void strings(std::string_view key, std::span<const std::string> values) {
    name(key);
    if (values.size() == 1) {
      out_ += quoted(values.front());
      return;
    }
    out_ += "[ ";
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out_ += ", ";
      out_ += quoted(values[i]);
    }
    out_ += " ]";
  }

  void text_member(std::string_view key, std::string_view value) {
    name(key);
    out_ += quoted(value);
  }

  void name(std::string_view key) {
    if (!fresh_) out_ += ",";
    fresh_ = false;
    line();
    out_ += quoted(key);
    out_ += " : ";
  }

  void open() {
    out_ += "{";
    ++depth_;
    fresh_ = true;
  }

  void close() {
    --depth_;
    line();
    out_ += "}";
    fresh_ = false;
  }

  void line() { out_.append("\n").append(depth_ * 2, ' '); }

  std::string out_;
  std::size_t depth_ = 0;
  bool fresh_ = true;
};

}  // namespace

std::string to_text(const Policy& policy) { return Printer().print(policy); }

}  // namespace kms::auth
