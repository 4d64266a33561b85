#pragma once

// The dashboard of a cluster: the same pages as dashboard.h's, opened with the person's own bearer
// token, which the page sends with every request (so there is no cookie, and no other page can ask
// anything). Without a token that the API server accepts only the files are served; with it a
// person sees the namespaces that the cluster's rules (visitors.h) let them read, and what they
// read or change of the API's objects is asked of the API server as themselves (passage.h).
//
//   GET  /dashboard/…                         the files
//   GET  /dashboard/api/sparkcron/v1/scope    {"all", "namespaces", "cut"}: where schedules are
//   seen GET  /dashboard/api/sparkcron/v1/schedules  schedule_feed.h GET
//   /dashboard/api/sparkcron/v1/…        the history, of a namespace that may be read
//   *    /dashboard/api/…                     the API, as may_ask() allows, as the person
//   POST /dashboard/words, …                  as in dashboard.h
//
// What is about the service itself (numbers, readyz) is for who may list the runs of all
// namespaces. Errors are Status objects; a 401 says `WWW-Authenticate: Bearer`, by which the page
// knows that it must ask for a token. Threads: the handler from any thread; what it is given
// outlives it.

#include <functional>
#include <string>

#include "base/http/server.h"
#include "monitor/dashboard/schedule_feed.h"
#include "monitor/dashboard/visitors.h"
#include "monitor/ledger.h"

namespace monitor::dashboard {

struct ClusterOptions {
  Visitors& visitors;
  ScheduleFeed& feed;
  Ledger& ledger;
  base::http::Handler inside;  // history, summary, log and readyz; asks nobody who calls
  base::http::Handler pass;    // everything else, as the person
  std::string default_zone;    // of schedules that name none
  std::function<std::string()> numbers;
  std::string spark_history_url;  // "{applicationId}" in it is that of a run; "" = no link
};

base::http::Handler cluster_handler(ClusterOptions options);
// Who is not known yet has what a stranger has.
base::http::Admit cluster_admit(const Visitors& visitors);

}  // namespace monitor::dashboard
