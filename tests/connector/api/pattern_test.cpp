#include "connector/api/pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/connector/api/decoding.h"

namespace kms::api {
namespace {

/// Whether a value passes the pattern of a request's member (its length may be wrong).
bool passes(std::string_view operation, std::string_view member, std::string_view value) {
  for (const Member& m : find_operation(operation)->input->members) {
    if (m.name == member) return matches(*m.shape->pattern, value);
  }
  ADD_FAILURE() << "no member " << member;
  return false;
}

TEST(Pattern, OneClassOfCharacters) {
  EXPECT_TRUE(passes("CreateAlias", "AliasName", "alias/A-z_0:9"));
  EXPECT_FALSE(passes("CreateAlias", "AliasName", ""));
  EXPECT_FALSE(passes("CreateAlias", "AliasName", "alias/a.b"));
  EXPECT_FALSE(passes("CreateAlias", "AliasName", "alias/a\n"));
  EXPECT_FALSE(passes("CreateAlias", "AliasName", "alias/\u00e4"));
  EXPECT_TRUE(passes("CreateKey", "XksKeyId", "a-b_c.9"));
  EXPECT_FALSE(passes("CreateKey", "XksKeyId", "a:b"));
  EXPECT_FALSE(passes("CreateKey", "XksKeyId", "a<b"));  // no range from 9 to _
  EXPECT_TRUE(passes("GetKeyPolicy", "PolicyName", "default_1"));
  EXPECT_FALSE(passes("GetKeyPolicy", "PolicyName", "de-fault"));
  EXPECT_TRUE(
      passes("CreateGrant", "GranteePrincipal", "arn:aws:iam::123456789012:user/a+b=c,d.e@f-g"));
  EXPECT_FALSE(passes("CreateGrant", "GranteePrincipal", "arn:aws:iam::123456789012:user/*"));
  EXPECT_TRUE(passes("CreateCustomKeyStore", "XksProxyVpcEndpointServiceOwner", "123456789012"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyVpcEndpointServiceOwner", "12345678901"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyVpcEndpointServiceOwner", "1234567890123"));
  EXPECT_TRUE(passes("ImportKeyMaterial", "KeyMaterialDescription", "a b\tc.d-e_f:/9"));
  EXPECT_FALSE(passes("ImportKeyMaterial", "KeyMaterialDescription", "a+b"));
}

TEST(Pattern, RangesUpToLatin1) {
  EXPECT_TRUE(passes("ListKeys", "Marker", ""));
  EXPECT_TRUE(passes("ListKeys", "Marker", " ~\u00ff"));
  EXPECT_FALSE(passes("ListKeys", "Marker", "\u001f"));
  EXPECT_FALSE(passes("ListKeys", "Marker", "\u0100"));
  EXPECT_FALSE(passes("ListKeys", "Marker", "\U0001F600"));
  EXPECT_TRUE(passes("PutKeyPolicy", "Policy", "\t\n\r {}\u00e4"));
  EXPECT_FALSE(passes("PutKeyPolicy", "Policy", "\x0b"));
  EXPECT_TRUE(passes("DescribeKey", "KeyId", "\x01\x7f"));
  EXPECT_FALSE(passes("DescribeKey", "KeyId", "\u0080"));
}

TEST(Pattern, RegularExpressions) {
  EXPECT_TRUE(passes("CreateCustomKeyStore", "CloudHsmClusterId", "cluster-abcdefg2345"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "CloudHsmClusterId", "cluster-abcdefg1890"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "CloudHsmClusterId", "xcluster-abcdefg2345"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "CloudHsmClusterId", "cluster-abcdefg2345\n"));
  EXPECT_TRUE(passes("UpdatePrimaryRegion", "PrimaryRegion", "us-east-1"));
  EXPECT_TRUE(passes("UpdatePrimaryRegion", "PrimaryRegion", "us-gov-west-1"));
  EXPECT_FALSE(passes("UpdatePrimaryRegion", "PrimaryRegion", "us-1"));
  EXPECT_FALSE(passes("UpdatePrimaryRegion", "PrimaryRegion", "us-east-1\n"));
  EXPECT_TRUE(passes("CreateCustomKeyStore", "XksProxyUriEndpoint", "https://xks.example.com"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyUriEndpoint", "http://xks.example.com"));
  EXPECT_FALSE(
      passes("CreateCustomKeyStore", "XksProxyUriEndpoint", "https://xks.example.com:8443"));
  EXPECT_TRUE(passes("CreateCustomKeyStore", "XksProxyUriPath", "/kms/xks/v1"));
  EXPECT_TRUE(passes("CreateCustomKeyStore", "XksProxyUriPath", "/a/b_c-d/kms/xks/v12"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyUriPath", "/kms/xks/v123"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyUriPath", "/kms/xks/v1\n"));
  EXPECT_TRUE(passes("CreateCustomKeyStore", "XksProxyVpcEndpointServiceName",
                     "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"));
  EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyVpcEndpointServiceName",
                      "org.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"));
}

TEST(Pattern, RegularExpressionsOnHostileText) {
  for (const std::size_t size : {100U, 1000U, 4096U}) {
    EXPECT_FALSE(passes("UpdatePrimaryRegion", "PrimaryRegion", std::string(size, 'a')));
    EXPECT_FALSE(
        passes("CreateCustomKeyStore", "XksProxyUriPath", "/" + std::string(size - 1, 'a')));
    EXPECT_FALSE(passes("CreateCustomKeyStore", "XksProxyUriEndpoint", std::string(size, 'a')));
    EXPECT_FALSE(passes("UpdatePrimaryRegion", "PrimaryRegion", std::string(size, '\0')));
  }
}

TEST(Pattern, ServesManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 500; ++n) {
        ASSERT_TRUE(passes("UpdatePrimaryRegion", "PrimaryRegion", "us-east-" + std::to_string(n)));
        ASSERT_FALSE(passes("CreateCustomKeyStore", "XksProxyUriPath",
                            "/kms/xks/v" + std::to_string(n + 100)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Pattern, OnlyFiveNeedRegularExpressions) { EXPECT_EQ(regular_expressions().size(), 5U); }

}  // namespace
}  // namespace kms::api
