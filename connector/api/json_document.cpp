#include "connector/api/json_document.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "connector/api/utf8.h"

namespace kms::api {
namespace {

using rapidjson::SizeType;
using rapidjson::Value;

constexpr int kDeepest = 32;                // a KMS request nests three deep
constexpr std::size_t kMostValues = 65536;  // bounds the document's own memory at 1 MiB

// NOLINTBEGIN(readability-identifier-naming): the names are RapidJSON's.

/// RapidJSON's in-situ stream for text that no NUL ends. Past the end it yields NUL, as the reader
/// expects.
class InPlaceStream {
 public:
  using Ch = char;
  explicit InPlaceStream(std::span<char> text)
      : begin_(text.data()), source_(begin_), end_(begin_ + text.size()) {}

  [[nodiscard]] Ch Peek() const { return source_ == end_ ? '\0' : *source_; }
  Ch Take() { return source_ == end_ ? '\0' : *source_++; }
  [[nodiscard]] std::size_t Tell() const { return static_cast<std::size_t>(source_ - begin_); }

  Ch* PutBegin() { return target_ = source_; }
  /// The reader also puts the NULs that it took behind the end of a cut-off sequence; there is no
  /// room for those.
  void Put(Ch c) {
    if (target_ != end_) *target_++ = c;
  }
  std::size_t PutEnd(const Ch* begin) { return static_cast<std::size_t>(target_ - begin); }
  void Flush() {}

 private:
  char* begin_;
  char* source_;
  char* end_;
  char* target_ = nullptr;
};

/// Passes the reader's events on to the document as long as the bounds hold.
class Bounded {
 public:
  explicit Bounded(rapidjson::Document& document) : document_(document) {}

  bool Null() { return count() && document_.Null(); }
  bool Bool(bool b) { return count() && document_.Bool(b); }
  bool Int(int i) { return count() && document_.Int(i); }
  bool Uint(unsigned i) { return count() && document_.Uint(i); }
  bool Int64(std::int64_t i) { return count() && document_.Int64(i); }
  bool Uint64(std::uint64_t i) { return count() && document_.Uint64(i); }
  bool Double(double d) { return count() && document_.Double(d); }
  bool RawNumber(const char* text, SizeType size, bool copy) {
    return count() && document_.RawNumber(text, size, copy);
  }
  bool String(const char* text, SizeType size, bool copy) {
    return count() && document_.String(text, size, copy);
  }
  bool Key(const char* text, SizeType size, bool copy) { return document_.Key(text, size, copy); }
  bool StartObject() { return descend() && document_.StartObject(); }
  bool EndObject(SizeType members) {
    --depth_;
    return document_.EndObject(members);
  }
  bool StartArray() { return descend() && document_.StartArray(); }
  bool EndArray(SizeType elements) {
    --depth_;
    return document_.EndArray(elements);
  }

 private:
  bool count() { return ++values_ <= kMostValues; }
  bool descend() { return ++depth_ <= kDeepest && count(); }

  rapidjson::Document& document_;
  int depth_ = 0;
  std::size_t values_ = 0;
};

// NOLINTEND(readability-identifier-naming)

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

bool names_are_unique(const Value& object) {
  std::vector<std::string_view> names;
  names.reserve(object.MemberCount());
  for (const auto& member : object.GetObject()) names.push_back(text_of(member.name));
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) == names.end();
}

/// RapidJSON accepts a lone low surrogate (\uDC00) and writes it as three bytes that are no UTF-8;
/// hence the look at the result. Two names that are the same could be read differently by whatever
/// looks at the request next.
bool is_sound(const Value& value) {
  if (value.IsString()) return count_code_points(text_of(value)).has_value();
  if (value.IsArray()) {
    for (const Value& element : value.GetArray()) {
      if (!is_sound(element)) return false;
    }
  }
  if (value.IsObject()) {
    for (const auto& member : value.GetObject()) {
      if (!is_sound(member.name) || !is_sound(member.value)) return false;
    }
    return names_are_unique(value);
  }
  return true;
}

}  // namespace

bool parse_in_place(std::span<char> text, rapidjson::Document& document) {
  // Without kParseFullPrecisionFlag: it counts the leading zeros of a zero (0e77), which is
  // undefined; a few units in the last place of a double are far less than the millisecond or the
  // integer that a member takes.
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag;
  InPlaceStream stream(text);
  Bounded handler(document);
  bool parsed = false;
  const auto generate = [&](rapidjson::Document&) {
    rapidjson::Reader reader;
    parsed = !reader.Parse<kFlags>(stream, handler).IsError();
    return parsed;
  };
  document.Populate(generate);
  // A NUL in the text ends it for the reader.
  return parsed && stream.Tell() == text.size() && is_sound(document);
}

}  // namespace kms::api
