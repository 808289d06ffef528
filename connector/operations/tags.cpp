#include "connector/operations/tags.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "connector/api/error.h"
#include "connector/api/pattern.h"
#include "connector/base/encodings.h"

namespace kms::operations {
namespace {

using api::Error;
using api::ErrorCode;

}  // namespace

void check_tags(const std::vector<api::Tag>& tags, std::size_t limit) {
  if (tags.size() > limit) throw Error(ErrorCode::tag, "Too many tags");
  std::set<std::string_view> seen;
  for (const api::Tag& tag : tags) {
    if (!seen.insert(tag.tag_key).second) throw Error(ErrorCode::tag, "Duplicate tag keys");
  }
  for (const api::Tag& tag : tags) {
    check_tag_key(tag.tag_key);
    if (!api::is_tag_text(tag.tag_key) || !api::is_tag_text(tag.tag_value)) {
      throw Error(ErrorCode::tag, "Invalid tag");
    }
  }
}

void check_tag_key(std::string_view key) {
  if (starts_with_ignoring_case(key, "aws:")) {
    throw Error(ErrorCode::tag, "Tags beginning with aws: are reserved");
  }
}

void merge_tags(std::vector<keys::Tag>& tags, const std::vector<api::Tag>& added) {
  for (const api::Tag& tag : added) {
    const auto found = std::ranges::find(tags, tag.tag_key, &keys::Tag::key);
    if (found != tags.end()) {
      found->value = tag.tag_value;
    } else {
      tags.push_back({.key = tag.tag_key, .value = tag.tag_value});
    }
  }
}

}  // namespace kms::operations
