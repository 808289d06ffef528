#include "connector/http/admin.h"

#include <string>
#include <string_view>

#include "connector/http/head.h"

namespace kms::http {
namespace {

api::Response text(int status, std::string_view body,
                   std::string type = "text/plain; charset=utf-8") {
  api::Response response = bare_response(status);
  response.headers.add("Content-Type", std::move(type));
  response.headers.add("Cache-Control", "no-store");
  response.body = SecretBytes::copy_of(body);
  return response;
}

/// A line a token, for people who look.
api::Response readiness(const Admin& admin) {
  bool ready = true;
  std::string body;
  if (admin.tokens) {
    for (const keystores::TokenStatus& token : admin.tokens()) {
      ready = ready && token.ready;
      body.append(token.name).append(token.ready ? " ready" : " not ready");
      if (!token.detail.empty()) body.append(": ").append(token.detail);
      body.append("\n");
    }
  }
  return text(ready ? 200 : 503, body);
}

std::string metrics(const Admin& admin) {
  if (admin.metrics == nullptr) return {};
  if (admin.tokens) admin.metrics->set_tokens(admin.tokens());
  return admin.metrics->expose();
}

}  // namespace

api::Response answer_admin(const Admin& admin, const api::Request& request) {
  const std::string_view uri = request.uri;
  const std::string_view path = uri.substr(0, uri.find('?'));
  const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!known) return text(404, "not found\n");
  if (request.method != "GET" && request.method != "HEAD") {
    api::Response response = text(405, "GET and HEAD only\n");
    response.headers.add("Allow", "GET, HEAD");
    return response;
  }
  if (path == "/healthz") return text(200, "ok\n");
  if (path == "/readyz") return readiness(admin);
  return text(200, metrics(admin), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace kms::http
