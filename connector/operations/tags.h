#pragma once

#include <vector>

#include "connector/api/shapes.h"
#include "connector/keys/records.h"

namespace kms::operations {

/// TagException in AWS's words for tags that no key may have.
void check_tags(const std::vector<api::Tag>& tags, std::size_t limit);
/// The same for keys of tags to be removed.
void check_tag_key(std::string_view key);

/// Adds the tags, overwriting those of the same key in place.
void merge_tags(std::vector<keys::Tag>& tags, const std::vector<api::Tag>& added);

}  // namespace kms::operations
