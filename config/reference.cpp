#include "config/reference.h"

#include <functional>

#include "config/options.h"

namespace config {
namespace {

std::string range_of(const Option& option) {
  switch (option.type) {
    case Type::number:
      return std::to_string(option.min) + " to " + std::to_string(option.max);
    case Type::size:
      return format_size(static_cast<std::uint64_t>(option.min)) + " to " +
             format_size(static_cast<std::uint64_t>(option.max));
    case Type::duration:
      return format_duration(std::chrono::milliseconds(option.min)) + " to " +
             format_duration(std::chrono::milliseconds(option.max));
    case Type::choice: {
      std::string choices(option.choices);
      for (std::size_t at = 0; (at = choices.find(' ', at)) != std::string::npos; at += 2) {
        choices.replace(at, 1, ", ");
      }
      return choices;
    }
    case Type::text:
    case Type::path:
    case Type::boolean:
    case Type::secret:
    case Type::section:
    case Type::list:
    case Type::mapping:
    case Type::policy:
      return {};
  }
  return {};
}

std::string name_of(Type type) {
  switch (type) {
    case Type::text:
      return "text";
    case Type::path:
      return "path";
    case Type::boolean:
      return "true or false";
    case Type::number:
      return "number";
    case Type::size:
      return "size";
    case Type::duration:
      return "duration";
    case Type::choice:
      return "one of";
    case Type::secret:
      return "secret";
    case Type::section:
      return "section";
    case Type::list:
      return "list";
    case Type::mapping:
      return "mapping";
    case Type::policy:
      return "policy";
  }
  return {};
}

std::string kind_of(const Option& option) {
  const std::string range = range_of(option);
  if (range.empty()) return name_of(option.type);
  return name_of(option.type) + (option.type == Type::choice ? " " : ", ") + range;
}

template <class T>
std::string default_of(const Field<T>& field) {
  if (field.option.required) return "required";
  if (const auto value = format_member(field, T{})) return '`' + *value + '`';
  if (!field.option.fallback.empty()) return std::string(field.option.fallback);
  return "its defaults";
}

template <class T>
std::string table(const std::string& heading) {
  std::string text =
      "### " + heading + "\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const Field<T>& field : fields<T>()) {
    text.append("| `").append(field.option.name).append("` | ").append(kind_of(field.option));
    text.append(" | ")
        .append(default_of(field))
        .append(" | ")
        .append(field.option.doc)
        .append(" |\n");
  }
  return text + '\n';
}

/// Writes the full example: each option under a comment that tells what it is.
class ExampleWriter {
 public:
  std::string write() {
    options<Config>([this](std::string_view name) {
      if (name == "storage") options<Storage>();
      if (name == "audit") options<Audit>();
      if (name == "listeners") item([this] { listener(); });
      if (name == "admin") options<Listener>({}, Config{}.admin);
      if (name == "regions") named("us-east-1", [this] { region(); });
      if (name == "clusters") named("cluster-abcdefg2345", [this] { cluster(); });
      if (name == "groups")
        named("\"arn:aws:iam::123456789012:group/auditors\"", [this] { options<Group>(); });
      if (name == "principals")
        named("\"arn:aws:iam::123456789012:user/admin\"", [this] { principal(); });
      if (name == "limits") options<Limits>();
      if (name == "sigv4") options<Sigv4>();
      if (name == "jobs") options<Jobs>();
    });
    return text_;
  }

 private:
  /// Writes what stands under an option that is no scalar.
  using Nested = std::function<void(std::string_view name)>;

  void listener() {
    options<Listener>([this](std::string_view) { options<TlsFiles>(); });
  }

  void token() {
    options<Token>([this](std::string_view) { options<pkcs11::Quirks>(); });
  }

  void region() {
    options<Region>([this](std::string_view name) {
      if (name == "token") token();
      if (name == "pin") options<SecretForm>();
    });
  }

  void cluster() {
    options<Cluster>([this](std::string_view) { token(); });
  }

  void principal() {
    options<Principal>([this](std::string_view name) {
      if (name != "access_keys") return;
      named("AKIAIOSFODNN7EXAMPLE",
            [this] { options<AccessKey>([this](std::string_view) { options<SecretForm>(); }); });
    });
  }

  template <class T>
  void options(const Nested& nested = {}, const T& defaults = T{}) {
    for (const Field<T>& field : fields<T>()) {
      const Option& option = field.option;
      comment(option);
      const std::string name(option.name);
      const auto value = format_member(field, defaults);
      const bool compound = option.type == Type::secret || option.type == Type::section;
      if (value) {
        line(name + ": " + *value);
      } else if (!option.example.empty() && !(compound && nested)) {
        // One way to choose a token, one form of a secret and of policies: the others stay
        // comments.
        const bool chosen =
            name == "label" || name == "policy" || (name == "file" && option.type == Type::path);
        line((option.required || chosen ? "" : "# ") + name + ": " + std::string(option.example));
      } else {
        line(name + ':');
        deeper([&] { nested(option.name); });
      }
    }
  }

  void comment(const Option& option) {
    constexpr std::size_t kWidth = 100;
    const std::string range = range_of(option);
    std::string words(option.doc);
    if (!range.empty()) words.append(" (").append(range).append(")");
    if (option.required) words.append(" Required.");
    std::string row = "#";
    while (!words.empty()) {
      const std::string word = words.substr(0, words.find(' '));
      words.erase(0, word.size() + 1);
      if (2 * depth_ + row.size() + 1 + word.size() > kWidth) {
        line(row);
        row = "#";
      }
      row.append(" ").append(word);
    }
    line(row);
  }

  template <class Body>
  void deeper(const Body& body) {
    ++depth_;
    body();
    --depth_;
  }

  template <class Body>
  void named(const std::string& name, const Body& body) {
    line(name + ':');
    deeper(body);
  }

  /// One of a list: the dash on a line of its own, since a comment comes first.
  template <class Body>
  void item(const Body& body) {
    line("-");
    deeper(body);
  }

  void line(const std::string& text) { text_ += std::string(2 * depth_, ' ') + text + '\n'; }

  std::string text_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string reference() {
  std::string text = table<Config>("Top level");
  text += table<Storage>("`storage`");
  text += table<Audit>("`audit`");
  text += table<Listener>("`listeners[]` and `admin`");
  text += table<TlsFiles>("`tls` of a listener");
  text += table<Region>("`regions.NAME`");
  text += table<Cluster>("`clusters.ID`");
  text += table<Token>("`token` of a Region or a cluster");
  text += table<pkcs11::Quirks>("`quirks` of a token");
  text += table<Group>("`groups.ARN`");
  text += table<Principal>("`principals.ARN`");
  text += table<AccessKey>("`access_keys.ID` of a principal");
  text += table<SecretForm>("A secret: exactly one of");
  text += table<Limits>("`limits`");
  text += table<Sigv4>("`sigv4`");
  text += table<Jobs>("`jobs`");
  return text;
}

std::string full_example() {
  return "# Every option of kms-connectord, those with a default at it. Made from the option "
         "tables; a test\n"
         "# compares the two. Lines of the form \"# key: value\" are options that are not "
         "set.\n\n" +
         ExampleWriter().write();
}

}  // namespace config
