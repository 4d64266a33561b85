#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/times.h"

namespace sparkctl {

using base::integer_at;
using base::string_at;
using kube::Json;

namespace {

// When an event was last seen: core events know several fields for it.
std::optional<base::WallTime> seen_last(const Json& event) {
  for (const auto& path :
       {std::initializer_list<std::string_view>{"series", "lastObservedTime"},
        std::initializer_list<std::string_view>{"lastTimestamp"},
        std::initializer_list<std::string_view>{"eventTime"},
        std::initializer_list<std::string_view>{"metadata", "creationTimestamp"}}) {
    if (const auto time = time_at(event, path)) return time;
  }
  return std::nullopt;
}

}  // namespace

void sort_events(std::vector<Json>& events) {
  std::stable_sort(events.begin(), events.end(), [](const Json& left, const Json& right) {
    return seen_last(left) < seen_last(right);
  });
}

std::vector<Cell> event_row(const Json& event, base::WallTime now) {
  const std::string type = string_at(event, {"type"});
  const auto count =
      integer_at(event, {"series", "count"}).value_or(integer_at(event, {"count"}).value_or(1));
  std::string message = string_at(event, {"message"});
  if (message.empty()) message = string_at(event, {"note"});
  const auto seen = seen_last(event);
  return {string_at(event, {"involvedObject", "name"}),
          Cell(type, type == "Warning" ? Colour::Yellow : Colour::None),
          string_at(event, {"reason"}),
          seen ? rough(now - *seen) : "",
          std::to_string(std::max<int64_t>(count, 1)),
          message};
}

Table table_of_events(const Session& session) {
  return Table({"OBJECT", "TYPE", "REASON", "AGE", "COUNT", "MESSAGE"},
               session.output == Output::Wide ? Fit::AsLong : Fit::Wrapped);
}

void add_events(Table& table, const Session& session, const std::vector<Json>& events) {
  for (const Json& event : events)
    table.add(event_row(event, session.clock.now()));
}

}  // namespace sparkctl
