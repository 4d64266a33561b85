// Any text as a zone file and as the POSIX rule at its end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scheduler/posix_tz.h"
#include "scheduler/time_zone_file.h"
#include "scheduler/time_zone_offsets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!scheduler::zone_footer(text) && text.starts_with("TZif")) std::abort();
  const auto rule = scheduler::PosixTz::parse(text);
  if (!rule) return 0;
  for (int year = 1970; year < 2110; ++year) {
    const auto changes = rule->changes_in(year);
    if (changes.size() > 2) std::abort();
    if (changes.size() == 2 && changes[0].at >= changes[1].at) std::abort();
  }
  using scheduler::OffsetTable;
  const OffsetTable table = OffsetTable::build({{.at = OffsetTable::kBeginning,
                                                 .offset = rule->standard().offset,
                                                 .abbreviation = rule->standard().abbreviation}},
                                               &*rule);
  for (size_t i = 0; i + 1 < table.size(); ++i)
    if (table.first()[i].begin >= table.first()[i + 1].begin) std::abort();
  return 0;
}
