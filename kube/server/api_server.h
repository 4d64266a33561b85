#pragma once

// ApiServer: the embedded, Kubernetes-shaped API server. It owns the state (one SQLite file), the
// watches and the garbage collector, and answers requests through handler(); the sockets belong to
// whoever mounts it.
//
// open() reads the state, sees to the namespaces `default` and `kube-system` and to the definitions
// given, and is ready when it returns. Stopping: begin_stop() ends every watch and log, so that
// the HTTP server can finish; then that server is destroyed, and only then this.
// Errors of open(): those of the file (newer version, not a database, in use, permissions), and
// InvalidArgument for a definition that is refused. Threads: every method from any thread.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/http/server.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "kube/api.h"
#include "kube/log_source.h"
#include "kube/server/storage/limits.h"

namespace kube::server {

// What is to be said of an object that somebody wrote; comes back as warnings, beside the answer.
// `resource` is "<plural>.<group>".
using Advise = std::function<std::vector<std::string>(const std::string& resource,
                                                      const nlohmann::json& object)>;

struct ApiServerOptions {
  std::string path;  // of the SQLite file; created when it is not there
  base::sqlite::Durability durability = base::sqlite::Durability::Full;
  std::vector<std::string> tokens;  // any of them opens the door; at least one
  // CustomResourceDefinitions to create, or to bring up to date, before anybody comes in.
  std::vector<nlohmann::json> definitions;
  kube::LogSource* logs = nullptr;  // may be null; outlives the server
  // Asked when an object itself was written, not its status; on any thread. May be empty.
  Advise advise = {};
  base::Clock* clock = &base::real_clock();
  size_t history_revisions = 10'000;  // how far a watch or a paged list may lag behind
  size_t history_bytes = size_t{8} << 20;
  size_t object_bytes = storage::kMaxObjectBytes;  // of one object as compact JSON
  size_t quota_bytes = size_t{2} << 30;            // of all objects together; more is refused
  size_t page_bytes = size_t{8} << 20;          // of a list's page; a single object may be larger
  size_t collector_backlog = size_t{64} << 20;  // bytes; behind by more, it looks at everything
  std::chrono::seconds event_lifetime{3600};
  size_t events_per_namespace = 10'000;  // more, and the oldest go
};

class ApiServer {
 public:
  static base::Result<std::unique_ptr<ApiServer>> open(ApiServerOptions options);
  ~ApiServer();

  // For the prefixes of kPrefixes. Everything else (health, metrics) is somebody else's.
  [[nodiscard]] base::http::Handler handler();
  // Who may come in, by the head of a request; for base::http::Router.
  [[nodiscard]] base::http::Admit admit() const;
  static constexpr const char* kPrefixes[] = {"/api", "/apis", "/openapi", "/version"};
  // The same API for callers in this process, without sockets and without text: what it answers,
  // refuses and bounds is what handler() does, for both go the same way (LocalApi). It and its
  // watches must be gone before this.
  struct LocalOptions {
    std::string token;  // who calls: asked for like everybody's
    std::string field_manager = "sparkcron";
    size_t watch_backlog = size_t{16} << 20;  // bytes; a reader behind by more is cut off
    std::stop_token stop;                     // ends watches and calls to come as Cancelled
  };
  [[nodiscard]] std::unique_ptr<kube::Api> connect(LocalOptions options);
  void begin_stop();

  struct Numbers {
    int64_t revision = 0;   // of the newest write
    int64_t compacted = 0;  // before this, history is gone
    size_t watches = 0;
    size_t bytes = 0;  // of all objects' text
  };
  [[nodiscard]] Numbers numbers() const;
  // What keeps it from storing anything, until it is over: a full disk, a sync that failed, a
  // damaged file.
  [[nodiscard]] base::Status health() const;
  // To be called now and then: a disk that takes writes again is found out, though nobody writes.
  // Does nothing while all is well, and never waits for the disk.
  void try_write();

 private:
  struct Parts;
  explicit ApiServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kube::server
