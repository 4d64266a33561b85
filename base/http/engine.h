#pragma once

// Engine: what the server, its connections, responders and streams share; it lives as long as the
// last of them. Nobody outside the server includes it.
//
// Threads: post(), stopping and what is const from any thread; the rest on the I/O thread.

#include <atomic>
#include <memory>
#include <unordered_set>
#include <utility>

#include <boost/asio.hpp>

#include "base/http/connection_table.h"
#include "base/http/memory_budget.h"
#include "base/http/server.h"
#include "base/http/tls_context.h"
#include "base/http/worker_pool.h"
#include "base/mutex.h"

namespace base::http {

class Peer;

struct Engine {
  Engine(ServerOptions server_options, Handler request_handler)
      : options(std::move(server_options)),
        handler(std::move(request_handler)),
        // Without a way to be trusted nobody is a stranger.
        table(options.max_connections, options.admit ? options.max_strangers : 0),
        budget(std::make_shared<MemoryBudget>(options.memory_budget, [this] { ask_relief(); })),
        pool({.threads = options.worker_threads,
              .max_queued = options.max_queued_requests,
              .max_running_cost = options.max_handled_bytes}) {}

  const ServerOptions options;
  const Handler handler;
  boost::asio::io_context io{1};
  boost::asio::steady_timer stop_timer{io};
  std::unique_ptr<TlsContext> tls;
  ConnectionTable table;
  std::unordered_set<std::shared_ptr<Peer>> refused;  // being told that there is no room
  // Its callback is never called after the server's end: see finish().
  const std::shared_ptr<MemoryBudget> budget;
  std::atomic<bool> stopping = false;
  std::atomic<uint64_t> cut_off = 0;
  std::atomic<uint64_t> refusals = 0;
  WorkerPool pool;

  // Runs the function on the I/O thread; drops it when that has ended.
  template <class Function>
  void post(Function function) {
    MutexLock lock(mutex);
    if (!finished) boost::asio::post(io, std::move(function));
  }
  // After the I/O thread has ended: what was posted behind its back runs here, nothing does later.
  void finish() {
    {
      MutexLock lock(mutex);
      finished = true;
    }
    io.restart();
    io.poll();
  }

  void remove(const std::shared_ptr<Peer>& connection) {
    table.remove(*connection);
    refused.erase(connection);
    if (stopping && quiet()) stop_timer.cancel();
  }
  [[nodiscard]] bool quiet() const { return table.empty() && refused.empty(); }

  // Over the memory budget: the I/O thread cuts off the slowest, once for many who ask.
  void ask_relief() {
    if (!relief_asked.exchange(true)) post([this] { relieve(); });
  }
  void relieve();

  std::atomic<bool> relief_asked = false;
  Mutex mutex;
  bool finished GUARDED_BY(mutex) = false;
};

}  // namespace base::http
