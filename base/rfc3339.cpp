#include "base/rfc3339.h"

#include <array>
#include <cstdio>

namespace base {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Scanner {
  std::string_view rest;
  bool ok = true;

  int digits(size_t count) {
    if (rest.size() < count) return fail();
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return fail();
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(count);
    return value;
  }
  void expect(char lower, char upper) {
    if (rest.empty() || (rest[0] != lower && rest[0] != upper)) {
      fail();
    } else {
      rest.remove_prefix(1);
    }
  }
  void expect(char c) { expect(c, c); }
  int fail() {
    ok = false;
    return 0;
  }
};

milliseconds scan_fraction(Scanner& in) {
  if (in.rest.empty() || in.rest[0] != '.') return milliseconds{0};
  in.rest.remove_prefix(1);
  int value = 0;
  size_t count = 0;
  for (; !in.rest.empty() && in.rest[0] >= '0' && in.rest[0] <= '9'; ++count) {
    if (count < 3) value = value * 10 + (in.rest[0] - '0');
    in.rest.remove_prefix(1);
  }
  if (count == 0) in.fail();
  for (; count < 3; ++count)
    value *= 10;
  return milliseconds{value};
}

seconds scan_offset(Scanner& in) {
  if (in.rest.empty()) return seconds{in.fail()};
  const char sign = in.rest[0];
  in.rest.remove_prefix(1);
  if (sign == 'Z' || sign == 'z') return seconds{0};
  if (sign != '+' && sign != '-') return seconds{in.fail()};
  const int hours = in.digits(2);
  in.expect(':');
  const int minutes = in.digits(2);
  if (hours > 23 || minutes > 59) in.fail();
  const seconds offset{hours * 3600 + minutes * 60};
  return sign == '-' ? -offset : offset;
}

}  // namespace

std::string format_rfc3339(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const auto second = (time - day).count();
  std::array<char, 40> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                    static_cast<unsigned>(date.day()), static_cast<int>(second / 3600),
                    static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return {text.data(), static_cast<size_t>(length)};
}

std::string format_rfc3339_micro(WallTime time) {
  const auto whole = std::chrono::floor<seconds>(time);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03d000Z",
                static_cast<int>((time - whole).count()));
  std::string text = format_rfc3339(whole);
  text.pop_back();
  return text + fraction.data();
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  Scanner in{text};
  const std::chrono::year year{in.digits(4)};
  in.expect('-');
  const std::chrono::month month{static_cast<unsigned>(in.digits(2))};
  in.expect('-');
  const std::chrono::day day{static_cast<unsigned>(in.digits(2))};
  in.expect('T', 't');
  const int hour = in.digits(2);
  in.expect(':');
  const int minute = in.digits(2);
  in.expect(':');
  const int second = in.digits(2);
  const milliseconds fraction = scan_fraction(in);
  const seconds offset = scan_offset(in);
  const std::chrono::year_month_day date{year, month, day};
  if (!in.ok || !in.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return failure(
        Code::InvalidArgument,
        "\"" + std::string(text) + "\" is not an RFC 3339 time such as 2026-03-08T07:00:00Z");
  }
  return WallTime{std::chrono::sys_days{date}} + seconds{hour * 3600 + minute * 60 + second} -
         offset + fraction;
}

}  // namespace base
