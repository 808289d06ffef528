#pragma once

#include <rapidjson/document.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// A second evaluator of policies and grants, for tests only: written from IAM's and KMS's
// documentation without regard to connector/auth, works on the JSON itself, recursive and slow
// wherever that is the plainest way.
namespace kms::auth::naive {

using Json = rapidjson::Value;
using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;
/// The values of condition keys, by the key in lower case.
using Context = std::map<std::string, Strings>;

struct Caller {
  std::string arn;
  std::string account;
  std::string role;  // of a session; empty: it is none
  bool root = false;
  bool bounded = false;  // has a permissions boundary
};

struct Constraints {
  std::optional<StringMap> equals;
  std::optional<StringMap> subset;
};

struct Grant {
  std::string grantee;
  Strings operations;
  Constraints constraints;
};

struct Policies {
  const Json* key_policy = nullptr;
  std::vector<const Json*> identity;
  const Json* boundary = nullptr;  // null: there is none
  std::vector<const Json*> session;
  std::vector<Grant> grants;
};

struct Request {
  Caller caller;
  std::string operation;  // "Encrypt"
  std::string key_arn;
  std::string key_account;
  Context for_key_policy;
  Context for_own_policies;
  StringMap encryption_context;
  const Grant* new_grant = nullptr;  // of CreateGrant
};

enum class Answer { allowed, explicitly_denied, not_allowed };
Answer answer(const Policies& policies, const Request& request);

/// Whether one Condition element holds.
bool holds(const Json& condition, const Context& context, bool variables);

}  // namespace kms::auth::naive
