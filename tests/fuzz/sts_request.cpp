#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connector/api/utf8.h"
#include "connector/base/encodings.h"
#include "connector/sts/endpoint.h"
#include "tests/fuzz/support.h"
#include "tests/support/signer.h"

namespace {

using kms::fuzz::require;

class StandingClock final : public kms::Clock {
 public:
  [[nodiscard]] kms::Timestamp now() const override {
    return kms::Timestamp(std::chrono::milliseconds{1'700'000'000'000});
  }
};

config::Principal principal(const std::string& resource, const std::string& account) {
  config::Principal made;
  made.arn = "arn:aws:iam::" + account + ":" + resource;
  made.account = account;
  made.name = resource.substr(resource.find('/') + 1);
  made.unique_id = "ID" + made.name;
  return made;
}

config::Policy policy(const std::string& statement) {
  return {.name = "policy", .json = R"({"Version":"2012-10-17","Statement":[)" + statement + "]}"};
}

/// admin may assume the role app; so may whoever shows the external id.
config::Config example_config() {
  config::Config config;
  config.accounts = {"123456789012", "111122223333"};
  config.default_region = "us-east-1";
  config.regions.emplace_back().name = "us-east-1";
  config.principals.push_back(principal("user/admin", "123456789012"));
  config.principals.back().policies = {policy(R"({"Effect":"Allow","Action":"*","Resource":"*"})")};
  config.principals.push_back(principal("user/alice", "123456789012"));
  const kms::test::Credentials* const callers[] = {&kms::test::admin(), &kms::test::alice()};
  for (std::size_t i = 0; i < 2; ++i) {
    config::AccessKey& key = config.principals[i].access_keys.emplace_back();
    key.id = callers[i]->access_key_id;
    key.secret = pkcs11::SecretBytes::copy_of(callers[i]->secret);
  }
  config.principals.push_back(principal("role/app", "123456789012"));
  config.principals.back().trust_policy =
      policy(R"({"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},)"
             R"("Action":"sts:*"},{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole",)"
             R"("Condition":{"StringLike":{"sts:ExternalId":"key-*"},)"
             R"("ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}})");
  return config;
}

/// Tags in pairs, and no reference but those of the five characters.
bool is_well_formed(std::string_view xml) {
  if (!kms::api::count_code_points(xml)) return false;
  std::vector<std::string_view> open;
  while (!xml.empty()) {
    if (xml.front() == '&') {
      const std::string_view reference = xml.substr(0, xml.find(';') + 1);
      if (reference != "&lt;" && reference != "&gt;" && reference != "&amp;" &&
          reference != "&#13;") {
        return false;
      }
      xml.remove_prefix(reference.size());
      continue;
    }
    if (xml.front() != '<') {
      const auto c = static_cast<unsigned char>(xml.front());
      if (open.empty() || (c < 0x20 && c != '\t' && c != '\n')) return false;
      xml.remove_prefix(1);
      continue;
    }
    const std::size_t end = xml.find('>');
    if (end == std::string_view::npos) return false;
    const std::string_view tag = xml.substr(1, end - 1);
    xml.remove_prefix(end + 1);
    if (!tag.starts_with('/')) {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    }
  }
  return open.empty();
}

class Running {
 public:
  std::string handle(kms::api::Request& request) {
    kms::audit::Record record;
    record.time = clock_.now();
    record.request_id = kms::make_uuid(random_);
    const kms::api::Response response = endpoint_.answer(request, record);
    require(response.status < 500, "bad input is the client's error", response.body.text());
    require(is_well_formed(response.body.text()), "the answer is XML", response.body.text());
    require(kms::fuzz::is_json(kms::audit::to_json(record)), "the audit record is JSON");
    return std::string(response.body.text());
  }
  kms::api::Request sign(std::string_view form, bool admin) {
    return (admin ? admin_ : alice_).sign_form(form, clock_.now());
  }

 private:
  StandingClock clock_;
  kms::SystemRandom random_;
  config::Config config_ = example_config();
  kms::auth::IdentityDirectory identities_{std::make_shared<const kms::auth::Identities>(config_)};
  kms::auth::HourlyKeys keys_{
      [](kms::ByteView message) {
        return kms::SecretBytes::copy_of(kms::ByteView(kms::sha256(message)));
      },
      clock_};
  kms::auth::SessionTokens tokens_{keys_, clock_};
  kms::auth::SignatureVerifier verifier_{config_, {.identities = identities_, .clock = clock_}};
  kms::sts::Endpoint endpoint_{
      {.identities = identities_, .tokens = tokens_, .clock = clock_, .random = random_},
      verifier_};
  kms::test::Signer admin_{kms::test::admin(), "us-east-1", "127.0.0.1:8080", "sts"};
  kms::test::Signer alice_{kms::test::alice(), "us-east-1", "127.0.0.1:8080", "sts"};
};

}  // namespace

// A form, signed by one of two callers ('0': alice), or, after 'u', a request as it comes. The
// answer is XML, and only those who may assume the role get credentials.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Running running;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const char mode = static_cast<char>(kms::fuzz::take_byte(input));
  if (mode == 'u') {
    kms::api::Request request = kms::fuzz::parse_request(input);
    if (!kms::sts::Endpoint::is_addressed(request)) return 0;
    require(running.handle(request).find("<SecretAccessKey>") == std::string::npos,
            "who has signed nothing gets nothing");
    return 0;
  }
  kms::api::Request request = running.sign(input, mode != '0');
  if (!kms::sts::Endpoint::is_addressed(request)) return 0;
  const std::string answer = running.handle(request);
  if (mode == '0' && answer.find("<AssumedRoleUser>") != std::string::npos) {
    require(input.find("ExternalId=key-") != std::string_view::npos ||
                input.find('%') != std::string_view::npos,
            "alice needs the external id");
  }
  return 0;
}
