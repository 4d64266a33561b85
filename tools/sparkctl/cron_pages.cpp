// explain and calendar: the answers that are pages rather than lists.
#include <ostream>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "scheduler/calendar.h"
#include "scheduler/explain.h"
#include "scheduler/explain_words.h"
#include "tools/sparkctl/cron_answers.h"

namespace sparkctl {
namespace {

using nlohmann::ordered_json;
using scheduler::CalendarDay;

constexpr int kFine = 0;
constexpr int kRefused = 1;

int refused(const CronQuestion& question, const std::string& message, const CronContext& context) {
  if (question.output == CronOutput::Json)
    context.out << ordered_json{{"valid", false}, {"error", message}}.dump(
                       2, ' ', false, ordered_json::error_handler_t::replace)
                << '\n';
  else
    context.err << "error: " << message << '\n';
  return kRefused;
}

// "2026-11"; nullopt: not a month.
std::optional<std::chrono::year_month> month_of(const std::string& text) {
  const auto time = base::parse_rfc3339(text + "-01T00:00:00Z");
  if (!time) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(*time)};
  return date.year() / date.month();
}

std::chrono::year_month month_of_now(const scheduler::TimeZone& zone, scheduler::Instant now) {
  const std::chrono::year_month_day date{
      std::chrono::floor<std::chrono::days>(zone.to_local(now).time)};
  return date.year() / date.month();
}

unsigned day_of(const CalendarDay& day) {
  return static_cast<unsigned>(std::chrono::year_month_day{day.date}.day());
}

std::string signed_hours(std::chrono::seconds change) {
  const bool back = change.count() < 0;
  return "put " + std::string(back ? "back by " : "forward by ") +
         scheduler::words::duration(back ? -change.count() : change.count());
}

void print_month(const std::vector<CalendarDay>& days, std::chrono::year_month month,
                 const scheduler::Schedule& schedule, std::ostream& out) {
  out << scheduler::words::month(static_cast<unsigned>(month.month())) << ' '
      << static_cast<int>(month.year()) << ", " << schedule.zone().name() << "\n\n"
      << "  Mo   Tu   We   Th   Fr   Sa   Su\n";
  const unsigned first = std::chrono::weekday{days.front().date}.iso_encoding() - 1;
  std::string line(size_t{5} * first, ' ');
  for (const CalendarDay& day : days) {
    const std::string number = std::to_string(day_of(day));
    line += (day.slots > 0 ? "[" : " ") + std::string(2 - number.size(), ' ') + number +
            (day.slots > 0 ? "] " : "  ");
    if (std::chrono::weekday{day.date}.iso_encoding() == 7) {
      out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
      line.clear();
    }
  }
  if (!line.empty()) out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  uint64_t total = 0;
  for (const CalendarDay& day : days)
    total += day.slots;
  out << '\n' << total << (total == 1 ? " slot" : " slots") << '\n';
  for (const CalendarDay& day : days) {
    if (day.offset_change.count() != 0)
      out << "on day " << day_of(day) << " the clock is " << signed_hours(day.offset_change)
          << '\n';
  }
}

ordered_json to_json(const CalendarDay& day) {
  const auto utc = [](const auto& slot) { return base::format_rfc3339(*slot); };
  ordered_json entry{
      {"date", base::format_rfc3339(scheduler::Instant{day.date.time_since_epoch()}).substr(0, 10)},
      {"slots", day.slots}};
  if (day.first) entry["first"] = utc(day.first);
  if (day.last) entry["last"] = utc(day.last);
  if (day.offset_change.count() != 0) entry["clockChangeSeconds"] = day.offset_change.count();
  return entry;
}

}  // namespace

int answer_explain(const CronQuestion& question, const CronContext& context) {
  const auto text = scheduler::explain(question.expression, question.options());
  if (!text) return refused(question, text.error().message, context);
  if (question.output == CronOutput::Json)
    context.out << ordered_json{{"expression", question.expression}, {"explanation", *text}}.dump(2)
                << '\n';
  else
    context.out << *text << '\n';
  return kFine;
}

int answer_calendar(const CronQuestion& question, const std::string& month_text,
                    const CronContext& context) {
  const auto schedule = scheduler::Schedule::parse(question.expression, question.options());
  if (!schedule) return refused(question, schedule.error().message, context);
  const auto month =
      month_text.empty() ? month_of_now(schedule->zone(), context.now) : month_of(month_text);
  if (!month)
    return refused(question, "\"" + month_text + "\" is not a month such as 2026-11", context);
  const std::vector<CalendarDay> days = scheduler::calendar_month(*schedule, *month);
  if (question.output == CronOutput::Text) {
    print_month(days, *month, *schedule, context.out);
    return kFine;
  }
  ordered_json list = ordered_json::array();
  for (const CalendarDay& day : days)
    list.push_back(to_json(day));
  context.out << ordered_json{{"expression", question.expression},
                              {"zone", schedule->zone().name()},
                              {"days", std::move(list)}}
                     .dump(2)
              << '\n';
  return kFine;
}

}  // namespace sparkctl
