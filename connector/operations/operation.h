#pragma once

#include <span>
#include <string_view>
#include <type_traits>

#include "connector/api/decode.h"
#include "connector/api/encode.h"
#include "connector/operations/call.h"

namespace kms::operations {

/// One operation of the API, as the dispatcher sees it.
struct Operation {
  std::string_view name;
  /// Decodes the body in place, runs the handler and encodes its answer; throws api::Error.
  SecretBytes (*run)(Call& call, std::span<char> body);
};

/// Runs `attempt` again while another commit was faster; each attempt reads the records anew.
/// ThrottlingException if others are faster until the call's deadline.
SecretBytes retry_conflicts(Call& call, SecretBytes (*attempt)(Call&, const void*),
                            const void* request);

namespace detail {

template <class Handler>
struct Signature;
template <class Output, class Input>
struct Signature<Output (*)(Call&, const Input&)> {
  using output = Output;
  using input = Input;
};

}  // namespace detail

/// An operation from its handler, whose signature tells the request and response types; a handler
/// without a response returns void.
template <auto Handler>
constexpr Operation operation(std::string_view name) {
  using Types = detail::Signature<decltype(Handler)>;
  using Input = typename Types::input;
  return {.name = name, .run = [](Call& call, std::span<char> body) {
            const auto request = api::decode<Input>(body);
            call.asks(request);
            call.record().request_parameters = api::request_parameters(request);
            return retry_conflicts(
                call,
                [](Call& attempt, const void* decoded) {
                  const Input& input = *static_cast<const Input*>(decoded);
                  if constexpr (std::is_void_v<typename Types::output>) {
                    Handler(attempt, input);
                    return SecretBytes{};
                  } else {
                    return api::encode(Handler(attempt, input));
                  }
                },
                &request);
          }};
}

}  // namespace kms::operations
