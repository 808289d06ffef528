#include "connector/api/encode.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "connector/api/base64.h"
#include "connector/api/json_writer.h"
#include "connector/api/redact.h"
#include "connector/base/clock.h"

namespace kms::api {
namespace {

/// Epoch seconds with as many of three decimals as are needed.
std::string epoch_seconds(Timestamp time) {
  const std::int64_t milliseconds = time.time_since_epoch().count();
  const std::uint64_t magnitude = milliseconds < 0
                                      ? std::uint64_t{0} - static_cast<std::uint64_t>(milliseconds)
                                      : static_cast<std::uint64_t>(milliseconds);
  std::string text = (milliseconds < 0 ? "-" : "") + std::to_string(magnitude / 1000);
  if (const std::uint64_t rest = magnitude % 1000; rest != 0) {
    std::string decimals = std::to_string(1000 + rest);
    decimals[0] = '.';
    decimals.resize(decimals.find_last_not_of('0') + 1);
    text.append(decimals);
  }
  return text;
}

/// What goes over the wire.
struct WireForm {
  using Sink = SecretBytes;
  static bool keeps(const Member&) { return true; }
  static std::string_view absent(const Member&) { return {}; }
  static void name(Sink& sink, std::string_view name) { append_literal(sink, name); }
  static void timestamp(Sink& sink, Timestamp time) {
    sink.append(std::string_view(epoch_seconds(time)));
  }
  static void secret_text(Sink& sink, std::string_view text) { append_literal(sink, text); }
  static void bytes(Sink& sink, ByteView bytes) {
    sink.append(std::string_view("\""));
    append_base64(sink, bytes);
    sink.append(std::string_view("\""));
  }
};

/// What the audit record tells. The generator marks no blob and no secret as audited; if one came
/// this far all the same, its value would not.
struct AuditForm {
  using Sink = std::string;
  static bool keeps(const Member& member) { return member.audited; }
  static std::string_view absent(const Member& member) { return member.audited_default; }
  static void name(Sink& sink, std::string_view name) {
    std::string lowered(name);
    if (lowered[0] >= 'A' && lowered[0] <= 'Z')
      lowered[0] = static_cast<char>(lowered[0] - 'A' + 'a');
    append_literal(sink, lowered);
  }
  static void timestamp(Sink& sink, Timestamp time) { append_literal(sink, cloudtrail_date(time)); }
  static void secret_text(Sink& sink, std::string_view) { sink.append("null"); }
  static void bytes(Sink& sink, ByteView) { sink.append("null"); }
};

template <class Form>
class Writer {
 public:
  using Sink = typename Form::Sink;

  /// False if no member was there to write.
  bool structure(const Structure& structure, const void* object) {
    bool any = false;
    put("{");
    for (const Member& member : structure.members) {
      const void* const place = member.get(object);
      const std::string_view absent = Form::absent(member);
      if ((place == nullptr && absent.empty()) || !Form::keeps(member)) continue;
      if (any) put(",");
      any = true;
      Form::name(sink_, member.name);
      put(":");
      if (place != nullptr) {
        value(*member.shape, place);
      } else {
        put(absent);
      }
    }
    put("}");
    return any;
  }

  Sink take() { return std::move(sink_); }
  void reserve(std::size_t size) { sink_.reserve(size); }

 private:
  void put(std::string_view text) { sink_.append(text); }

  void value(const Shape& shape, const void* place) {
    switch (shape.kind) {
      case Kind::string:
        return append_any_literal(sink_, *static_cast<const std::string*>(place));
      case Kind::secret_string:
        return Form::secret_text(sink_, static_cast<const SecretString*>(place)->text());
      case Kind::enumeration:
        return append_literal(sink_, shape.values[*static_cast<const std::uint8_t*>(place)]);
      case Kind::blob:
        return Form::bytes(sink_, static_cast<const Blob*>(place)->view());
      case Kind::secret_blob:
        return Form::bytes(sink_, static_cast<const SecretBytes*>(place)->view());
      case Kind::integer:
        return put(std::to_string(*static_cast<const std::int32_t*>(place)));
      case Kind::boolean:
        return put(*static_cast<const bool*>(place) ? "true" : "false");
      case Kind::timestamp:
        return Form::timestamp(sink_, *static_cast<const Timestamp*>(place));
      case Kind::list:
        return list(shape, place);
      case Kind::map:
        return map(*static_cast<const StringMap*>(place));
      case Kind::structure:
        structure(*shape.structure, place);
        return;
    }
  }

  void list(const Shape& shape, const void* place) {
    put("[");
    const std::size_t size = shape.list->size(place);
    for (std::size_t i = 0; i < size; ++i) {
      if (i != 0) put(",");
      value(*shape.element, shape.list->at(place, i));
    }
    put("]");
  }

  void map(const StringMap& entries) {
    put("{");
    bool first = true;
    for (const auto& [key, text] : entries) {
      if (!std::exchange(first, false)) put(",");
      append_any_literal(sink_, key);
      put(":");
      append_any_literal(sink_, text);
    }
    put("}");
  }

  Sink sink_;
};

}  // namespace

SecretBytes encode_object(const Structure& structure, const void* object) {
  Writer<WireForm> writer;
  writer.reserve(512);  // most answers; growing copies, and the old buffer is wiped
  writer.structure(structure, object);
  return writer.take();
}

SecretBytes encode_error(const Error& error) {
  const ErrorInfo& known = info(error.code());
  SecretBytes body;
  body.append(std::string_view("{\"__type\":"));
  append_literal(body, known.code);
  if (error.message()) {
    body.append(std::string_view(known.capital_message ? ",\"Message\":" : ",\"message\":"));
    append_any_literal(body, *error.message());
  }
  body.append(std::string_view("}"));
  return body;
}

std::string audit_json(const Structure& structure, const void* object) {
  Writer<AuditForm> writer;
  return writer.structure(structure, object) ? writer.take() : "null";
}

std::string cloudtrail_date(Timestamp time) {
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  const auto hour = clock.hours().count();
  const auto two_digits = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return std::string(kMonths[unsigned{date.month()} - 1]) + " " +
         std::to_string(unsigned{date.day()}) + ", " + std::to_string(int{date.year()}) + ", " +
         std::to_string(hour % 12 == 0 ? 12 : hour % 12) + ":" +
         two_digits(clock.minutes().count()) + ":" + two_digits(clock.seconds().count()) +
         (hour < 12 ? " AM" : " PM");
}

}  // namespace kms::api
