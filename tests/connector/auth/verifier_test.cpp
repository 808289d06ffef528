#include <gtest/gtest.h>

#include <thread>

#include "connector/auth/canonical.h"
#include "connector/auth/sigv4.h"
#include "connector/base/encodings.h"
#include "tests/connector/auth/fixture.h"
#include "tests/support/signer.h"

namespace kms::auth {
namespace {

using test::example_request;
using test::kMismatch;
using test::kNow;
using test::kUnknown;
using test::sign;
using test::signed_request;
using test::Signing;
using test::verdict;
using test::without;

class Verifier : public testing::Test {
 protected:
  [[nodiscard]] std::string verdict_of(const api::Request& request) const {
    return verdict(verifier_, request);
  }
  /// The verdict on the example request with this Authorization header.
  [[nodiscard]] std::string verdict_of_header(std::string header) const {
    api::Request request = example_request();
    request.headers.add("Authorization", std::move(header));
    return verdict_of(request);
  }
  /// A header that is whole in form, with these parts.
  static std::string header(const std::string& credential, const std::string& signed_headers,
                            const std::string& algorithm = "AWS4-HMAC-SHA256") {
    return algorithm + " Credential=" + credential + ", SignedHeaders=" + signed_headers +
           ", Signature=" + std::string(64, '0');
  }

