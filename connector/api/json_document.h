#pragma once

#include <istream>  // which RapidJSON includes: the attribute below is not for the standard library
#include <span>

// RapidJSON 1.1.0 adds an offset to the null pointer of its empty stack before it allocates one.
// Nothing is read through it, but clang's sanitizer stops there.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/document.h>
#include <rapidjson/reader.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

// RapidJSON stays inside decode.cpp and json_document.cpp. It was chosen over simdjson On-Demand
// because it unescapes in place: simdjson copies every string that is asked for into its parser's
// own buffer, which is freed unwiped (tests/connector/api/heap_residue_test.cpp looks for such
// copies).
namespace kms::api {

/// Parses JSON where it stands: strings are unescaped inside `text` and the document refers to them
/// there, so that no copy of a value is made. False unless `text` is one JSON value of valid UTF-8
/// with no name twice in an object, no deeper and no larger than any request can be.
[[nodiscard]] bool parse_in_place(std::span<char> text, rapidjson::Document& document);

}  // namespace kms::api
