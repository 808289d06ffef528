#include "tests/connector/auth/naive_evaluator.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bitset>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <set>
#include <sstream>
#include <utility>

namespace kms::auth::naive {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string text(const Json& value) {
  if (value.IsBool()) return value.GetBool() ? "true" : "false";
  if (value.IsString()) return value.GetString();
  std::ostringstream number;
  if (value.IsUint64()) {
    number << value.GetUint64();
  } else if (value.IsInt64()) {
    number << value.GetInt64();
  } else {
    number << std::setprecision(17) << value.GetDouble();
  }
  return number.str();
}

Strings list(const Json& value) {
  Strings all;
  if (value.IsArray()) {
    for (const Json& one : value.GetArray()) all.push_back(text(one));
  } else {
    all.push_back(text(value));
  }
  return all;
}

/// A character of a pattern: itself, or a wildcard.
struct Symbol {
  char c;
  bool wild;
};
using Pattern = std::vector<Symbol>;

Pattern plain_pattern(const std::string& from) {
  Pattern pattern;
  for (const char c : from) pattern.push_back({c, c == '*' || c == '?'});
  return pattern;
}

bool covers(const Pattern& pattern, std::size_t p, const std::string& value, std::size_t v) {
  if (p == pattern.size()) return v == value.size();
  const auto [c, wild] = pattern[p];
  if (wild && c == '*') {
    return covers(pattern, p + 1, value, v) ||
           (v < value.size() && covers(pattern, p, value, v + 1));
  }
  return v < value.size() && ((wild && c == '?') || c == value[v]) &&
         covers(pattern, p + 1, value, v + 1);
}

/// With the variables filled in, if the policy's Version has them; nullopt: one has no value.
std::optional<Pattern> pattern_of(const std::string& from, const Context& context, bool variables) {
  const auto begin = variables ? from.find("${") : std::string::npos;
  const auto end = begin == std::string::npos ? begin : from.find('}', begin);
  if (end == std::string::npos) return plain_pattern(from);
  const std::string inside = from.substr(begin + 2, end - begin - 2);
  std::optional<std::string> value;
  if (inside == "*" || inside == "?" || inside == "$") {
    value = inside;
  } else {
    const auto comma = inside.find(',');
    const auto found = context.find(lower(inside.substr(0, comma)));
    if (found != context.end() && found->second.size() == 1) {
      value = found->second[0];
    } else if (comma != std::string::npos) {
      const auto open = inside.find('\'');
      value = inside.substr(open + 1, inside.rfind('\'') - open - 1);
      for (auto at = value->find("''"); at != std::string::npos; at = value->find("''", at + 1)) {
        value->erase(at, 1);
      }
    }
  }
  const auto rest = pattern_of(from.substr(end + 1), context, variables);
  if (!value || !rest) return std::nullopt;
  Pattern pattern = plain_pattern(from.substr(0, begin));
  for (const char c : *value) pattern.push_back({c, false});
  pattern.insert(pattern.end(), rest->begin(), rest->end());
  return pattern;
}

bool is_exactly(const Pattern& pattern, const std::string& value, bool fold) {
  std::string all;
  for (const Symbol& symbol : pattern) all += symbol.c;
  return fold ? lower(all) == lower(value) : all == value;
}

/// The six parts of an ARN; the last keeps its colons.
template <class Text, class IsColon>
std::vector<Text> arn_parts(const Text& arn, IsColon is_colon) {
  std::vector<Text> parts(1);
  for (const auto& c : arn) {
    if (parts.size() < 6 && is_colon(c)) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

bool arn_covers(const Pattern& pattern, const std::string& value) {
  const auto wanted = arn_parts(pattern, [](const Symbol& s) { return s.c == ':'; });
  const auto given = arn_parts(value, [](char c) { return c == ':'; });
  const bool any = pattern.size() == 1 && pattern[0].wild && pattern[0].c == '*';
  if (any) return given.size() == 6 && given[0] == "arn";
  if (wanted.size() != 6 || given.size() != 6) return false;
  for (std::size_t i = 0; i < 6; ++i) {
    if (!covers(wanted[i], 0, given[i], 0)) return false;
  }
  return true;
}

std::optional<double> number(const std::string& from) {
  if (from.empty() || from.find_first_not_of("-.0123456789") != std::string::npos) return {};
  char* end = nullptr;
  const double value = std::strtod(from.c_str(), &end);
  return *end == '\0' ? std::optional(value) : std::nullopt;
}

std::optional<double> moment(const std::string& from) {
  for (const char* const format : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* const end = ::strptime(from.c_str(), format, &parts);
    if (end != nullptr && *end == '\0') return static_cast<double>(::timegm(&parts));
  }
  return number(from);
}

/// An address as '0' and '1': 32 for IPv4 (also where IPv6 wraps it), else 128.
std::optional<std::string> bits_of(const std::string& address) {
  std::vector<unsigned char> bytes(16);
  if (::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) {
    bytes.resize(4);
  } else if (::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) {
    return {};
  }
  std::string bits;
  for (const unsigned char byte : bytes) bits += std::bitset<8>(byte).to_string();
  const std::string mapped = std::string(80, '0') + std::string(16, '1');
  return bits.starts_with(mapped) ? bits.substr(96) : bits;
}

bool in_range(const std::string& range, const std::string& address) {
  const auto slash = range.find('/');
  const auto network = bits_of(range.substr(0, slash));
  const auto host = bits_of(address);
  if (!network || !host || network->size() != host->size()) return false;
  std::size_t size = slash == std::string::npos ? 128 : std::stoul(range.substr(slash + 1));
  const bool wrapped = range.find(':') < slash && network->size() == 32;
  if (wrapped && size < 96) return false;
  if (wrapped) size -= 96;
  return network->substr(0, size) == host->substr(0, size);
}

bool compares(const std::string& how, std::optional<double> given, std::optional<double> wanted) {
  if (!given || !wanted) return false;
  if (how == "Equals") return *given == *wanted;
  if (how == "LessThan") return *given < *wanted;
  if (how == "LessThanEquals") return *given <= *wanted;
  if (how == "GreaterThan") return *given > *wanted;
  return *given >= *wanted;  // GreaterThanEquals
}

/// An operator without its set prefix, IfExists and Not, on one value.
bool matches(const std::string& op, const std::string& given, const std::string& wanted,
             const Context& context, bool variables) {
  const bool filled = op.starts_with("String") || op.starts_with("Arn");
  const auto pattern = pattern_of(wanted, context, variables && filled);
  if (!pattern) return false;
  if (op == "StringEquals") return is_exactly(*pattern, given, false);
  if (op == "StringEqualsIgnoreCase") return is_exactly(*pattern, given, true);
  if (op == "StringLike") return covers(*pattern, 0, given, 0);
  if (op == "ArnEquals" || op == "ArnLike") return arn_covers(*pattern, given);
  if (op.starts_with("Numeric")) return compares(op.substr(7), number(given), number(wanted));
  if (op.starts_with("Date")) return compares(op.substr(4), moment(given), moment(wanted));
  if (op == "Bool") return lower(given) == lower(wanted);
  if (op == "BinaryEquals") return given == wanted;  // both canonical base64
  return op == "IpAddress" && in_range(wanted, given);
}

bool take(std::string& name, const std::string& part) {
  const auto at = name.find(part);
  if (at == std::string::npos) return false;
  name.erase(at, part.size());
  return true;
}

bool holds_one(std::string op, const std::string& key, const Strings& wanted,
               const Context& context, bool variables) {
  const auto found = context.find(lower(key));
  const bool present = found != context.end();
  if (op.ends_with("Null")) {
    return std::ranges::any_of(wanted, [&](const auto& w) { return (w == "true") == !present; });
  }
  const bool all = take(op, "ForAllValues:");
  const bool any = take(op, "ForAnyValue:");
  const bool if_exists = take(op, "IfExists");
  const bool negated = take(op, "Not");
  if (!present) {
    if (if_exists || all) return true;
    return negated && !any;
  }
  std::size_t matched = 0;
  for (const std::string& given : found->second) {
    const bool one = std::ranges::any_of(
        wanted, [&](const auto& w) { return matches(op, given, w, context, variables); });
    matched += one ? 1 : 0;
  }
  const std::size_t number_of_values = found->second.size();
  if (all) return negated ? matched == 0 : matched == number_of_values;
  if (any) return negated ? matched < number_of_values : matched > 0;
  return negated ? matched == 0 : matched > 0;
}

std::string account_of_root(const std::string& name) {
  const std::string prefix = "arn:aws:iam::";
  if (name.starts_with(prefix) && name.ends_with(":root")) return name.substr(prefix.size(), 12);
  return name;
}

/// How a principal names a caller.
struct Naming {
  bool itself = false;      // its own ARN, or everybody
  bool role = false;        // the role of its session
  bool by_account = false;  // its account, where it is not its root
  [[nodiscard]] bool any() const { return itself || role || by_account; }
};

Naming naming(const Strings& names, const Caller& caller) {
  Naming result;
  for (const std::string& name : names) {
    if (name == "*" || name == caller.arn) result.itself = true;
    if (!caller.role.empty() && name == caller.role) result.role = true;
    if (account_of_root(name) == caller.account) {
      (caller.root ? result.itself : result.by_account) = true;
    }
  }
  return result;
}

Strings aws_names(const Json& principal) {
  if (principal.IsString()) return {principal.GetString()};
  const auto found = principal.FindMember("AWS");
  return found == principal.MemberEnd() ? Strings{} : list(found->value);
}

/// Whom a statement is about; for an identity policy, its owner.
Naming subject(const Json& statement, const Caller& caller) {
  if (statement.HasMember("Principal")) return naming(aws_names(statement["Principal"]), caller);
  if (!statement.HasMember("NotPrincipal")) return {.itself = true};
  const Naming excepted = naming(aws_names(statement["NotPrincipal"]), caller);
  // An Allow leaves out whoever is named in any way. A Deny spares only who is named itself or as a
  // role: IAM asks for the account's ARN beside the user's, which does not spare the others. Nobody
  // with a permissions boundary is spared, whatever the names.
  const bool is_deny = std::string("Deny") == statement["Effect"].GetString();
  const bool spared =
      is_deny ? !caller.bounded && (excepted.itself || excepted.role) : excepted.any();
  return {.itself = !spared};
}

bool about_action(const Json& statement, const std::string& action) {
  const bool inverted = statement.HasMember("NotAction");
  const Strings patterns = list(statement[inverted ? "NotAction" : "Action"]);
  const bool found = std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return covers(plain_pattern(lower(pattern)), 0, lower(action), 0);
  });
  return found != inverted;
}

bool about_resource(const Json& statement, const std::string& arn, const Context& context,
                    bool variables) {
  const bool inverted = statement.HasMember("NotResource");
  const Strings patterns = list(statement[inverted ? "NotResource" : "Resource"]);
  const bool found = std::ranges::any_of(patterns, [&](const std::string& one) {
    const auto pattern = pattern_of(one, context, variables);
    return pattern && covers(*pattern, 0, arn, 0);
  });
  return found != inverted;
}

/// What a policy's Allow and Deny statements that apply come to.
struct Said {
  bool deny = false;
  Naming allow;
};

Said said(const Json& policy, const Request& request, const Context& context) {
  Said result;
  const bool variables =
      policy.HasMember("Version") && std::string("2012-10-17") == policy["Version"].GetString();
  std::vector<const Json*> statements;
  if (policy["Statement"].IsArray()) {
    for (const Json& one : policy["Statement"].GetArray()) statements.push_back(&one);
  } else {
    statements.push_back(&policy["Statement"]);
  }
  for (const Json* const statement : statements) {
    const Naming who = subject(*statement, request.caller);
    if (!who.any() || !about_action(*statement, "kms:" + request.operation)) continue;
    if (!about_resource(*statement, request.key_arn, context, variables)) continue;
    if (statement->HasMember("Condition") &&
        !holds((*statement)["Condition"], context, variables)) {
      continue;
    }
    if (std::string("Deny") == (*statement)["Effect"].GetString()) {
      result.deny = true;
    } else {
      result.allow.itself |= who.itself;
      result.allow.role |= who.role;
      result.allow.by_account |= who.by_account;
    }
  }
  return result;
}

bool contains(const StringMap& all, const StringMap& part) {
  return std::ranges::all_of(part, [&](const auto& pair) {
    return all.contains(pair.first) && all.at(pair.first) == pair.second;
  });
}

bool fits(const Constraints& constraints, const StringMap& encryption_context) {
  return (!constraints.equals || *constraints.equals == encryption_context) &&
         (!constraints.subset || contains(encryption_context, *constraints.subset));
}

/// By trying every encryption context with these keys and values, of which constraints use "c"
/// never.
bool no_wider(const Constraints& child, const Constraints& parent) {
  const Strings values{"", "1", "2"};
  for (const auto& a : values) {
    for (const auto& b : values) {
      for (const auto& c : values) {
        StringMap tried;
        if (!a.empty()) tried["a"] = a;
        if (!b.empty()) tried["b"] = b;
        if (!c.empty()) tried["c"] = c;
        if (fits(child, tried) && !fits(parent, tried)) return false;
      }
    }
  }
  return true;
}

bool grant_allows(const Grant& grant, const Request& request) {
  if (std::ranges::count(grant.operations, request.operation) == 0) return false;
  if (request.operation == "DescribeKey" || request.operation == "RetireGrant") return true;
  if (request.operation != "CreateGrant") {
    return fits(grant.constraints, request.encryption_context);
  }
  if (request.new_grant == nullptr) return true;
  const bool operations = std::ranges::all_of(request.new_grant->operations, [&](const auto& one) {
    return std::ranges::count(grant.operations, one) != 0;
  });
  return operations && no_wider(request.new_grant->constraints, grant.constraints);
}

const std::set<std::string>& across_accounts() {
  static const std::set<std::string> names{"CreateGrant",
                                           "Decrypt",
                                           "DeriveSharedSecret",
                                           "DescribeKey",
                                           "Encrypt",
                                           "GenerateDataKey",
                                           "GenerateDataKeyPair",
                                           "GenerateDataKeyPairWithoutPlaintext",
                                           "GenerateDataKeyWithoutPlaintext",
                                           "GenerateMac",
                                           "GetKeyRotationStatus",
                                           "GetPublicKey",
                                           "ListGrants",
                                           "ReEncryptFrom",
                                           "ReEncryptTo",
                                           "RetireGrant",
                                           "RevokeGrant",
                                           "Sign",
                                           "Verify",
                                           "VerifyMac"};
  return names;
}

}  // namespace