  config::Config config_ = test::example_config();
  test::StandingClock clock_;
  IdentityDirectory identities_{std::make_shared<const Identities>(config_)};
  SignatureVerifier verifier_{config_, {.identities = identities_, .clock = clock_}};
};

constexpr const char* kAll = "content-type;host;x-amz-date;x-amz-target";
constexpr const char* kScope = "AKIDEXAMPLE/20150830/us-east-1/kms/aws4_request";

TEST_F(Verifier, TellsWhoSigned) {
  const Identity identity = verifier_.verify(signed_request({.region = "eu-west-1"}));
  EXPECT_EQ(identity.region, "eu-west-1");
  EXPECT_EQ(identity.caller.arn, "arn:aws:iam::123456789012:user/team/alice");
  EXPECT_EQ(identity.caller.account, "123456789012");
  EXPECT_EQ(identity.caller.type, "IAMUser");
  EXPECT_EQ(identity.caller.principal_id, "AIDAALICEEXAMPLE");
  EXPECT_EQ(identity.caller.user_name, "alice");
  EXPECT_EQ(identity.caller.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(identity.caller.principal,
            identities_.current()->principal("arn:aws:iam::123456789012:user/team/alice"));
  EXPECT_EQ(identity.caller.session, nullptr);
}

TEST_F(Verifier, KnowsTheRootUser) {
  const Identity identity = verifier_.verify(signed_request(
      {.access_key_id = "AKIDROOT", .secret = "the secret of the root user, long enough"}));
  EXPECT_EQ(identity.caller.arn, "arn:aws:iam::123456789012:root");
  EXPECT_EQ(identity.caller.type, "Root");
  EXPECT_EQ(identity.caller.principal_id, "123456789012");
  EXPECT_EQ(identity.caller.user_name, "");
}

TEST_F(Verifier, AcceptsWhatAnSdkSends) {
  kms::test::Signer signer({"AKIDEXAMPLE", std::string(test::kSecret), ""}, "eu-west-1");
  for (int i = 0; i < 3; ++i) {
    const Identity identity = verifier_.verify(signer.sign("ListKeys", "{}", clock_.now()));
    EXPECT_EQ(identity.region, "eu-west-1");
    clock_.advance(std::chrono::hours(12));
  }
}

// Step 1.
TEST_F(Verifier, RefusesHeaderAndQueryTogether) {
  api::Request request = example_request();
  request.uri = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256";
  sign(request);
  constexpr const char* kBoth =
      "InvalidSignatureException: Found both 'X-Amz-Algorithm' as a query-string param and "
      "'Authorization' as HTTP "
      "header.";
  EXPECT_EQ(verdict_of(request), kBoth);
  request.uri = "/?a=b&X%2dAmz-Algorithm";
  EXPECT_EQ(verdict_of(request), kBoth);
}

// Step 2.
TEST_F(Verifier, WantsASignature) {
  constexpr const char* kMissing =
      "MissingAuthenticationTokenException: Missing Authentication Token";
  api::Request request = example_request();
  EXPECT_EQ(verdict_of(request), kMissing);
  request.uri = "/?X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders=c&X-Amz-Date=d";
  EXPECT_EQ(verdict_of(request), kMissing);
  EXPECT_EQ(verdict_of_header(""), kMissing);
}

TEST_F(Verifier, RefusesPresignedRequests) {
  api::Request request = example_request();
  request.uri =
      "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-SignedHeaders="
      "c&X-Amz-Date=d";
  EXPECT_EQ(verdict_of(request),
            "MissingAuthenticationTokenException: Missing Authentication Token");
}

TEST_F(Verifier, TellsWhatAQueryLacks) {
  api::Request request = example_request();
  request.uri = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256";
  EXPECT_EQ(verdict_of(request),
            "IncompleteSignatureException: AWS query-string parameters must include "
            "'X-Amz-Credential'. AWS "
            "query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters "
            "must include "
            "'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. "
            "Re-examine the query-string "
            "parameters.");
}

// Step 3.
TEST_F(Verifier, RefusesAPieceWithoutEqualSign) {
  // printf 'Bearer abc' | openssl dgst -sha256 -binary | base64
  EXPECT_EQ(
      verdict_of_header("Bearer abc"),
      "IncompleteSignatureException: Invalid key=value pair (missing equal-sign) in Authorization "
      "header (hashed "
      "with SHA-256 and encoded with Base64): 'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='.");
}

TEST_F(Verifier, NamesEveryMissingPart) {
  // printf 'AWS4-HMAC-SHA256' | openssl dgst -sha256 -binary | base64
  const std::string credential = "Authorization header requires 'Credential' parameter. ";
  const std::string signature = "Authorization header requires 'Signature' parameter. ";
  const std::string signed_headers = "Authorization header requires 'SignedHeaders' parameter. ";
  const std::string date =
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  const auto refusal = [](const std::string& faults, const std::string& text) {
    return "IncompleteSignatureException: " + faults +
           "(Hashed with SHA-256 and encoded with Base64) Authorization=" +
           to_base64(sha256(as_bytes(text)));
  };
  api::Request request = example_request();
  request.headers = without(request.headers, "X-Amz-Date");
  request.headers.add("Authorization", "AWS4-HMAC-SHA256");
  EXPECT_EQ(verdict_of(request), "IncompleteSignatureException: " + credential + signature +
                                     signed_headers + date +
                                     "(Hashed with SHA-256 and encoded with Base64) "
                                     "Authorization=YI2YWea8FSxnksZL2ETHbs5elHm9HQufxTLK0W0ffV0=");
  for (const auto& [text, faults] : std::vector<std::pair<std::string, std::string>>{
           {"AWS4-HMAC-SHA256 Signature=b, SignedHeaders=c", credential},
           {"AWS4-HMAC-SHA256 Credential=, Signature=b, SignedHeaders=c", credential},
           {"AWS4-HMAC-SHA256 Credential=a, SignedHeaders=c", signature},
           {"AWS4-HMAC-SHA256 Credential=a,Signature=b", signed_headers},
           {"AWS4-HMAC-SHA256 credential=a,SignedHeaders=b", credential + signature},
           {"AWS4-HMAC-SHA256", credential + signature + signed_headers},
       }) {
    EXPECT_EQ(verdict_of_header(text), refusal(faults, text)) << text;
  }
}

TEST_F(Verifier, TakesPartsInAnyOrderAndSpacing) {
  api::Request request = signed_request();
  const std::string header(*request.headers.get("Authorization"));
  const std::size_t credential = header.find("Credential=");
  const std::size_t names = header.find(", SignedHeaders=");
  const std::size_t signature = header.find(", Signature=");
  const std::string shuffled = "  AWS4-HMAC-SHA256\t" + header.substr(signature + 2) + " ,  " +
                               header.substr(names + 2, signature - names - 2) + "," +
                               header.substr(credential, names - credential) + " ";
  request.headers = without(request.headers, "Authorization");
  request.headers.add("authorization", shuffled);
  EXPECT_EQ(verdict_of(request), "accepted");
}

// Step 4.
TEST_F(Verifier, WantsAnIsoBasicDate) {
  for (const char* date :
       {"201", "2015-08-30T12:36:00Z", "20150830T123600", "20150830 123600Z", "20150230T123600Z",
        "20150830T243600Z", "20150830T126000Z", "20150830T123660Z", "2015083xT123600Z",
        "Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z20150830T123600Z", "00001301T000000Z",
        "+0150830T123600Z"}) {
    api::Request request = example_request();
    request.headers = without(request.headers, "X-Amz-Date");
    request.headers.add("X-Amz-Date", date);
    sign(request, {.amz_date = date});
    EXPECT_EQ(verdict_of(request),
              "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '" +
                  std::string(date) + "'. See http://en.wikipedia.org/wiki/ISO_8601");
  }
}

TEST_F(Verifier, TakesTheDateHeaderIfThatIsAll) {
  api::Request request = example_request();
  request.headers = without(request.headers, "X-Amz-Date");
  request.headers.add("Date", std::string(kNow));
  sign(request);
  EXPECT_EQ(verdict_of(request), "accepted");
  // X-Amz-Date goes first, also when it is wrong.
  request.headers.add("X-Amz-Date", "201");
  EXPECT_EQ(verdict_of(request),
            "IncompleteSignatureException: Date must be in ISO-8601 'basic format'. Got '201'. See "
            "http://en.wikipedia.org/wiki/ISO_8601");
}

// Step 5.
TEST_F(Verifier, RefusesASignatureThatExpired) {
  const api::Request request = signed_request();
  clock_.advance(std::chrono::minutes(5) + std::chrono::milliseconds(999));
  EXPECT_EQ(verdict_of(request), "accepted");
  clock_.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(verdict_of(request),
            "InvalidSignatureException: Signature expired: 20150830T123600Z is now earlier than "
            "20150830T123601Z "
            "(20150830T124101Z - 5 min.)");
}

TEST_F(Verifier, RefusesASignatureOfTheFuture) {
  const api::Request request = signed_request();
  clock_.advance(-std::chrono::minutes(5));
  EXPECT_EQ(verdict_of(request), "accepted");
  clock_.advance(-std::chrono::seconds(1));
  EXPECT_EQ(
      verdict_of(request),
      "InvalidSignatureException: Signature not yet current: 20150830T123600Z is still later than "
      "20150830T123559Z (20150830T123059Z + 5 min.)");
}

TEST_F(Verifier, HasAConfigurableSkew) {
  config_.sigv4.skew = std::chrono::seconds(90);
  const SignatureVerifier strict(config_, {.identities = identities_, .clock = clock_});
  clock_.advance(std::chrono::seconds(91));
  EXPECT_EQ(verdict(strict, signed_request()),
            "InvalidSignatureException: Signature expired: 20150830T123600Z is now earlier than "
            "20150830T123601Z "
            "(20150830T123731Z - 90 sec.)");
}

// Step 6.
TEST_F(Verifier, WantsHostSigned) {
  EXPECT_EQ(verdict_of(signed_request({.signed_headers = "content-type;x-amz-date;x-amz-target"})),
            "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS "
            "Authorization.");
  EXPECT_EQ(verdict_of_header(header(kScope, "")),
            "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS "
            "Authorization.");
}

TEST_F(Verifier, WantsEveryAmzHeaderSigned) {
  for (const char* name : {"X-Amz-Security-Token", "x-amz-content-sha256", "X-AMZ-Meta"}) {
    api::Request request = signed_request();
    request.headers.add(name, "value");
    std::string lower(name);
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(verdict_of(request), "InvalidSignatureException: '" + lower +
                                       "' must be a 'SignedHeader' in the AWS Authorization.");
  }
  EXPECT_EQ(verdict_of(signed_request({.signed_headers = "host;x-amz-date"})),
            "InvalidSignatureException: 'x-amz-target' must be a 'SignedHeader' in the AWS "
            "Authorization.");
}

TEST_F(Verifier, LeavesOtherHeadersUnsignedIfTheClientDoes) {
  api::Request request = signed_request({.signed_headers = "host;x-amz-date;x-amz-target"});
  request.headers.add("X-Amzn-Trace-Id", "Root=1");
  request.headers.add("User-Agent", "x");
  EXPECT_EQ(verdict_of(request), "accepted");
}

TEST_F(Verifier, ReadsNamesInEitherCaseAndAnyOrder) {
  EXPECT_EQ(verdict_of(signed_request(
                {.signed_headers = "X-Amz-Target;host;X-AMZ-DATE;Content-Type;host"})),
            "accepted");
}

// Step 7.
TEST_F(Verifier, KnowsOneAlgorithm) {
  EXPECT_EQ(verdict_of(signed_request({.algorithm = "AWS4-HMAC-SHA25"})),
            "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25'.");
  EXPECT_EQ(verdict_of(signed_request({.algorithm = "AWS4-ECDSA-P256-SHA256"})),
            "IncompleteSignatureException: Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.");
}

// Step 8.
TEST_F(Verifier, WantsFiveElementsOfACredential) {
  for (const char* credential : {"a/b", "a", "a/b/c/d", "a/b/c/d/e/f", "a/b/c/d//", "/"}) {
    EXPECT_EQ(verdict_of_header(header(credential, kAll)),
              "IncompleteSignatureException: Credential must have exactly 5 slash-delimited "
              "elements, e.g. "
              "keyid/date/region/service/term, got '" +
                  std::string(credential) + "'");
  }
}

// Step 9.
TEST_F(Verifier, RefusesAnotherScope) {
  const std::string code = "InvalidSignatureException: ";
  const std::string region = "Credential should be scoped to a valid region. ";
  const std::string service = "Credential should be scoped to correct service: 'kms'. ";
  EXPECT_EQ(verdict_of(signed_request({.region = "us-east-9"})), code + region);
  EXPECT_EQ(verdict_of(signed_request({.region = "US-EAST-1"})), code + region);
  EXPECT_EQ(verdict_of(signed_request({.service = "s3"})), code + service);
  EXPECT_EQ(verdict_of(signed_request({.terminator = "aws5_request"})),
            code +
                "Credential should be scoped with a valid terminator: 'aws4_request', not "
                "'aws5_request'. ");
  EXPECT_EQ(verdict_of(signed_request({.date = "20150829"})),
            code +
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                "from HTTP: '20150829' "
                "!= '20150830', from '20150830T123600Z'.");
  EXPECT_EQ(verdict(verifier_, signed_request(), kStsService),
            code + "Credential should be scoped to correct service: 'sts'. ");
  EXPECT_EQ(verdict(verifier_, signed_request({.service = "sts"}), kStsService), "accepted");
  EXPECT_EQ(verdict_of_header(header("a/b/c/d/e", kAll)),
            code + region + service +
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. "
                "Date in Credential "
                "scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != "
                "'20150830', from "
                "'20150830T123600Z'.");
}

// Step 10.
TEST_F(Verifier, RefusesAnUnknownAccessKey) {
  EXPECT_EQ(verdict_of(signed_request({.access_key_id = "AKIDNOBODY"})), kUnknown);
  EXPECT_EQ(verdict_of(signed_request({.access_key_id = ""})), kUnknown);
  EXPECT_EQ(verdict_of(signed_request({.access_key_id = "akidexample"})), kUnknown);
}

TEST_F(Verifier, TreatsAnInactiveAccessKeyAsUnknown) {
  EXPECT_EQ(verdict_of(signed_request({.access_key_id = "AKIDINACTIVE"})), kUnknown);
}

TEST_F(Verifier, IsNotFooledByTheStandInForUnknownAccessKeys) {
  EXPECT_EQ(verdict_of(signed_request({.access_key_id = "AKIDNOBODY",
                                       .secret = "the secret of no access key, 40 octets  "})),
            kUnknown);
}

// Step 11.
TEST_F(Verifier, RefusesAWrongSignature) {
  EXPECT_EQ(verdict_of(signed_request({.secret = "another"})), kMismatch);
  EXPECT_EQ(verdict_of(signed_request({.amz_date = "20150830T123601Z"})), kMismatch);
  EXPECT_EQ(verdict_of_header(header(kScope, kAll)), kMismatch);
  for (const std::size_t keep : {std::size_t{63}, std::size_t{1}}) {
    api::Request request = signed_request();
    std::string text(*request.headers.get("Authorization"));
    text.resize(text.size() - 64 + keep);
    request.headers = without(request.headers, "Authorization");
    request.headers.add("Authorization", text);
    EXPECT_EQ(verdict_of(request), kMismatch);
  }
}

TEST_F(Verifier, RefusesAnUpperCaseSignature) {
  api::Request request = signed_request();
  std::string text(*request.headers.get("Authorization"));
  for (std::size_t i = text.size() - 64; i < text.size(); ++i)
    text[i] = static_cast<char>(std::toupper(text[i]));
  request.headers = without(request.headers, "Authorization");
  request.headers.add("Authorization", text);
  EXPECT_EQ(verdict_of(request), kMismatch);
}

TEST_F(Verifier, CoversEveryPartOfTheRequest) {
  const auto changed = [&](auto change) {
    api::Request request = signed_request();
    change(request);
    return verdict_of(request);
  };
  EXPECT_EQ(changed([](api::Request& r) { r.method = "PUT"; }), kMismatch);
  EXPECT_EQ(changed([](api::Request& r) { r.uri = "/x"; }), kMismatch);
  EXPECT_EQ(changed([](api::Request& r) { r.uri = "/?x"; }), kMismatch);
  EXPECT_EQ(changed([](api::Request& r) { r.body.data()[0] ^= 1; }), kMismatch);
  EXPECT_EQ(changed([](api::Request& r) { r.body.clear(); }), kMismatch);
  EXPECT_EQ(changed([](api::Request& r) { r.headers.add("Host", "second"); }), kMismatch);
  EXPECT_EQ(
      changed([](api::Request& r) { r.headers.add("x-amz-target", "TrentService.DeleteAlias"); }),
      kMismatch);
  EXPECT_EQ(changed([](api::Request& r) { r.headers = without(r.headers, "Content-Type"); }),
            kMismatch);
  EXPECT_EQ(changed([](api::Request& r) {
              r.headers = without(r.headers, "X-Amz-Target");
              r.headers.add("X-Amz-Target", "TrentService.GenerateRandom2");
            }),
            kMismatch);
}

TEST_F(Verifier, TakesABodyDigestIfItIsTheBodys) {
  api::Request request = example_request();
  request.headers.add("X-Amz-Content-Sha256", to_hex(sha256(request.body.view())));
  sign(request);
  EXPECT_EQ(verdict_of(request), "accepted");
  for (const char* digest : {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "",
                             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    for (const char* signed_digest : {digest, ""}) {
      api::Request other = example_request();
      other.headers.add("X-Amz-Content-Sha256", digest);
      sign(other, {.body_hash = signed_digest});
      EXPECT_EQ(verdict_of(other), kMismatch) << digest;
    }
  }
}

// Step 12.
TEST_F(Verifier, RefusesASessionTokenOfALongTermAccessKey) {
  api::Request request = example_request();
  request.headers.add("X-Amz-Security-Token", "AQoDYXdz");
  sign(request);
  EXPECT_EQ(verdict_of(request),
            "UnrecognizedClientException: The security token included in the request is invalid");
  api::Request wrong = example_request();
  wrong.headers.add("X-Amz-Security-Token", "AQoDYXdz");
  sign(wrong, {.secret = "another"});
  EXPECT_EQ(verdict_of(wrong), kMismatch);
}

TEST_F(Verifier, ChecksInThisOrder) {
  // A request with every fault; one is mended at a time.
  api::Request request = example_request();
  request.uri = "/?X-Amz-Algorithm";
  request.headers = without(request.headers, "X-Amz-Date");
  const auto authorize = [&](const std::string& text) {
    request.headers = without(request.headers, "Authorization");
    request.headers.add("Authorization", text);
  };
  const auto dated = [&](const std::string& date) {
    request.headers = without(request.headers, "X-Amz-Date");
    request.headers.add("X-Amz-Date", date);
  };
  const auto begins = [&](const std::string& text) {
    const std::string got = verdict_of(request);
    EXPECT_EQ(got.substr(0, text.size()), text) << got;
  };
  authorize("BAD x");
  begins("InvalidSignatureException: Found both");
  request.uri = "/";
  begins("IncompleteSignatureException: Invalid key=value pair");
  authorize("BAD Credential=a, SignedHeaders=b, Signature=c");
  begins("IncompleteSignatureException: Authorization header requires existence");
  dated("201");
  begins("IncompleteSignatureException: Date must be");
  dated("20150830T113600Z");
  begins("InvalidSignatureException: Signature expired");
  dated(std::string(kNow));
  begins("InvalidSignatureException: 'Host'");
  authorize(header("a", "host", "BAD"));
  begins("InvalidSignatureException: 'x-amz-target'");
  authorize(header("a", kAll, "BAD"));
  begins("IncompleteSignatureException: Unsupported AWS 'algorithm'");
  authorize(header("a", kAll));
  begins("IncompleteSignatureException: Credential must have");
  authorize(header("a/b/c/d/e", kAll));
  begins("InvalidSignatureException: Credential should be scoped");
  authorize(header("a/20150830/us-east-1/kms/aws4_request", kAll));
  begins(std::string(kUnknown));
  authorize(header(kScope, kAll));
  begins(std::string(kMismatch));
}

TEST_F(Verifier, KnowsBothDaysAroundMidnight) {
  clock_.set(std::chrono::sys_days{std::chrono::year(2015) / 8 / 31} + std::chrono::minutes(1));
  for (int i = 0; i < 4; ++i) {
    const bool before = i % 2 == 0;
    const std::string date = before ? "20150830T235900Z" : "20150831T000200Z";
    api::Request request = example_request();
    request.headers = without(request.headers, "X-Amz-Date");
    request.headers.add("X-Amz-Date", date);
    sign(request, {.date = date.substr(0, 8), .amz_date = date});
    EXPECT_EQ(verdict_of(request), "accepted");
  }
}

TEST_F(Verifier, ServesManyThreads) {
  std::vector<std::jthread> threads;
  std::array<int, 16> accepted{};
  for (int& count : accepted) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        api::Request request = signed_request({.region = i % 2 == 0 ? "us-east-1" : "eu-west-1"});
        if (verdict_of(request) == "accepted") ++count;
      }
    });
  }
  threads.clear();
  for (const int count : accepted) EXPECT_EQ(count, 50);
}

