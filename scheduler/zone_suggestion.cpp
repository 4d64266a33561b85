#include "scheduler/zone_suggestion.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <optional>
#include <vector>

#include <date/tz.h>

#include "scheduler/time_zone_file.h"

namespace scheduler {
namespace {

constexpr const char* kForm = " (a zone goes by the name of a place, such as Europe/Berlin)";

// What people call their zones; the names that tzdata knows (EST, CET, …) never get here.
struct Abbreviation {
  std::string_view name;
  std::string_view zones;
};
constexpr std::array kAbbreviations{
    Abbreviation{"z", "UTC"},
    Abbreviation{"ist", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem"},
    Abbreviation{"pst", "America/Los_Angeles"},
    Abbreviation{"pdt", "America/Los_Angeles"},
    Abbreviation{"pt", "America/Los_Angeles"},
    Abbreviation{"mdt", "America/Denver"},
    Abbreviation{"mt", "America/Denver"},
    Abbreviation{"cst", "America/Chicago or Asia/Shanghai"},
    Abbreviation{"cdt", "America/Chicago"},
    Abbreviation{"ct", "America/Chicago"},
    Abbreviation{"edt", "America/New_York"},
    Abbreviation{"et", "America/New_York"},
    Abbreviation{"akst", "America/Anchorage"},
    Abbreviation{"brt", "America/Sao_Paulo"},
    Abbreviation{"bst", "Europe/London"},
    Abbreviation{"west", "Europe/Lisbon"},
    Abbreviation{"cest", "Europe/Berlin"},
    Abbreviation{"eest", "Europe/Athens"},
    Abbreviation{"msk", "Europe/Moscow"},
    Abbreviation{"sast", "Africa/Johannesburg"},
    Abbreviation{"gst", "Asia/Dubai"},
    Abbreviation{"pkt", "Asia/Karachi"},
    Abbreviation{"ict", "Asia/Bangkok"},
    Abbreviation{"wib", "Asia/Jakarta"},
    Abbreviation{"sgt", "Asia/Singapore"},
    Abbreviation{"hkt", "Asia/Hong_Kong"},
    Abbreviation{"jst", "Asia/Tokyo"},
    Abbreviation{"kst", "Asia/Seoul"},
    Abbreviation{"awst", "Australia/Perth"},
    Abbreviation{"acst", "Australia/Adelaide"},
    Abbreviation{"aest", "Australia/Sydney"},
    Abbreviation{"aedt", "Australia/Sydney"},
    Abbreviation{"nzst", "Pacific/Auckland"},
    Abbreviation{"nzdt", "Pacific/Auckland"},
};

// Lower case, blanks and hyphens as underscores: how names are compared.
std::string folded(std::string_view name) {
  std::string text;
  for (const char c : name)
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == ' ' || c == '-' ? '_' : c;
  while (text.starts_with('_'))
    text.erase(0, 1);
  while (text.ends_with('_'))
    text.pop_back();
  return text;
}

std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones)
      if (is_zone_name(zone.name())) names.push_back(zone.name());
  } catch (const std::exception&) {
    // No list of zones, no suggestion.
  }
  return names;
}

// "GMT+8", "UTC-03:00", "+0530": signed minutes.
std::optional<int> offset_of(std::string_view name) {
  for (const std::string_view prefix : {"GMT", "UTC", "gmt", "utc", "Etc/UTC"})
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  if (name.size() < 2 || (name.front() != '+' && name.front() != '-')) return std::nullopt;
  const bool behind = name.front() == '-';
  std::string digits;
  for (const char c : name.substr(1)) {
    if (c == ':') continue;
    if (c < '0' || c > '9' || digits.size() == 4) return std::nullopt;
    digits += c;
  }
  if (digits.size() == 3) digits.insert(0, "0");
  if (digits.empty()) return std::nullopt;
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const int minutes = digits.size() <= 2 ? number * 60 : number / 100 * 60 + number % 100;
  return behind ? -minutes : minutes;
}

std::string for_offset(int minutes) {
  const int hours = minutes / 60;
  if (minutes == 0) return "did you mean UTC?";
  if (minutes % 60 != 0 || hours < -12 || hours > 14)
    return "a zone goes by the name of a place, such as Asia/Kolkata";
  const std::string size = std::to_string(hours < 0 ? -hours : hours);
  const std::string way =
      size + (size == "1" ? " hour " : " hours ") + (hours < 0 ? "behind" : "ahead of") + " UTC";
  return "did you mean Etc/GMT" + std::string(hours < 0 ? "+" : "-") + size +
         "? There the sign is " + "the other way round: it is " + way + ", all year";
}

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t i = 0; i < row.size(); ++i)
    row[i] = i;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// The name itself in another spelling, or a city.
std::string same_or_city(const std::string& wanted, const std::vector<std::string>& names) {
  std::string cities;
  for (const std::string& name : names) {
    const std::string known = folded(name);
    if (known == wanted) return name;
    const bool of_place = name.find('/') != std::string::npos && !name.starts_with("Etc/");
    if (of_place && known.substr(known.rfind('/') + 1) == wanted && cities.empty()) cities = name;
  }
  return cities;
}

std::string nearest(const std::string& wanted, const std::vector<std::string>& names) {
  constexpr size_t kShortest = 5;  // every word of three letters is near to some zone
  if (wanted.size() < kShortest) return "";
  std::string best;
  size_t least = 3;
  for (const std::string& name : names) {
    const size_t far = distance(wanted, folded(name));
    if (far >= least) continue;
    least = far;
    best = name;
  }
  return best;
}

}  // namespace

std::string zone_suggestion(std::string_view name) {
  constexpr size_t kLongest = 64;
  if (name.empty() || name.size() > kLongest) return kForm;
  if (const auto offset = offset_of(name)) return " (" + for_offset(*offset) + ")";
  const std::string wanted = folded(name);
  const std::vector<std::string> names = zone_names();
  std::string meant = same_or_city(wanted, names);
  if (meant.empty())
    for (const Abbreviation& one : kAbbreviations)
      if (wanted == one.name) meant = one.zones;
  if (meant.empty()) meant = nearest(wanted, names);
  return meant.empty() ? kForm : " (did you mean " + meant + "?)";
}

}  // namespace scheduler
