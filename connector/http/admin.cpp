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

api::Response readiness(const Admin& admin) {
  const bool ready = !admin.ready || admin.ready();
  std::string body = admin.ready_detail ? admin.ready_detail() : std::string();
  if (body.empty()) body = ready ? "ready\n" : "not ready\n";
  return text(ready ? 200 : 503, body);
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
  return text(200, admin.metrics == nullptr ? std::string() : admin.metrics->expose(),
              "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace kms::http
