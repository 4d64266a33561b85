// Measures the embedded API server over real sockets: creates and status patches per second with
// several writers, the latency of one event to a thousand watchers, the size of the file after many
// writes, and the time to open it again.
//
//   bench_apiserver [WRITES] [WRITERS] [WATCHERS]      default 20000 16 1000

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

Running start(const std::string& path) {
  auto api = kube::server::ApiServer::open({.path = path, .tokens = {kToken}});
  CHECK(api);
  auto http = base::http::Server::listen({.worker_threads = 16}, (*api)->handler());
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

template <class Work>
double in_parallel(const Running& running, int writers, int writes, const Work& work) {
  std::atomic<int> next = 0;
  const auto began = steady_clock::now();
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&] {
      const auto client = connect(running);
      for (int i = next++; i < writes; i = next++)
        work(*client, i);
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  return writes / seconds_since(began);
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

// Until every watcher has got something that ends in a line.
void await_all(std::vector<pollfd>& sockets) {
  std::vector<bool> told(sockets.size());
  size_t left = sockets.size();
  std::string buffer(65536, '\0');
  while (left > 0) {
    CHECK(::poll(sockets.data(), sockets.size(), 60'000) > 0);
    for (size_t i = 0; i < sockets.size(); ++i) {
      if (!(sockets[i].revents & POLLIN)) continue;
      const ssize_t got = ::recv(sockets[i].fd, buffer.data(), buffer.size(), 0);
      CHECK(got > 0);
      const std::string_view text(buffer.data(), static_cast<size_t>(got));
      if (!told[i] && text.find("\"type\":") != std::string_view::npos) {
        told[i] = true;
        --left;
      }
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
  std::printf("%-46s %10.1f ms (median), %.1f ms (worst)\n",
              ("patch to the last of " + std::to_string(watchers) + " watchers").c_str(),
              times[times.size() / 2], times.back());
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
  raise_file_limit();
  const auto folder =
      std::filesystem::temp_directory_path() / ("bench-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "state.db").string();
  {
    const Running running = start(path);
    const double creates = in_parallel(running, writers, writes, [](auto& client, int i) {
      CHECK(send(client, "POST", kCollection, config_map("n" + std::to_string(i)),
                 "application/json") == 201);
    });
    std::printf("%-46s %10.0f /s\n", ("creates, " + std::to_string(writers) + " writers").c_str(),
                creates);
    const double patches = in_parallel(running, writers, writes, [](auto& client, int i) {
      CHECK(send(client, "PATCH", std::string(kCollection) + "/n" + std::to_string(i % 1000),
                 {{"data", {{"i", std::to_string(i)}}}}, "application/merge-patch+json") == 200);
    });
    std::printf("%-46s %10.0f /s\n",
                ("merge patches, " + std::to_string(writers) + " writers").c_str(), patches);
    measure_watches(running, watchers);
    running.api->begin_stop();
  }
  std::printf("%-46s %10.1f MB\n", ("file after " + std::to_string(2 * writes) + " writes").c_str(),
              static_cast<double>(std::filesystem::file_size(path)) / 1e6);
  const auto began = steady_clock::now();
  start(path);
  std::printf("%-46s %10.0f ms\n", "open again", seconds_since(began) * 1000);
  std::filesystem::remove_all(folder);
}
