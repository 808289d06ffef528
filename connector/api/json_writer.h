#pragma once

#include <string>
#include <string_view>

#include "connector/api/utf8.h"
#include "connector/base/encodings.h"

namespace kms::api {

/// Appends a JSON string literal of well-formed UTF-8 to a std::string or, without any copy outside
/// it, to SecretBytes.
template <class Sink>
void append_literal(Sink& sink, std::string_view text) {
  sink.append(std::string_view("\""));
  std::size_t plain = 0;  // start of what has not been written yet
  for (std::size_t i = 0; (i += json_plain_prefix(text.substr(i))) < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) continue;
    sink.append(text.substr(plain, i - plain));
    sink.append(json_escape(text[i]));
    plain = i + 1;
  }
  sink.append(text.substr(plain));
  sink.append(std::string_view("\""));
}

/// The same of text that may not be UTF-8 (a message that quotes bytes from elsewhere).
template <class Sink>
void append_any_literal(Sink& sink, std::string_view text) {
  if (count_code_points(text)) {
    append_literal(sink, text);
  } else {
    sink.append(std::string_view(json_string(text)));
  }
}

}  // namespace kms::api
