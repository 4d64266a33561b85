// Times sparkcron's own engine: bench_cron ZONE SECONDS < questions; see run. With "count ENGINE
// EXPRESSION" instead of a zone it makes a fixed number of calls, for callgrind.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "scheduler/schedule.h"
#include "scheduler/schedule_cursor.h"

namespace {

using scheduler::Instant;
using scheduler::Schedule;
using scheduler::ScheduleCursor;
using std::chrono::seconds;

constexpr Instant kLast{seconds{2'200'000'000}};
// A cursor is made for long walks: to 2199, or a yearly schedule would mostly begin anew.
constexpr Instant kLastWalked{seconds{7'226'582'400}};
constexpr int kBatch = 4096;

// Keeps the compiler from leaving calls out.
void consume(const std::optional<Instant>& slot) {
  asm volatile("" : : "r"(slot ? slot->time_since_epoch().count() : 0));
}

double nanoseconds_per_call(double budget, const std::function<void(int)>& call) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                        std::chrono::duration<double>(budget));
  double best = 0;
  do {
    const Clock::time_point start = Clock::now();
    call(kBatch);
    const std::chrono::duration<double, std::nano> took = Clock::now() - start;
    if (best == 0 || took.count() / kBatch < best) best = took.count() / kBatch;
  } while (Clock::now() < deadline);
  return best;
}

void ask_at(const Schedule& schedule, const std::vector<Instant>& instants, int calls) {
  for (int i = 0; i < calls; ++i)
    consume(schedule.next(instants[static_cast<size_t>(i) % instants.size()]));
}

void ask_chained(const Schedule& schedule, Instant first, Instant& at, int calls) {
  for (int i = 0; i < calls; ++i) {
    at = schedule.next(at).value_or(kLast);
    if (at >= kLast) at = first;
  }
  consume(at);
}

void walk(const Schedule& schedule, Instant first, ScheduleCursor& cursor, int calls) {
  for (int i = 0; i < calls; ++i) {
    const std::optional<Instant> slot = cursor.next();
    consume(slot);
    if (!slot || *slot >= kLastWalked) cursor = ScheduleCursor(schedule, first);
  }
}

Schedule parse(const std::string& expression, const std::string& zone) {
  auto schedule = Schedule::parse(expression, {.zone = zone});
  if (schedule) return *schedule;
  std::fprintf(stderr, "%s\n", schedule.error().message.c_str());
  std::exit(1);
}

void measure(const std::string& expression, const std::string& zone, double budget,
             const std::vector<Instant>& instants) {
  const Schedule schedule = parse(expression, zone);
  const double random =
      nanoseconds_per_call(budget, [&](int calls) { ask_at(schedule, instants, calls); });
  Instant at = instants.front();
  const double chained = nanoseconds_per_call(
      budget, [&](int calls) { ask_chained(schedule, instants.front(), at, calls); });
  ScheduleCursor cursor(schedule, instants.front());
  const double walked = nanoseconds_per_call(
      budget, [&](int calls) { walk(schedule, instants.front(), cursor, calls); });
  const double parsed = nanoseconds_per_call(budget, [&](int calls) {
    for (int i = 0; i < calls / 16; ++i)
      consume(parse(expression, zone).next(Instant{}));
  });
  std::printf("sparkcron\t%s\t%.1f\t%.1f\n", expression.c_str(), random, chained);
  std::printf("sparkcron-cursor\t%s\t-\t%.1f\n", expression.c_str(), walked);
  std::printf("sparkcron-parse\t%s\t-\t%.1f\n", expression.c_str(), parsed * 16);
}

void measure_count(const std::string& zone, double budget) {
  const Schedule schedule = parse("* * * * *", zone);
  const Instant from = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
  const Instant to = std::chrono::sys_days{std::chrono::year{2100} / 1 / 1};
  uint64_t sum = 0;
  const double ns = nanoseconds_per_call(budget, [&](int calls) {
    for (int i = 0; i < calls / 64; ++i)
      sum += schedule.count(from, to);
  });
  std::printf("sparkcron-count-100-years\t* * * * *\t-\t%.1f\n", ns * 64);
  if (sum == 0) std::exit(1);
}

int count_calls(const std::string& engine, const std::string& expression, int calls) {
  const Schedule schedule = parse(expression, "America/New_York");
  const Instant first{seconds{1'704'067'200}};
  if (engine == "sparkcron-cursor") {
    ScheduleCursor cursor(schedule, first);
    walk(schedule, first, cursor, calls);
  } else {
    Instant at = first;
    ask_chained(schedule, first, at, calls);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 4 && arguments[0] == "count")
    return count_calls(arguments[1], arguments[2], std::stoi(arguments[3]));
  if (arguments.size() != 2) return 2;
  const double budget = std::stod(arguments[1]);
  std::string line;
  std::getline(std::cin, line);
  std::vector<Instant> instants;
  std::istringstream words(line);
  for (int64_t at = 0; words >> at;)
    instants.emplace_back(seconds{at});
  while (std::getline(std::cin, line))
    measure(line.substr(0, line.find('\t')), arguments[0], budget, instants);
  measure_count(arguments[0], budget);
  return 0;
}