bool holds(const Json& condition, const Context& context, bool variables) {
  for (const auto& block : condition.GetObject()) {
    for (const auto& clause : block.value.GetObject()) {
      if (!holds_one(block.name.GetString(), clause.name.GetString(), list(clause.value), context,
                     variables)) {
        return false;
      }
    }
  }
  return true;
}

Answer answer(const Policies& policies, const Request& request) {
  const Said key = said(*policies.key_policy, request, request.for_key_policy);
  bool denied = key.deny;
  const auto own = [&](const std::vector<const Json*>& some) {
    bool allow = false;
    for (const Json* const policy : some) {
      const Said one = said(*policy, request, request.for_own_policies);
      denied |= one.deny;
      allow |= one.allow.any();
    }
    return allow;
  };
  const bool identity = own(policies.identity) || request.caller.root;
  const bool boundary = policies.boundary == nullptr || own({policies.boundary});
  const bool session = policies.session.empty() || own(policies.session);
  if (denied) return Answer::explicitly_denied;

  const bool foreign = request.caller.account != request.key_account;
  if (foreign && !across_accounts().contains(request.operation)) return Answer::not_allowed;
  const bool limits = boundary && session;
  const auto enough = [&](const Naming& who) {
    return who.itself || (who.role && limits) || (who.by_account && identity && limits);
  };
  bool allowed = foreign ? key.allow.any() && identity && limits : enough(key.allow);
  for (const Grant& grant : policies.grants) {
    allowed |= enough(naming({grant.grantee}, request.caller)) && grant_allows(grant, request);
  }
  return allowed ? Answer::allowed : Answer::not_allowed;
}

}  // namespace kms::auth::naive
