// Any text as a cron expression: refused with an offset inside the text, or every call is total.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scheduler/explain.h"
#include "scheduler/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> warnings;
  const scheduler::ScheduleOptions options{.zone = "America/New_York", .seed = text};
  const auto schedule = scheduler::Schedule::parse(text, options, &warnings);
  if (!schedule) {
    if (schedule.error().message.empty()) std::abort();
    return 0;
  }
  const scheduler::Instant now{std::chrono::seconds{1'700'000'000}};
  const auto next = schedule->next(now);
  if (next && (*next <= now || schedule->prev(*next + std::chrono::seconds{1}) != next))
    std::abort();
  if (next && schedule->count(now, *next) != 1) std::abort();
  if (next && !schedule->can_fire()) std::abort();
  if (!scheduler::explain(text, options)) std::abort();
  return 0;
}
