#pragma once

#include "connector/api/request.h"
#include "connector/api/response.h"
#include "connector/http/server.h"

namespace kms::http {

/// /healthz, /readyz and /metrics, for GET and HEAD.
[[nodiscard]] api::Response answer_admin(const Admin& admin, const api::Request& request);

}  // namespace kms::http
