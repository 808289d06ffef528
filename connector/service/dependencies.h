#pragma once

#include "connector/auth/sigv4.h"
#include "connector/operations/call.h"
#include "connector/service/service.h"
#include "connector/sts/endpoint.h"

namespace kms::service {

/// What a Service is made of; all of it outlives the Service.
struct Dependencies {
  operations::Context context;
  const auth::SignatureVerifier& verifier;
  const sts::Endpoint& sts;
  Observer* observer = nullptr;  // may be null
};

}  // namespace kms::service
