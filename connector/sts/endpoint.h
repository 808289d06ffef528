#pragma once

#include <string_view>

#include "connector/api/request.h"
#include "connector/api/response.h"
#include "connector/audit/record.h"
#include "connector/auth/sigv4.h"
#include "connector/sts/operation.h"

namespace kms::sts {

/// AWS's Security Token Service, as far as KMS needs it: who am I, roles, sessions.
class Endpoint {
 public:
  /// Both outlive this.
  Endpoint(const Context& context, const auth::SignatureVerifier& verifier)
      : context_(context), verifier_(verifier) {}

  /// Whether a request is for STS: a form that names an action, where KMS has a target.
  [[nodiscard]] static bool is_addressed(const api::Request& request);

  /// The answer to such a request, in XML; fills in the record, which is written elsewhere.
  /// `failures`: as of SignatureVerifier::verify().
  [[nodiscard]] api::Response answer(const api::Request& request, audit::Record& record,
                                     std::size_t* failures = nullptr) const;

 private:
  SecretBytes run(const api::Request& request, audit::Record& record, std::size_t* failures) const;

  const Context context_;
  const auth::SignatureVerifier& verifier_;
};

}  // namespace kms::sts
