#include "connector/auth/principal.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "connector/base/arn.h"

namespace kms::auth {
namespace {

constexpr std::string_view kRoot = "root";
constexpr std::string_view kUser = "user/";
constexpr std::string_view kRole = "role/";
constexpr std::string_view kSession = "assumed-role/";
constexpr std::string_view kFederated = "federated-user/";

bool is_account(std::string_view text) {
  return text.size() == 12 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_session_name(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return is_session_name_character(static_cast<unsigned char>(c)); });
}

/// "R" of "assumed-role/R/S"; empty unless there are these parts and no others.
std::string_view role_of_session(std::string_view resource) {
  if (!resource.starts_with(kSession)) return {};
  resource.remove_prefix(kSession.size());
  const auto slash = resource.find('/');
  const bool both = slash != std::string_view::npos && slash + 1 < resource.size() &&
                    resource.find('/', slash + 1) == std::string_view::npos;
  return both ? resource.substr(0, slash) : std::string_view{};
}

bool has_name(std::string_view resource, std::string_view kind) {
  return resource.starts_with(kind) && resource.size() > kind.size() && !resource.ends_with('/');
}

bool is_role_session(std::string_view resource) {
  return !role_of_session(resource).empty() &&
         is_session_name(resource.substr(resource.rfind('/') + 1));
}

bool is_federated_user(std::string_view resource) {
  return has_name(resource, kFederated) && is_session_name(resource.substr(kFederated.size()));
}

}  // namespace

bool is_session_name_character(char32_t c) {
  constexpr std::string_view kOthers = "_+=,.@-";
  return c < 0x80 && (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                      kOthers.find(static_cast<char>(c)) != std::string_view::npos);
}

bool is_principal_arn(std::string_view partition, std::string_view arn) {
  const auto parsed = Arn::parse(arn);
  if (!parsed || parsed->partition != partition || !parsed->region.empty() ||
      !is_account(parsed->account)) {
    return false;
  }
  const std::string_view resource = parsed->resource;
  if (parsed->service == "iam") {
    return resource == kRoot || has_name(resource, kUser) || has_name(resource, kRole);
  }
  return parsed->service == "sts" && (is_role_session(resource) || is_federated_user(resource));
}

std::string role_name_of_session(std::string_view arn) {
  const auto parsed = Arn::parse(arn);
  return parsed && parsed->service == "sts" ? std::string(role_of_session(parsed->resource))
                                            : std::string();
}

bool is_unique_id(std::string_view text) {
  const bool user = text.starts_with("AIDA");
  const bool role = text.starts_with("AROA");
  const std::string_view id = role ? text.substr(0, text.find(':')) : text;
  const bool session_named = id.size() == text.size() || id.size() + 1 < text.size();
  return (user || role) && session_named &&
         std::ranges::all_of(id, [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace kms::auth
