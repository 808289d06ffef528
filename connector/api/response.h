#pragma once

#include "connector/api/request.h"
#include "connector/base/bytes.h"

namespace kms::api {

/// One answer. Move-only: its body may hold plaintext and is wiped when freed.
struct Response {
  int status = 200;
  Headers headers;
  SecretBytes body;
};

}  // namespace kms::api
