// How long the ledger takes for what people ask, with many rows: bench_ledger [RUNS] [SCHEDULES].
// Makes a file in a temporary folder, asks each question several times, prints the longest and the
// median of them, and removes the file.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "monitor/ledger.h"

namespace {

using monitor::HistoryOrder;
using monitor::HistoryQuery;
using monitor::Window;
using std::chrono::hours;
using std::chrono::steady_clock;

constexpr int kTimes = 7;

struct Question {
  const char* words;
  std::function<base::Status(monitor::Ledger&)> ask;
};

// `runs` rows, one every 30 s until now, of `schedules` in turn, in 20 namespaces; each hundredth
// failed. Every tenth of as many stretches was skipped.
std::string filling(base::WallTime now, long runs, long schedules) {
  const std::string begin = std::to_string(now.time_since_epoch().count() - runs * 30'000);
  const std::string of = std::to_string(schedules);
  const std::string count = std::to_string(runs);
  // In the cache of SQLite, which is small otherwise.
  return "PRAGMA cache_size = -400000; BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i "
         "+ 1 FROM n WHERE i < " +
         count +
         ") INSERT INTO runs (uid, ns, name, schedule, schedule_uid, slot, manual, created, "
         "submitted, started, ended, state, attempts, exit_code, message, app_id) SELECT "
         "printf('%08x-0000-4000-8000-%012x', i, i), 'team-' || (i % " +
         of + " % 20), printf('etl-%d-%d', i % " + of + ", i), 'etl-' || (i % " + of +
         "), 'uid-' || (i % " + of +
         "), t, 0, t, t + 200, t + 4000, t + 60000 + abs(random()) % "
         "600000, iif(i % 100 = 0, 'FAILED', 'COMPLETED'), 1, iif(i % 100 = 0, 1, 0), iif(i % 100 "
         "= 0, 'driver failed with exit code 1', ''), 'spark-' || i FROM (SELECT i, " +
         begin +
         " + i * 30000 AS t FROM n); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + "
         "1 FROM n WHERE i < " +
         count + " / 10) INSERT INTO skips SELECT 'uid-' || (i % " + of +
         "), t, t + 60, 'team-' "
         "|| (i % " +
         of + " % 20), 'etl-' || (i % " + of +
         "), 2, iif(i % 3 = 0, 'Superseded', "
         "'ForbidConcurrent') FROM (SELECT i, " +
         begin + " / 1000 + i * 300 AS t FROM n); COMMIT";
}

HistoryQuery query_of(const std::string& ns, const std::string& schedule, const std::string& state,
                      size_t limit) {
  HistoryQuery query;
  query.ns = ns;
  query.schedule = schedule;
  query.state = state;
  query.limit = limit;
  return query;
}

base::Status history(monitor::Ledger& ledger, const HistoryQuery& query) {
  ASSIGN_OR_RETURN(const auto answer, ledger.history(query));
  (void)answer;
  return {};
}

base::Status summary(monitor::Ledger& ledger, const std::string& ns, const std::string& schedule,
                     const Window& window) {
  ASSIGN_OR_RETURN(const auto answer, ledger.summary({ns, schedule, window}));
  (void)answer;
  return {};
}

std::vector<Question> questions(base::WallTime now) {
  const auto last = [now](hours back) { return Window{.from = now - back, .to = {}}; };
  const auto ended = [](HistoryQuery query, const Window& window, HistoryOrder order) {
    query.ended = window;
    query.order = order;
    return query;
  };
  const auto since = [](HistoryQuery query, base::WallTime time) {
    query.since = time;
    return query;
  };
  const Window ever;
  const HistoryQuery all = query_of("", "", "", 100);
  const HistoryQuery one = query_of("team-7", "etl-7", "", 100);
  struct Rows {
    const char* words;
    HistoryQuery query;
  };
  const Rows rows[] = {
      {"history, all", all},
      {"history of a namespace", query_of("team-7", "", "", 100)},
      {"history of a schedule", query_of("team-7", "etl-7", "", 30)},
      {"what failed, of all times", query_of("", "", "FAILED", 100)},
      {"what failed of a namespace, all times", query_of("team-0", "", "FAILED", 100)},
      {"what failed since 12 h", since(query_of("", "", "FAILED", 100), now - hours(12))},
      {"what failed since 200 days", since(query_of("", "", "FAILED", 100), now - hours(4800))},
      {"what failed of a schedule since 12 h",
       since(query_of("team-7", "etl-7", "FAILED", 100), now - hours(12))},
      {"what ended in 24 h, 10,000 rows",
       ended(query_of("", "", "", 10'000), last(hours(24)), HistoryOrder::NewestFirst)},
      {"what ended in a year, of a namespace",
       ended(query_of("team-7", "", "", 100), last(hours(8760)), HistoryOrder::NewestFirst)},
      {"slowest of 24 h", ended(all, last(hours(24)), HistoryOrder::SlowestFirst)},
      {"slowest of a week", ended(all, last(hours(168)), HistoryOrder::SlowestFirst)},
      {"slowest of all times", ended(all, ever, HistoryOrder::SlowestFirst)},
      {"slowest of a schedule, all times", ended(one, ever, HistoryOrder::SlowestFirst)},
      {"slowest of a namespace that has none",
       ended(query_of("none", "", "", 100), ever, HistoryOrder::SlowestFirst)},
  };
  std::vector<Question> all_of_them;
  for (const Rows& row : rows)
    all_of_them.push_back({row.words, [query = row.query](monitor::Ledger& ledger) {
                             return history(ledger, query);
                           }});
  struct Numbers {
    const char* words;
    const char* ns;
    const char* schedule;
    Window window;
  };
  const Numbers numbers[] = {
      {"summary of a schedule, 30 days", "team-7", "etl-7", last(hours(720))},
      {"summary of a schedule, all times", "team-7", "etl-7", ever},
      {"summary of a namespace, 7 days", "team-7", "", last(hours(168))},
      {"summary of a namespace, all times", "team-7", "", ever},
      {"summary of all, 24 h", "", "", last(hours(24))},
      {"summary of all, all times (newest 10,000)", "", "", ever},
  };
  for (const Numbers& n : numbers)
    all_of_them.push_back({n.words, [n](monitor::Ledger& ledger) {
                             return summary(ledger, n.ns, n.schedule, n.window);
                           }});
  all_of_them.push_back({"one run by its name", [](monitor::Ledger& ledger) -> base::Status {
                           HistoryQuery query = query_of("team-7", "", "", 1);
                           query.run = "etl-7-7";
                           return history(ledger, query);
                         }});
  return all_of_them;
}

base::Status measure(monitor::Ledger& ledger, const Question& question) {
  std::array<double, kTimes> took{};
  for (double& one : took) {
    const auto begin = steady_clock::now();
    RETURN_IF_ERROR(question.ask(ledger));
    one = std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
  }
  std::sort(took.begin(), took.end());
  std::printf("%-45s %8.2f ms  %8.2f ms\n", question.words, took[kTimes / 2], took.back());
  return {};
}

base::Status bench(const std::filesystem::path& folder, long runs, long schedules) {
  const std::string path = (folder / "ledger.db").string();
  base::Clock& clock = base::real_clock();
  monitor::LedgerOptions options;
  options.path = path;
  const auto begin = steady_clock::now();
  {
    // Makes the tables.
    ASSIGN_OR_RETURN(const auto ledger, monitor::Ledger::open(options, clock));
    ASSIGN_OR_RETURN(auto database,
                     base::sqlite::Database::open(path, base::sqlite::Durability::Normal));
    RETURN_IF_ERROR(database.execute(filling(clock.now(), runs, schedules)));
  }
  ASSIGN_OR_RETURN(const auto ledger, monitor::Ledger::open(options, clock));
  std::printf("%ld runs of %ld schedules, %.0f MiB, made in %.0f s\n%-45s %11s  %11s\n", runs,
              schedules, static_cast<double>(ledger->file_bytes()) / (1 << 20),
              std::chrono::duration<double>(steady_clock::now() - begin).count(), "", "median",
              "longest");
  for (const Question& question : questions(clock.now()))
    RETURN_IF_ERROR(measure(*ledger, question));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const long runs = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  const long schedules = argc > 2 ? std::atol(argv[2]) : 1'000;
  if (runs < 1 || schedules < 1) {
    std::fputs("usage: bench_ledger [RUNS] [SCHEDULES], both at least 1\n", stderr);
    return 2;
  }
  std::string folder = (std::filesystem::temp_directory_path() / "bench-ledger-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 1;
  }
  const base::Status done = bench(folder, runs, schedules);
  std::filesystem::remove_all(folder);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}
