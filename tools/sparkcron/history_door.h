#pragma once

// HistoryDoor: where a controller on a cluster serves its ledger and its logs, behind
// monitor::ReaderGate, and the dashboard, behind each person's own rights: TLS only, on a port of
// its own, so that what strangers do there holds up neither probes nor metrics.
//
// Threads: main only; its handlers run on the server's.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/http/router.h"
#include "base/http/server.h"
#include "base/result.h"
#include "kube/api.h"
#include "monitor/dashboard/passage.h"
#include "monitor/dashboard/schedule_feed.h"
#include "monitor/dashboard/visitors.h"
#include "monitor/history_handler.h"
#include "monitor/ledger.h"
#include "monitor/reader_gate.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

// All outlives the door.
struct HistoryParts {
  kube::Api& api;
  base::Clock& clock;
  monitor::Ledger& ledger;
  monitor::OpenRunLog logs;
  monitor::dashboard::ScheduleFeed& feed;
  base::http::ClientOptions api_server;  // without a credential: people bring theirs
  base::http::Handler health;
  std::function<std::string()> numbers;
};

class HistoryDoor {
 public:
  // The certificate is that of --tls-cert-file, else one made for the service's name in the data
  // folder. (The API server's proxy looks at no certificate.)
  static base::Result<std::unique_ptr<HistoryDoor>> open(const Options& options,
                                                         const std::string& ns, DataDir& data,
                                                         HistoryParts parts);
  ~HistoryDoor();
  HistoryDoor(const HistoryDoor&) = delete;
  HistoryDoor& operator=(const HistoryDoor&) = delete;

  [[nodiscard]] const base::http::Server& server() const { return *server_; }

 private:
  HistoryDoor(HistoryParts parts, monitor::ReaderGateOptions gate,
              std::unique_ptr<base::http::Client> person)
      : parts_(std::move(parts)),
        gate_(parts_.api, parts_.clock, std::move(gate)),
        visitors_(parts_.api, parts_.clock),
        passage_(std::move(person)) {}
  void add_history(base::http::Router& router);
  void add_dashboard(base::http::Router& router, const Options& options);

  const HistoryParts parts_;
  monitor::ReaderGate gate_;
  monitor::dashboard::Visitors visitors_;
  monitor::dashboard::Passage passage_;
  std::unique_ptr<base::http::Server> server_;  // ends first: its handlers ask the gates
};

}  // namespace sparkcron
