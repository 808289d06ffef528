#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kms::audit {

using EventIds = std::set<std::string, std::less<>>;

/// The eventID of a record's line; empty if it has none. A view into the line.
std::string_view event_id_of(std::string_view line);
/// Its eventTime ("2015-08-30T12:36:00Z"); empty if it has none.
std::string_view event_time_of(std::string_view line);

/// Which of the `wanted` events have a whole line in these files, the latest file first. Reads
/// backwards and stops at a record older than `not_before`.
EventIds find_written_events(const std::vector<std::string>& paths, const EventIds& wanted,
                             std::string_view not_before);

}  // namespace kms::audit
