#pragma once

// InMemoryApi: the API server without sockets: requests go straight to its handler, answers are
// collected. Streams (watches, logs) can be awaited line by line.

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "kube/server/api_server.h"
#include "tests/support/fake_clock.h"

namespace tests {

class FakeStream final : public base::http::Stream {
 public:
  bool write(std::shared_ptr<const std::string> data) override;
  void close() override;
  [[nodiscard]] bool closed() const override;
  void on_close(std::function<void()> callback) override;

  // Blocks until so many events (lines) have come; gives all that are there.
  std::vector<nlohmann::json> await(size_t count);
  // Blocks until what was written ends with this.
  void await_text(const std::string& end);
  // Blocks until the stream is closed; gives everything written to it.
  std::string await_end();

 private:
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::string text_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> callbacks_ GUARDED_BY(mutex_);
};

struct Answer {
  int status = 0;
  base::http::Headers headers;
  nlohmann::json body;
  std::string text;
  std::shared_ptr<FakeStream> stream;  // of a watch or a log
  bool websocket = false;
};

struct Ask {
  std::string method = "GET";
  std::string target;  // path and query, not encoded
  nlohmann::json body = nullptr;
  std::string content_type = "application/json";
  std::string accept = {};
  std::string token = "secret";
  bool websocket = false;
  std::string raw_body = {};
};

class InMemoryApi {
 public:
  // `path` of the SQLite file; the options' path and clock are set here, and a token if
  // there is none.
  explicit InMemoryApi(const std::string& path = ":memory:",
                       kube::server::ApiServerOptions options = {});
  Answer ask(const Ask& ask);
  Answer get(const std::string& target) { return ask({.target = target}); }
  Answer post(const std::string& target, nlohmann::json body) {
    return ask({.method = "POST", .target = target, .body = std::move(body)});
  }
  Answer put(const std::string& target, nlohmann::json body) {
    return ask({.method = "PUT", .target = target, .body = std::move(body)});
  }
  Answer merge(const std::string& target, nlohmann::json patch) {
    return ask({.method = "PATCH",
                .target = target,
                .body = std::move(patch),
                .content_type = "application/merge-patch+json"});
  }
  Answer remove(const std::string& target, nlohmann::json options = nullptr) {
    return ask({.method = "DELETE", .target = target, .body = std::move(options)});
  }
  // Waits until the target answers with this status.
  void await_status(const std::string& target, int status);
  void install_widgets();
  // Makes their definition stricter: no size above this.
  void limit_widgets_to(int size);

  FakeClock clock;
  std::unique_ptr<kube::server::ApiServer> server;
};

// Collections of the test's custom resource and of config maps, in the namespace default.
inline constexpr const char* kWidgets = "/apis/demo.example.com/v1/namespaces/default/widgets";
inline constexpr const char* kConfigMaps = "/api/v1/namespaces/default/configmaps";
nlohmann::json widget(const std::string& name, int size = 1);
nlohmann::json config_map(const std::string& name, nlohmann::json data = nlohmann::json::object());
nlohmann::json widget_definition();

}  // namespace tests
