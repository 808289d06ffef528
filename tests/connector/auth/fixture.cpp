#include "tests/connector/auth/fixture.h"

#include <algorithm>
#include <set>

#include "connector/auth/canonical.h"
#include "connector/auth/signing_keys.h"
#include "connector/base/encodings.h"

namespace kms::auth::test {
namespace {

config::AccessKey access_key(std::string_view id, std::string_view secret, bool active = true) {
  return {.id = std::string(id), .secret = SecretBytes::copy_of(secret), .active = active};
}

config::Principal principal(std::string arn, std::string account, std::string name,
                            std::string unique_id) {
  config::Principal made;
  made.arn = std::move(arn);
  made.account = std::move(account);
  made.name = std::move(name);
  made.unique_id = std::move(unique_id);
  return made;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace

config::Config example_config() {
  config::Config config;
  config.accounts = {"123456789012", "111122223333"};
  config.default_region = "us-east-1";
  for (const char* name : {"us-east-1", "eu-west-1"}) {
    config::Region region;
    region.name = name;
    config.regions.push_back(std::move(region));
  }
  auto alice = principal("arn:aws:iam::123456789012:user/team/alice", "123456789012", "alice",
                         "AIDAALICEEXAMPLE");
  alice.access_keys.push_back(access_key(kAccessKeyId, kSecret));
  alice.access_keys.push_back(access_key("AKIDINACTIVE", kSecret, false));
  auto bob =
      principal("arn:aws:iam::111122223333:user/bob", "111122223333", "bob", "AIDABOBEXAMPLE");
  bob.access_keys.push_back(access_key("AKIDBOB", "c2VjcmV0LWZvci1ib2ItaW4tYW5vdGhlci1hY2N0"));
  auto root = principal("arn:aws:iam::123456789012:root", "123456789012", "", "");
  root.access_keys.push_back(access_key("AKIDROOT", "the secret of the root user, long enough"));
  config.principals.push_back(std::move(alice));
  config.principals.push_back(std::move(bob));
  config.principals.push_back(std::move(root));
  return config;
}

api::Request example_request() {
  api::Request request;
  request.method = "POST";
  request.uri = "/";
  request.headers = {{"Host", "kms.us-east-1.amazonaws.com"},
                     {"X-Amz-Date", std::string(kNow)},
                     {"X-Amz-Target", "TrentService.GenerateRandom"},
                     {"Content-Type", "application/x-amz-json-1.1"}};
  request.body = SecretBytes::copy_of(std::string_view(R"({"NumberOfBytes":32})"));
  return request;
}

std::string all_header_names(const api::Headers& headers) {
  std::set<std::string> names;
  for (const api::Header& line : headers) names.insert(lower(line.name));
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ";") + name;
  return list;
}

void sign(api::Request& request, const Signing& signing) {
  const std::string names =
      signing.signed_headers.empty() ? all_header_names(request.headers) : signing.signed_headers;
  const std::string hash =
      signing.body_hash.empty() ? to_hex(sha256(request.body.view())) : signing.body_hash;
  const std::string scope =
      signing.date + "/" + signing.region + "/" + signing.service + "/" + signing.terminator;
  const SecretBytes key = derive_signing_key(SecretBytes::copy_of(signing.secret), signing.date,
                                             signing.region, signing.service);
  const std::string to_sign = string_to_sign(
      signing.amz_date, scope, canonical_request(request, SignedHeaders(names), hash));
  request.headers.add("Authorization",
                      signing.algorithm + " Credential=" + signing.access_key_id + "/" + scope +
                          ", SignedHeaders=" + names +
                          ", Signature=" + to_hex(hmac_sha256(key.view(), as_bytes(to_sign))));
}

api::Request signed_request(const Signing& signing) {
  api::Request request = example_request();
  sign(request, signing);
  return request;
}

api::Headers without(const api::Headers& headers, std::string_view name) {
  api::Headers rest;
  for (const api::Header& line : headers) {
    if (!api::same_header(line.name, name)) rest.add(line.name, line.value);
  }
  return rest;
}

std::string verdict(const SignatureVerifier& verifier, const api::Request& request,
                    std::string_view service) {
  try {
    static_cast<void>(verifier.verify(request, service));
    return "accepted";
  } catch (const api::Error& error) {
    return std::string(error.wire_code()) + ": " + error.message().value_or("");
  }
}

}  // namespace kms::auth::test
