#pragma once

// The dashboard: pages for people, below /dashboard/, and what they ask the server for. The files
// of web/ are compiled in and the same for everybody; all data needs a session (login.h).
//
//   GET  /dashboard/…            the files
//   POST /dashboard/links        with the API's token: {"login": "<code>", "seconds": 300}
//   POST /dashboard/login        {"code", "path"} → a cookie for that path, as the browser sees it
//   POST /dashboard/logout       takes the cookie away
//   *    /dashboard/api/…        the API and the history, as may_ask() allows
//   POST /dashboard/words        cron expressions in words, by the service's own engine
//   POST /dashboard/recent       the last runs of many schedules at once
//   POST /dashboard/past         what ran and was skipped since a time
//   POST /dashboard/slots        the next slots of many schedules
//   POST /dashboard/changes      what the clock's changes do to a schedule
//   POST /dashboard/settings     {"sparkHistoryUrl"}
//   POST /dashboard/numbers      the service's own metrics, as text
//   POST /dashboard/spark-link   {"namespace", "run", "path"} → {"path": "spark/<ticket>/"}
//   GET  /dashboard/spark/…      Spark's UI of a run (spark_page.h)
//
// Every request but for files needs the header kHeader, which no form and no page of another origin
// can send: the cookie alone does nothing. Errors are Status objects, as the API's. Threads: the
// handler from any thread; what it is given outlives it.

#include <functional>
#include <string>
#include <string_view>

#include "base/http/server.h"
#include "monitor/dashboard/login.h"
#include "monitor/dashboard/spark_page.h"
#include "monitor/history_handler.h"
#include "monitor/ledger.h"

namespace monitor::dashboard {

inline constexpr const char* kPath = "/dashboard";
inline constexpr const char* kHeader = "X-Sparkcron-Dashboard";

struct Options {
  Login& login;
  Ledger& ledger;
  Authorize authorize;                   // whether a request has the API's token
  base::http::Handler inside;            // answers for the API and the history
  std::string token;                     // with which they are asked
  std::string cookie;                    // its name; unlike that of another service of this machine
  std::string default_zone;              // of schedules that name none
  std::string spark_history_url;         // "{applicationId}" in it is that of a run; "" = no link
  std::function<std::string()> numbers;  // in Prometheus's text format; short
  FindSparkPage find_spark_page;
};

base::http::Handler handler(Options options);
// Who has neither session nor token may read the files and log in.
base::http::Admit admit(const Login& login, std::string cookie, Authorize authorize);

// What a page may ask of the API: it reads schedules, runs, pods, their logs, events and the
// history, and changes schedules. Nothing else, whatever the token might do.
bool may_ask(std::string_view method, std::string_view path);

}  // namespace monitor::dashboard
