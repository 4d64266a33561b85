#include "tests/support/remote_api.h"

#include <cstring>
#include <memory>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"

namespace tests {

using base::Code;
using kube::Json;

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

bool send_line(int connection, const Json& message) {
  const std::string text = message.dump() + "\n";
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

class LineReader {
 public:
  explicit LineReader(int connection) : connection_(connection) {}
  std::optional<Json> next() {
    while (true) {
      const size_t end = buffer_.find('\n');
      if (end != std::string::npos) {
        Json message = Json::parse(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        return message;
      }
      char part[65536];
      const ssize_t n = ::recv(connection_, part, sizeof part, 0);
      if (n <= 0) return std::nullopt;
      buffer_.append(part, static_cast<size_t>(n));
    }
  }

 private:
  int connection_;
  std::string buffer_;
};

int connect_to(const std::string& path) {
  const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(path);
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return connection;
  ::close(connection);
  return -1;
}

Json type_json(const kube::ResourceType& type) {
  return {type.group, type.version, type.plural, type.kind, type.namespaced};
}

std::string text_at(const Json& object, const char* key) {
  return object[key].get<std::string>();
}

kube::ResourceType type_of(const Json& question) {
  const Json& type = question["type"];
  return {type[0].get<std::string>(), type[1].get<std::string>(), type[2].get<std::string>(),
          type[3].get<std::string>(), type[4].get<bool>()};
}

kube::ObjectKey key_of(const Json& question) {
  return {text_at(question, "ns"), text_at(question, "name")};
}

Json error_json(const base::Error& error) {
  return {{"code", static_cast<int>(error.code)}, {"message", error.message}};
}

Json answer_of(const base::Result<Json>& result) {
  if (!result) return {{"error", error_json(result.error())}};
  return {{"object", *result}};
}

base::Error error_of(const Json& error) {
  return {.code = static_cast<Code>(error["code"].get<int>()),
          .message = text_at(error, "message")};
}

class RemoteWatch final : public kube::Watch {
 public:
  explicit RemoteWatch(int connection) : connection_(connection), lines_(connection) {}
  ~RemoteWatch() override { ::close(connection_); }
  base::Result<std::optional<kube::WatchEvent>> next() override {
    const auto line = lines_.next();
    if (cancelled_) return base::failure(Code::Cancelled, "cancelled");
    if (!line) return std::nullopt;
    return kube::WatchEvent{
        .type = static_cast<kube::WatchEvent::Type>((*line)["type"].get<int>()),
        .object = kube::PackedObject(std::make_shared<const Json>((*line)["object"])),
        .problem = {}};
  }
  void cancel() override {
    cancelled_ = true;
    ::shutdown(connection_, SHUT_RDWR);
  }

 private:
  const int connection_;
  LineReader lines_;
  std::atomic<bool> cancelled_{false};
};

Json perform(kube::Api& api, const Json& question) {
  const std::string verb = text_at(question, "verb");
  const kube::ResourceType type = type_of(question);
  if (verb == "get") return answer_of(api.get(type, key_of(question)));
  if (verb == "create") return answer_of(api.create(type, question["object"]));
  if (verb == "update") return answer_of(api.update(type, question["object"], ""));
  if (verb == "patch")
    return answer_of(api.patch(type, key_of(question), kube::PatchType::MergePatch,
                               question["object"],
                               {.subresource = text_at(question, "subresource")}));
  if (verb == "list") {
    const auto list = api.list(type, {.ns = text_at(question, "ns")});
    if (!list) return {{"error", error_json(list.error())}};
    return {{"object", {{"items", list->items}, {"version", list->resource_version}}}};
  }
  kube::DeleteOptions options{.uid = text_at(question, "uid")};
  const auto grace = question["grace"].get<int64_t>();
  if (grace >= 0) options.grace_period = std::chrono::seconds(grace);
  const auto removed = api.remove(type, key_of(question), options);
  if (!removed) return {{"error", error_json(removed.error())}};
  return {{"object", nullptr}};
}

}  // namespace

base::Result<Json> RemoteApi::ask(const Json& question) {
  const int connection = connect_to(socket_);
  if (connection < 0) return base::failure(Code::Unavailable, "connect to the test's API");
  send_line(connection, question);
  LineReader lines(connection);
  auto answer = lines.next();
  ::close(connection);
  if (!answer) return base::failure(Code::Unavailable, "no answer of the test's API");
  if (answer->contains("error")) return base::failure(error_of((*answer)["error"]));
  return (*answer)["object"];
}

base::Result<Json> RemoteApi::get(const kube::ResourceType& type, const kube::ObjectKey& key) {
  return ask({{"verb", "get"}, {"type", type_json(type)}, {"ns", key.ns}, {"name", key.name}});
}

base::Result<kube::ObjectList> RemoteApi::list(const kube::ResourceType& type,
                                               const kube::ListOptions& options) {
  ASSIGN_OR_RETURN(Json answer,
                   ask(Json{{"verb", "list"}, {"type", type_json(type)}, {"ns", options.ns}}));
  return kube::ObjectList{.items = answer["items"].get<std::vector<Json>>(),
                          .resource_version = text_at(answer, "version")};
}

base::Result<std::unique_ptr<kube::Watch>> RemoteApi::watch(const kube::ResourceType& type,
                                                            const kube::ListOptions& options) {
  if (options.resource_version.empty())
    return base::failure(Code::InvalidArgument, "sendInitialEvents: Forbidden");
  const int connection = connect_to(socket_);
  if (connection < 0) return base::failure(Code::Unavailable, "connect to the test's API");
  send_line(connection, {{"verb", "watch"},
                         {"type", type_json(type)},
                         {"ns", options.ns},
                         {"version", options.resource_version}});
  return std::make_unique<RemoteWatch>(connection);
}

base::Result<Json> RemoteApi::create(const kube::ResourceType& type, const Json& object) {
  return ask({{"verb", "create"}, {"type", type_json(type)}, {"object", object}});
}

base::Result<Json> RemoteApi::update(const kube::ResourceType& type, const Json& object,
                                     std::string_view) {
  return ask({{"verb", "update"}, {"type", type_json(type)}, {"object", object}});
}

base::Result<Json> RemoteApi::patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                    kube::PatchType, const Json& patch,
                                    const kube::PatchOptions& options) {
  return ask({{"verb", "patch"},
              {"type", type_json(type)},
              {"ns", key.ns},
              {"name", key.name},
              {"object", patch},
              {"subresource", options.subresource}});
}

base::Status RemoteApi::remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                               const kube::DeleteOptions& options) {
  const auto removed = ask({{"verb", "remove"},
                            {"type", type_json(type)},
                            {"ns", key.ns},
                            {"name", key.name},
                            {"uid", options.uid},
                            {"grace", options.grace_period ? options.grace_period->count() : -1}});
  if (!removed) return base::failure(removed.error());
  return {};
}

