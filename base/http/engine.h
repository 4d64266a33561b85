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
        pool(options.worker_threads, options.max_queued_requests) {}

  const ServerOptions options;
  const Handler handler;
  boost::asio::io_context io{1};
  boost::asio::steady_timer stop_timer{io};
  std::unique_ptr<TlsContext> tls;
  std::unordered_set<std::shared_ptr<Peer>> connections;
  std::atomic<bool> stopping = false;
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
    connections.erase(connection);
    if (stopping && connections.empty()) stop_timer.cancel();
  }

  Mutex mutex;
  bool finished GUARDED_BY(mutex) = false;
};

}  // namespace base::http
