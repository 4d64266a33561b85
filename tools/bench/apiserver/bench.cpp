// Measures the embedded API server over real sockets, durable as standalone is: creates and patches
// per second and how long one takes, with one writer and with many; the latency of one event to a
// thousand watchers and the events per second that they get; the size of the file after many
// writes; the time to open it again.
//
//   bench_apiserver [WRITES] [WRITERS] [WATCHERS] [WORKERS]      default 20000 16 1000 16
//
// WORKERS are the threads of the HTTP server: as many writes can wait for one fsync.

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "kube/server/api_server.h"

namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

constexpr const char* kToken = "benchmark";
constexpr const char* kCollection = "/api/v1/namespaces/default/configmaps";

double seconds_since(steady_clock::time_point from) {
  return duration<double>(steady_clock::now() - from).count();
}

struct Running {
  std::unique_ptr<kube::server::ApiServer> api;
  std::unique_ptr<base::http::Server> http;
};

Running start(const std::string& path, size_t workers) {
  auto api = kube::server::ApiServer::open({.path = path, .tokens = {kToken}});
  CHECK(api);
  auto http = base::http::Server::listen({.worker_threads = workers}, (*api)->handler());
  CHECK(http);
  return {.api = std::move(*api), .http = std::move(*http)};
}

std::unique_ptr<base::http::Client> connect(const Running& running) {
  auto client = base::http::Client::create(
      {.base_url = "http://127.0.0.1:" + std::to_string(running.http->port()),
       .bearer_token = [] { return std::string(kToken); }});
  CHECK(client);
  return std::move(*client);
}

int send(base::http::Client& client, const char* method, const std::string& path,
         const nlohmann::json& body, const char* type) {
  base::http::Request request;
  request.method = method;
  request.path = path;
  request.headers.add("Content-Type", type);
  request.body = body.dump();
  const auto answer = client.send(request);
  return answer ? answer->status : 0;
}

nlohmann::json config_map(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"labels", {{"app", "bench"}}}}},
          {"data", {{"payload", std::string(1024, 'x')}}}};
}

void report(const std::string& what, double value, const char* unit) {
  std::printf("%-46s %10.1f %s\n", what.c_str(), value, unit);
}

template <class Work>
void in_parallel(const std::string& what, const Running& running, int writers, int writes,
                 const Work& work) {
  std::atomic<int> next = 0;
  std::vector<double> times(static_cast<size_t>(writes));
  const auto began = steady_clock::now();
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&] {
      const auto client = connect(running);
      for (int i = next++; i < writes; i = next++) {
        const auto start = steady_clock::now();
        work(*client, i);
        times[static_cast<size_t>(i)] = seconds_since(start) * 1000;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  const std::string name = what + ", " + std::to_string(writers) + " writers";
  report(name, writes / seconds_since(began), "/s");
  std::sort(times.begin(), times.end());
  report(name + ": median", times[times.size() / 2], "ms");
  report(name + ": p99", times[times.size() * 99 / 100], "ms");
}

// A watch over a plain socket, so that one thread can hold a thousand.
int open_watch(const Running& running) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(running.http->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const std::string request = std::string("GET ") + kCollection +
                              "?watch=true&fieldSelector=metadata.name%3Dtold HTTP/1.1\r\nHost: "
                              "x\r\nAuthorization: Bearer " +
                              kToken + "\r\n\r\n";
  CHECK(::send(socket, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  return socket;
}

// Until every watcher has got so many events.
void await_all(std::vector<pollfd>& sockets, int events = 1) {
  std::vector<int> told(sockets.size());
  size_t left = sockets.size();
  std::string buffer(65536, '\0');
  while (left > 0) {
    CHECK(::poll(sockets.data(), sockets.size(), 60'000) > 0);
    for (size_t i = 0; i < sockets.size(); ++i) {
      if (!(sockets[i].revents & POLLIN)) continue;
      const ssize_t got = ::recv(sockets[i].fd, buffer.data(), buffer.size(), 0);
      CHECK(got > 0);
      // An event is one line that ends in "}\n"; nothing else of the stream does.
      const std::string_view text(buffer.data(), static_cast<size_t>(got));
      const bool before = told[i] >= events;
      for (size_t at = text.find("}\n"); at != std::string_view::npos;
           at = text.find("}\n", at + 1))
        ++told[i];
      if (!before && told[i] >= events) --left;
    }
  }
}

void measure_watches(const Running& running, int watchers) {
  const auto client = connect(running);
  CHECK(send(*client, "POST", kCollection, config_map("told"), "application/json") == 201);
  std::vector<pollfd> sockets;
  for (int i = 0; i < watchers; ++i) {
    sockets.push_back({.fd = open_watch(running), .events = POLLIN, .revents = 0});
  }
  await_all(sockets);
  std::vector<double> times;
  for (int round = 0; round < 20; ++round) {
    const auto began = steady_clock::now();
    CHECK(send(*client, "PATCH", std::string(kCollection) + "/told",
               {{"data", {{"round", std::to_string(round)}}}},
               "application/merge-patch+json") == 200);
    await_all(sockets);
    times.push_back(seconds_since(began) * 1000);
  }
  std::sort(times.begin(), times.end());
  const std::string name = "patch to the last of " + std::to_string(watchers) + " watchers";
  report(name + ": median", times[times.size() / 2], "ms");
  report(name + ": worst", times.back(), "ms");
  constexpr int kEvents = 200;
  const auto began = steady_clock::now();
  std::thread writer([&running] {
    const auto patching = connect(running);
    for (int i = 0; i < kEvents; ++i)
      CHECK(send(*patching, "PATCH", std::string(kCollection) + "/told",
                 {{"data", {{"event", std::to_string(i)}}}},
                 "application/merge-patch+json") == 200);
  });
  await_all(sockets, kEvents);
  report("events to " + std::to_string(watchers) + " watchers",
         kEvents * watchers / seconds_since(began), "/s");
  writer.join();
  for (const pollfd& socket : sockets)
    ::close(socket.fd);
}

int argument(int argc, char** argv, int index, int otherwise) {
  if (argc <= index) return otherwise;
  const std::string_view text = argv[index];
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  const int writes = argument(argc, argv, 1, 20'000);
  const int writers = argument(argc, argv, 2, 16);
  const int watchers = argument(argc, argv, 3, 1'000);
  const auto workers = static_cast<size_t>(argument(argc, argv, 4, 16));
  raise_file_limit();
  const auto folder =
      std::filesystem::temp_directory_path() / ("bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "state.db").string();
  {
    const Running running = start(path, workers);
    const auto create = [](const std::string& prefix) {
      return [prefix](base::http::Client& client, int i) {
        CHECK(send(client, "POST", kCollection, config_map(prefix + std::to_string(i)),
                   "application/json") == 201);
      };
    };
    in_parallel("creates", running, 1, std::min(writes, 1000), create("a"));
    in_parallel("creates", running, writers, writes, create("n"));
    in_parallel("merge patches", running, writers, writes, [](base::http::Client& client, int i) {
      CHECK(send(client, "PATCH", std::string(kCollection) + "/n" + std::to_string(i % 1000),
                 {{"data", {{"i", std::to_string(i)}}}}, "application/merge-patch+json") == 200);
    });
    measure_watches(running, watchers);
    running.api->begin_stop();
  }
  report("file after " + std::to_string(2 * writes) + " writes",
         static_cast<double>(std::filesystem::file_size(path)) / 1e6, "MB");
  const auto began = steady_clock::now();
  start(path, workers);
  report("open again", seconds_since(began) * 1000, "ms");
  std::filesystem::remove_all(folder);
}