ApiPort::ApiPort(kube::Api& api, const std::string& socket)
    : api_(api), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_un address = address_of(socket);
  CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  CHECK(::listen(listener_, 64) == 0);
  acceptor_ = std::thread([this] { accept(); });
}

ApiPort::~ApiPort() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    for (kube::Watch* watch : watches_)
      watch->cancel();
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  std::list<std::thread> workers;
  {
    base::MutexLock lock(mutex_);
    workers.swap(workers_);
  }
  for (std::thread& worker : workers)
    worker.join();
}

void ApiPort::accept() {
  while (true) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    base::MutexLock lock(mutex_);
    workers_.emplace_back([this, connection] { serve(connection); });
  }
}

void ApiPort::serve(int connection) {
  LineReader lines(connection);
  if (const auto question = lines.next()) {
    if (text_at(*question, "verb") == "watch") {
      serve_watch(connection, *question);
    } else {
      send_line(connection, perform(api_, *question));
    }
  }
  ::close(connection);
}

void ApiPort::serve_watch(int connection, const Json& question) {
  auto watch = api_.watch(type_of(question), {.ns = text_at(question, "ns"),
                                              .resource_version = text_at(question, "version")});
  if (!watch) return;
  std::list<kube::Watch*>::iterator place;
  {
    base::MutexLock lock(mutex_);
    if (stopping_) return;
    place = watches_.insert(watches_.end(), watch->get());
  }
  while (true) {
    const auto event = (*watch)->next();
    if (!event || !*event ||
        !send_line(connection, {{"type", static_cast<int>((*event)->type)},
                                {"object", *(*event)->object.object()}}))
      break;
  }
  base::MutexLock lock(mutex_);
  watches_.erase(place);
}

}  // namespace tests
