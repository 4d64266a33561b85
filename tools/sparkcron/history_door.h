#pragma once

// HistoryDoor: where a controller on a cluster serves its ledger and its logs, behind
// monitor::ReaderGate: TLS only, on a port of its own, so that what strangers do there holds up
// neither probes nor metrics.
//
// Threads: main only; its handlers run on the server's.

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/http/server.h"
#include "base/result.h"
#include "kube/api.h"
#include "monitor/history_handler.h"
#include "monitor/ledger.h"
#include "monitor/reader_gate.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

class HistoryDoor {
 public:
  // The certificate is that of --tls-cert-file, else one made for the service's name in the data
  // folder. (The API server's proxy looks at no certificate.) Everything passed in outlives it.
  static base::Result<std::unique_ptr<HistoryDoor>> open(const Options& options,
                                                         const std::string& ns, DataDir& data,
                                                         kube::Api& api, base::Clock& clock,
                                                         monitor::Ledger& ledger,
                                                         monitor::OpenRunLog logs);

  [[nodiscard]] const base::http::Server& server() const { return *server_; }

 private:
  HistoryDoor(kube::Api& api, base::Clock& clock, monitor::ReaderGateOptions options)
      : gate_(api, clock, std::move(options)) {}

  monitor::ReaderGate gate_;
  std::unique_ptr<base::http::Server> server_;  // ends first: its handlers ask the gate
};

}  // namespace sparkcron
