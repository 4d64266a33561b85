#include "tests/unit/kube/server/support/in_memory_api.h"

#include "tests/support/catch.h"

namespace tests {
namespace {

using base::http::Request;
using base::http::Responder;
using base::http::Response;
using base::http::Stream;
using nlohmann::json;

class FakeResponder final : public Responder {
 public:
  FakeResponder(Answer& answer, bool websocket) : answer_(answer), websocket_(websocket) {}
  void send(Response response) override {
    answer_.status = response.status;
    answer_.headers = std::move(response.headers);
    answer_.text = std::move(response.body);
    answer_.body = json::parse(answer_.text, nullptr, false);
  }
  std::shared_ptr<Stream> stream(int status, base::http::Headers headers) override {
    answer_.status = status;
    answer_.headers = std::move(headers);
    return answer_.stream = std::make_shared<FakeStream>();
  }
  [[nodiscard]] bool wants_websocket() const override { return websocket_; }
  std::shared_ptr<Stream> accept_websocket() override {
    answer_.status = 101;
    answer_.websocket = true;
    return answer_.stream = std::make_shared<FakeStream>();
  }

 private:
  Answer& answer_;
  const bool websocket_;
};

Request request_of(const Ask& ask) {
  Request request{
      .method = ask.method, .path = {}, .query = {}, .headers = {}, .body = {}, .peer = {}};
  const size_t mark = ask.target.find('?');
  request.path = ask.target.substr(0, mark);
  std::string query = mark == std::string::npos ? "" : ask.target.substr(mark + 1);
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string part = query.substr(0, end);
    const size_t equals = part.find('=');
    request.query.emplace_back(part.substr(0, equals),
                               equals == std::string::npos ? "" : part.substr(equals + 1));
    query = end == std::string::npos ? "" : query.substr(end + 1);
  }
  if (!ask.token.empty()) request.headers.add("Authorization", "Bearer " + ask.token);
  if (!ask.accept.empty()) request.headers.add("Accept", ask.accept);
  request.headers.add("User-Agent", "test/1");
  request.body = !ask.raw_body.empty() ? ask.raw_body : ask.body.is_null() ? "" : ask.body.dump();
  if (!request.body.empty()) request.headers.add("Content-Type", ask.content_type);
  return request;
}

kube::server::ApiServerOptions complete(kube::server::ApiServerOptions options,
                                        const std::string& path, base::Clock& clock) {
  options.path = path;
  if (options.tokens.empty()) options.tokens = {"secret"};
  options.clock = &clock;
  options.durability = base::sqlite::Durability::Normal;
  return options;
}

}  // namespace

bool FakeStream::write(std::shared_ptr<const std::string> data) {
  const base::MutexLock lock(mutex_);
  if (closed_) return false;
  text_ += *data;
  changed_.notify_all();
  return true;
}

void FakeStream::close() {
  std::vector<std::function<void()>> callbacks;
  {
    const base::MutexLock lock(mutex_);
    closed_ = true;
    callbacks.swap(callbacks_);
    changed_.notify_all();
  }
  for (const auto& callback : callbacks)
    callback();
}

bool FakeStream::closed() const {
  const base::MutexLock lock(mutex_);
  return closed_;
}

void FakeStream::on_close(std::function<void()> callback) {
  {
    const base::MutexLock lock(mutex_);
    if (!closed_) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

std::vector<json> FakeStream::await(size_t count) {
  base::MutexLock lock(mutex_);
  while (std::count(text_.begin(), text_.end(), '\n') < static_cast<std::ptrdiff_t>(count)) {
    changed_.wait(lock);
  }
  std::vector<json> events;
  for (size_t from = 0; from < text_.size();) {
    const size_t end = text_.find('\n', from);
    events.push_back(json::parse(text_.substr(from, end - from)));
    from = end + 1;
  }
  return events;
}

void FakeStream::await_text(const std::string& end) {
  base::MutexLock lock(mutex_);
  while (!text_.ends_with(end))
    changed_.wait(lock);
}

std::string FakeStream::await_end() {
  base::MutexLock lock(mutex_);
  while (!closed_)
    changed_.wait(lock);
  return text_;
}

InMemoryApi::InMemoryApi(const std::string& path, kube::server::ApiServerOptions options) {
  auto opened = kube::server::ApiServer::open(complete(std::move(options), path, clock));
  INFO((opened ? "" : opened.error().message));
  REQUIRE(opened);
  server = std::move(*opened);
}

Answer InMemoryApi::ask(const Ask& ask) {
  Answer answer;
  server->handler()(request_of(ask), std::make_shared<FakeResponder>(answer, ask.websocket));
  return answer;
}

void InMemoryApi::await_status(const std::string& target, int status) {
  while (get(target).status != status)
    std::this_thread::yield();
}

void InMemoryApi::install_widgets() {
  const Answer created =
      post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widget_definition());
  INFO(created.text);
  REQUIRE(created.status == 201);
}

void InMemoryApi::limit_widgets_to(int size) {
  const std::string path =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.demo.example.com";
  json definition = get(path).body;
  for (json& version : definition["spec"]["versions"]) {
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"] = {
        {"type", "integer"}, {"maximum", size}};
  }
  REQUIRE(put(path, definition).status == 200);
}

json widget(const std::string& name, int size) {
  return {{"apiVersion", "demo.example.com/v1"},
          {"kind", "Widget"},
          {"metadata", {{"name", name}}},
          {"spec", {{"size", size}}}};
}

json config_map(const std::string& name, json data) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}}},
          {"data", std::move(data)}};
}

json widget_definition() {
  return json::parse(R"({
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.demo.example.com"},
    "spec": {
      "group": "demo.example.com", "scope": "Namespaced",
      "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
      "versions": [{
        "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".spec.policy"}],
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
          "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 0},
            "policy": {"type": "string", "enum": ["Allow", "Forbid"], "default": "Allow"}}},
          "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}
      }]
    }})");
}

}  // namespace tests