TEST_F(Verifier, SurvivesHostileHeaders) {
  using namespace std::string_literals;
  const std::string huge(1 << 20, ';');
  for (const std::string& text :
       {"\0"s, "\xff\xfe"s, huge, "="s, ",,,"s, "AWS4-HMAC-SHA256 ="s, std::string(1 << 20, '=')}) {
    EXPECT_TRUE(verdict_of_header(text).starts_with("IncompleteSignatureException: "))
        << text.substr(0, 99);
  }
  EXPECT_EQ(
      verdict_of_header("AWS4-HMAC-SHA256 Credential=\0, SignedHeaders=host\0, Signature=\0"s),
      "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS "
      "Authorization.");
  // Names may be listed as often as the header has room: the canonical request must not grow with
  // it.
  api::Request request = example_request();
  request.headers.add("a", std::string(1 << 16, 'v'));
  std::string names = "host;x-amz-date;x-amz-target";
  for (int i = 0; i < 100000; ++i) names += ";a";
  EXPECT_LT(canonical_request(request, SignedHeaders(names), "").size(), 70000U);
  sign(request, {.signed_headers = names});
  EXPECT_EQ(verdict_of(request), "accepted");
}

TEST_F(Verifier, TakesAThousandHeaders) {
  api::Request request = example_request();
  for (int i = 0; i < 1000; ++i) {
    request.headers.add("X-Amz-" + std::to_string(i * 7919 % 1000),
                        std::string(1, static_cast<char>(i % 256)));
  }
  sign(request);
  EXPECT_EQ(verdict_of(request), "accepted");
}

TEST(ClaimedAccessKeyId, IsWhatTheHeaderSays) {
  EXPECT_EQ(claimed_access_key_id(signed_request()), "AKIDEXAMPLE");
  EXPECT_EQ(claimed_access_key_id(signed_request({.secret = "another"})), "AKIDEXAMPLE");
  EXPECT_EQ(claimed_access_key_id(example_request()), "");
}

TEST(ClaimedAccessKeyId, IsEmptyForWhatCanBeNone) {
  for (const std::string& id : {std::string("secret text"), std::string("wJalrXUtn+"),
                                std::string(129, 'A'), std::string("A\0B", 3)}) {
    api::Request request = example_request();
    request.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=" + id + "/a/b/c/d");
    EXPECT_EQ(claimed_access_key_id(request), "") << id;
  }
}

}  // namespace
}  // namespace kms::auth
