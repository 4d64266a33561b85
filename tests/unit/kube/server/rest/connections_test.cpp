// The two ways to the API: over HTTP and in the process. Every answer of one is the answer of the
// other, down to the text of an error.

#include "tests/unit/kube/server/support/connections.h"

#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "kube/controller.h"
#include "kube/informer.h"
#include "tests/support/catch.h"

namespace {

using base::Code;
using kube::Api;
using kube::Json;
using kube::PatchType;
using kube::ResourceType;
using tests::config_map;
using tests::Connection;
using tests::InMemoryApi;
using tests::Transport;
using tests::widget;
using namespace std::chrono_literals;

const ResourceType kWidget{"demo.example.com", "v1", "widgets", "Widget", true};
const ResourceType kMap{"", "v1", "configmaps", "ConfigMap", true};
const ResourceType kBinding{"", "v1", "bindings", "Binding", true};
const ResourceType kReview{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview",
                           false};
const ResourceType kNothing{"no.example.com", "v1", "nothings", "Nothing", true};

Json in_default(Json object) {
  object["metadata"]["namespace"] = "default";
  return object;
}

Json pod() {
  return in_default({{"apiVersion", "v1"},
                     {"kind", "Pod"},
                     {"metadata", {{"name", "p"}}},
                     {"spec", {{"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}}}});
}

Json nested(int levels) {
  Json value = 1;
  for (int i = 0; i < levels; ++i)
    value = Json{{"x", std::move(value)}};
  return value;
}

// What two servers choose differently.
Json comparable(Json object) {
  if (object.is_object() && object.contains("metadata") && object["metadata"].contains("uid"))
    object["metadata"]["uid"] = "uid";
  return object;
}

Json error_of(const base::Error& error) {
  static const std::regex uid("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  return {{"code", base::to_string(error.code)},
          {"message", std::regex_replace(error.message, uid, "uid")},
          {"retry_after", error.retry_after.count()}};
}

Json told(const base::Result<Json>& result) {
  return result ? comparable(*result) : error_of(result.error());
}

Json told(const base::Status& status) {
  return status ? Json("done") : error_of(status.error());
}

Json told(const base::Result<kube::ObjectList>& list) {
  if (!list) return error_of(list.error());
  Json items = Json::array();
  for (const Json& item : list->items)
    items.push_back(comparable(item));
  return {{"items", items},
          {"version", list->resource_version},
          {"unreadable", list->unreadable.size()}};
}

struct Step {
  const char* name;
  std::function<Json(Api&)> act;
};

Json merge(Api& api, const ResourceType& type, const char* name, const Json& patch,
           const kube::PatchOptions& options = {}) {
  return told(api.patch(type, {"default", name}, PatchType::MergePatch, patch, options));
}

// Each step finds what the steps before it have left.
std::vector<Step> steps() {
  return {
      {"get of nothing", [](Api& api) { return told(api.get(kMap, {"default", "a"})); }},
      {"create", [](Api& api) { return told(api.create(kMap, in_default(config_map("a")))); }},
      {"create with text that is not UTF-8",
       [](Api& api) {
         return told(api.create(kMap, in_default(config_map("torn", {{"k", "a\xe2\x82"}}))));
       }},
      {"patch with text that is not UTF-8, which changes nothing",
       [](Api& api) {
         return told(api.patch(kMap, {"default", "torn"}, PatchType::MergePatch,
                               {{"data", {{"k", "a\xe2\x82"}}}}));
       }},
      {"remove what was torn",
       [](Api& api) { return told(api.remove(kMap, {"default", "torn"})); }},
      {"create again",
       [](Api& api) { return told(api.create(kMap, in_default(config_map("a")))); }},
      {"create without a namespace",
       [](Api& api) { return told(api.create(kMap, config_map("b"))); }},
      {"create in a namespace that is not there",
       [](Api& api) {
         Json object = config_map("b");
         object["metadata"]["namespace"] = "absent";
         return told(api.create(kMap, object));
       }},
      {"create under a name that is none",
       [](Api& api) { return told(api.create(kMap, in_default(config_map("A_b")))); }},
      {"create of the wrong kind",
       [](Api& api) { return told(api.create(kMap, in_default(widget("b")))); }},
      {"create of what is no object", [](Api& api) { return told(api.create(kMap, Json(7))); }},
      {"create of an unknown kind",
       [](Api& api) { return told(api.create(kNothing, in_default(config_map("b")))); }},
      {"create that the schema refuses",
       [](Api& api) { return told(api.create(kWidget, in_default(widget("w", -1)))); }},
      {"create with a default",
       [](Api& api) { return told(api.create(kWidget, in_default(widget("w")))); }},
      {"create with an unknown field",
       [](Api& api) {
         Json object = in_default(widget("v"));
         object["spec"]["colour"] = "red";
         return told(api.create(kWidget, object));
       }},
      {"create that is nested too deep",
       [](Api& api) {
         Json answers = Json::array();
         for (int levels = 50; levels < 70; ++levels) {
           Json object = in_default(widget("deep" + std::to_string(levels)));
           object["status"]["x"] = nested(levels);
           answers.push_back(told(api.create(kWidget, object)));
         }
         return answers;
       }},
      {"create over the size",
       [](Api& api) {
         return told(api.create(
             kMap, in_default(config_map("big", {{"x", std::string(size_t{1600} << 10, 'x')}}))));
       }},
      {"get", [](Api& api) { return told(api.get(kMap, {"default", "a"})); }},
      {"get under a name that is no address",
       [](Api& api) { return told(api.get(kMap, {"default", "a/b"})); }},
      {"update of an old version",
       [](Api& api) {
         Json object = api.get(kMap, {"default", "a"}).value();
         object["metadata"]["resourceVersion"] = "1";
         return told(api.update(kMap, object));
       }},
      {"update without a version",
       [](Api& api) { return told(api.update(kWidget, in_default(widget("w", 2)))); }},
      {"update",
       [](Api& api) {
         Json object = api.get(kWidget, {"default", "w"}).value();
         object["spec"]["size"] = 3;
         return told(api.update(kWidget, object));
       }},
      {"update of the status",
       [](Api& api) {
         Json object = api.get(kWidget, {"default", "w"}).value();
         object["spec"]["size"] = 4;
         object["status"]["ready"] = true;
         return told(api.update(kWidget, object, "status"));
       }},
      {"update of a status that is none",
       [](Api& api) {
         return told(api.update(kMap, api.get(kMap, {"default", "a"}).value(), "status"));
       }},
      {"merge patch", [](Api& api) { return merge(api, kMap, "a", {{"data", {{"k", "v"}}}}); }},
      {"merge patch that changes nothing",
       [](Api& api) { return merge(api, kMap, "a", {{"data", {{"k", "v"}}}}); }},
      {"merge patch of the status",
       [](Api& api) {
         return merge(api, kWidget, "w", {{"status", {{"n", 1}}}}, {.subresource = "status"});
       }},
      {"merge patch under an old version",
       [](Api& api) { return merge(api, kMap, "a", {{"metadata", {{"resourceVersion", "1"}}}}); }},
      {"strategic patch",
       [](Api& api) {
         return told(api.patch(kMap, {"default", "a"}, PatchType::StrategicMerge,
                               {{"data", {{"s", "t"}}}}));
       }},
      {"strategic patch of a custom resource",
       [](Api& api) {
         return told(api.patch(kWidget, {"default", "w"}, PatchType::StrategicMerge,
                               {{"spec", {{"size", 1}}}}));
       }},
      {"JSON patch that does not apply",
       [](Api& api) {
         return told(api.patch(kMap, {"default", "a"}, PatchType::JsonPatch,
                               Json::array({{{"op", "remove"}, {"path", "/data/none"}}})));
       }},
      {"apply",
       [](Api& api) {
         return told(api.patch(kMap, {"default", "applied"}, PatchType::Apply,
                               in_default(config_map("applied", {{"x", "1"}})),
                               {.field_manager = "one"}));
       }},
      {"apply of what another manages",
       [](Api& api) {
         return told(api.patch(kMap, {"default", "applied"}, PatchType::Apply,
                               in_default(config_map("applied", {{"x", "2"}})),
                               {.field_manager = "two"}));
       }},
      {"apply by force",
       [](Api& api) {
         return told(api.patch(kMap, {"default", "applied"}, PatchType::Apply,
                               in_default(config_map("applied", {{"x", "2"}})),
                               {.field_manager = "two", .force = true}));
       }},
      {"list", [](Api& api) { return told(api.list(kMap, {.ns = "default"})); }},
      {"list of everywhere", [](Api& api) { return told(api.list(kMap, {})); }},
      {"list of versions",
       [](Api& api) {
         return told(api.list(kMap, {.content = kube::ListOptions::Content::Versions}));
       }},
      {"list of versions of what has no namespace",
       [](Api& api) {
         return told(
             api.list(kube::namespaces(), {.content = kube::ListOptions::Content::Versions}));
       }},
      {"list of one by name",
       [](Api& api) { return told(api.list(kMap, {.field_selector = "metadata.name=a"})); }},
      {"list by labels", [](Api& api) { return told(api.list(kMap, {.label_selector = "x=y"})); }},
      {"list with a limit", [](Api& api) { return told(api.list(kMap, {.limit = 1})); }},
      {"list by a selector that is none",
       [](Api& api) { return told(api.list(kMap, {.label_selector = "a in"})); }},
      {"list by a field that none can ask for",
       [](Api& api) { return told(api.list(kMap, {.field_selector = "data.x=1"})); }},
      {"list of the future",
       [](Api& api) { return told(api.list(kMap, {.resource_version = "999999"})); }},
      {"list of an unknown kind", [](Api& api) { return told(api.list(kNothing, {})); }},
      {"create of a pod", [](Api& api) { return told(api.create(kube::pods(), pod())); }},
      {"binding",
       [](Api& api) {
         return told(api.create(kBinding, in_default({{"apiVersion", "v1"},
                                                      {"kind", "Binding"},
                                                      {"metadata", {{"name", "p"}}},
                                                      {"target", {{"name", "node"}}}})));
       }},
      {"second binding",
       [](Api& api) {
         return told(api.create(kBinding, in_default({{"apiVersion", "v1"},
                                                      {"kind", "Binding"},
                                                      {"metadata", {{"name", "p"}}},
                                                      {"target", {{"name", "node"}}}})));
       }},
      {"who am I",
       [](Api& api) {
         return told(api.create(
             kReview, {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}}));
       }},
      {"remove of another's",
       [](Api& api) { return told(api.remove(kMap, {"default", "a"}, {.uid = "other"})); }},
      {"remove of an old version",
       [](Api& api) {
         return told(api.remove(kMap, {"default", "a"}, {.resource_version = "1"}));
       }},
      {"finalizer",
       [](Api& api) {
         return merge(api, kMap, "a", {{"metadata", {{"finalizers", {"example.com/f"}}}}});
       }},
      {"remove of what has a finalizer",
       [](Api& api) { return told(api.remove(kMap, {"default", "a"})); }},
      {"get of what is being deleted",
       [](Api& api) { return told(api.get(kMap, {"default", "a"})); }},
      {"last finalizer",
       [](Api& api) { return merge(api, kMap, "a", {{"metadata", {{"finalizers", nullptr}}}}); }},
      {"remove of what is gone", [](Api& api) { return told(api.remove(kMap, {"default", "a"})); }},
      {"remove of a pod with a grace period",
       [](Api& api) {
         return told(api.remove(kube::pods(), {"default", "p"}, {.grace_period = 30s}));
       }},
  };
}

TEST_CASE("every call answers the same over HTTP and in the process") {
  InMemoryApi over_http;
  InMemoryApi in_process;
  over_http.install_widgets();
  in_process.install_widgets();
  Connection http(over_http, Transport::Http);
  Connection local(in_process, Transport::Local);
  for (const Step& step : steps()) {
    INFO(step.name);
    const Json expected = step.act(http.api());
    CHECK(step.act(local.api()) == expected);
  }
}

TEST_CASE("a caller in the process is asked who it is") {
  const Transport transport = GENERATE(Transport::Http, Transport::Local);
  InMemoryApi server;
  Connection stranger(server, transport, "wrong");
  const auto answer = stranger.api().list(kMap, {});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Code::Unauthenticated);
  CHECK(stranger.api().watch(kMap, {}).error().code == Code::Unauthenticated);
}

// Without managedFields, which a watch in the process leaves out.
std::string line(const kube::WatchEvent& event) {
  const char* const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "UNREADABLE"};
  Json object = comparable(*event.object.object());
  object["metadata"].erase("managedFields");
  return std::string(names[static_cast<int>(event.type)]) + " " + object.dump();
}

std::vector<std::string> read(kube::Watch& watch, size_t count) {
  std::vector<std::string> lines;
  while (lines.size() < count) {
    const auto event = watch.next();
    REQUIRE(event);
    REQUIRE(*event);
    lines.push_back(line(**event));
  }
  return lines;
}

std::vector<std::string> watched(Transport transport) {
  InMemoryApi server;
  Connection connection(server, transport);
  Api& api = connection.api();
  const auto labelled = [](const char* name, const char* colour) {
    Json object = in_default(config_map(name));
    object["metadata"]["labels"] = {{"colour", colour}};
    return object;
  };
  const auto paint = [&](const char* name, const char* colour) {
    api.patch(kMap, {"default", name}, PatchType::MergePatch,
              {{"metadata", {{"labels", {{"colour", colour}}}}}})
        .value();
  };
  api.create(kMap, labelled("a", "red")).value();
  api.create(kMap, labelled("b", "blue")).value();
  const auto all = api.watch(kMap, {.ns = "default"}).value();
  const auto red = api.watch(kMap, {.label_selector = "colour=red"}).value();
  std::vector<std::string> lines = read(*all, 3);
  const auto first = read(*red, 2);
  lines.insert(lines.end(), first.begin(), first.end());
  const std::string version = api.list(kMap, {}).value().resource_version;
  paint("b", "red");
  paint("a", "blue");
  paint("a", "green");
  REQUIRE(api.remove(kMap, {"default", "b"}));
  api.create(kMap, labelled("c", "red")).value();
  const auto late = api.watch(kMap, {.resource_version = version}).value();
  const std::pair<kube::Watch*, size_t> reads[] = {{all.get(), 5}, {red.get(), 4}, {late.get(), 5}};
  for (const auto& [watch, count] : reads) {
    const auto more = read(*watch, count);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  // The end of the server is the end of its watches, in order.
  server.server->begin_stop();
  for (kube::Watch* watch : {all.get(), red.get(), late.get()}) {
    const auto end = watch->next();
    REQUIRE(end);
    lines.emplace_back(*end ? line(**end) : "END");
  }
  return lines;
}

TEST_CASE("a watch tells the same over HTTP and in the process") {
  CHECK(watched(Transport::Local) == watched(Transport::Http));
}

TEST_CASE("a revision that is gone, or that never was, ends a watch as Gone over both doors") {
  const Transport transport = GENERATE(Transport::Http, Transport::Local);
  InMemoryApi server(":memory:", {.path = {}, .history_revisions = 5});
  Connection connection(server, transport);
  Api& api = connection.api();
  const std::string old = api.list(kMap, {}).value().resource_version;
  for (int i = 0; i < 40; ++i)
    api.create(kMap, in_default(config_map("c" + std::to_string(i)))).value();
  const auto gone = api.watch(kMap, {.resource_version = old}).value()->next();
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == Code::Gone);
  CHECK(gone.error().message.starts_with("too old resource version: " + old));
  const auto future = api.watch(kMap, {.resource_version = "999999"}).value()->next();
  REQUIRE_FALSE(future);
  CHECK(future.error().code == Code::Gone);
}

TEST_CASE("a watch that is cancelled wakes its reader, over both doors") {
  const Transport transport = GENERATE(Transport::Http, Transport::Local);
  InMemoryApi server;
  Connection connection(server, transport);
  const auto watch = connection.api().watch(kMap, {}).value();
  read(*watch, 1);  // the bookmark: it is open
  std::thread canceller([&] { watch->cancel(); });
  const auto event = watch->next();
  canceller.join();
  REQUIRE_FALSE(event);
  CHECK(event.error().code == Code::Cancelled);
}

TEST_CASE("an informer and a controller work the same over both doors") {
  struct Recorder final : kube::Reconciler {
    explicit Recorder(const kube::Cache& shown) : cache(shown) {}
    base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& key) override {
      const auto object = cache.get(kMap, key);
      const base::MutexLock lock(mutex);
      seen[key.name] = object ? object->value("data", Json::object()).value("k", "") : "gone";
      changed.notify_all();
      return kube::Reconciled{};
    }
    void await(const std::string& name, const std::string& value) {
      base::MutexLock lock(mutex);
      while (seen[name] != value)
        changed.wait(lock);
    }
    const kube::Cache& cache;
    base::Mutex mutex;
    base::CondVar changed;
    std::map<std::string, std::string> seen;
  };
  const Transport transport = GENERATE(Transport::Http, Transport::Local);
  InMemoryApi server;
  Connection connection(server, transport);
  Api& api = connection.api();
  api.create(kMap, in_default(config_map("before", {{"k", "1"}}))).value();
  kube::Informer informer(api, base::real_clock(), kMap);
  if (GENERATE(false, true)) informer.stream_lists();
  kube::InformerCache cache;
  cache.add(informer);
  Recorder recorder(cache);
  kube::Controller controller({.name = "test", .workers = 2}, recorder, base::real_clock());
  controller.watch(informer, kube::own_key());
  informer.start();
  controller.start();
  recorder.await("before", "1");
  api.create(kMap, in_default(config_map("after", {{"k", "2"}}))).value();
  recorder.await("after", "2");
  api.patch(kMap, {"default", "after"}, PatchType::MergePatch, {{"data", {{"k", "3"}}}}).value();
  recorder.await("after", "3");
  REQUIRE(api.remove(kMap, {"default", "before"}));
  recorder.await("before", "gone");
  CHECK(cache.list(kMap, "default").size() == 1);
  CHECK_FALSE(cache.get(kMap, {"default", "after"})->at("metadata").contains("managedFields"));
  controller.stop();
  informer.stop();
}

TEST_CASE("watches in the process share what the writer left, and parse nothing") {
  InMemoryApi server;
  Connection connection(server, Transport::Local);
  Api& api = connection.api();
  const auto one = api.watch(kMap, {}).value();
  const auto two = api.watch(kMap, {}).value();
  read(*one, 1);
  read(*two, 1);
  const Json stored = api.create(kMap, in_default(config_map("a", {{"k", "v"}}))).value();
  const auto first = one->next().value();
  const auto second = two->next().value();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->object.object() == second->object.object());
  Json expected = stored;
  expected["metadata"].erase("managedFields");
  CHECK(*first->object.object() == expected);
}

TEST_CASE("caches in the process keep the text of the store, and none of their own") {
  InMemoryApi server;
  Connection connection(server, Transport::Local);
  Api& api = connection.api();
  const Json owner = api.create(kMap, in_default(config_map("o"))).value();
  Json owned = in_default(config_map("a", {{"k", "v"}}));
  owned["metadata"]["ownerReferences"] = {
      {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"name", "o"}, {"uid", kube::uid_of(owner)}}};
  const Json stored = api.create(kMap, owned).value();
  std::vector<kube::PackedObject> seen;
  for (int i = 0; i < 2; ++i)
    seen.push_back(api.watch(kMap, {}).value()->next().value()->object);
  CHECK_FALSE(seen[0].has_tree());
  CHECK(seen[0].text() == seen[1].text());
  CHECK(*seen[0].object() == stored);
  const kube::Identity expected = kube::identity_of(stored);
  CHECK(seen[0].key() == expected.key);
  CHECK(seen[0].identity().uid == expected.uid);
  CHECK(seen[0].identity().resource_version == expected.resource_version);
  CHECK(seen[0].identity().owners == expected.owners);
  // What is written later comes with the tree that its writer left, and goes back to that text.
  const auto watch = api.watch(kMap, {}).value();
  read(*watch, 3);
  api.create(kMap, in_default(config_map("b", {{"k", "v"}}))).value();
  kube::PackedObject later = watch->next().value()->object;
  CHECK(later.has_tree());
  REQUIRE(later.text() != nullptr);
  const Json before = *later.object();
  later.pack();
  CHECK_FALSE(later.has_tree());
  CHECK(*later.object() == before);
}

TEST_CASE("a watch in the process that nobody reads is cut off, and costs the others nothing") {
  InMemoryApi server;
  const auto bounded = server.server->connect({.token = "secret", .watch_backlog = 100'000});
  const auto lazy = bounded->watch(kMap, {}).value();
  const auto busy = bounded->watch(kMap, {}).value();
  read(*busy, 1);
  const std::string much(10'000, 'x');
  for (int i = 0; i < 30; ++i) {
    bounded->create(kMap, in_default(config_map("c" + std::to_string(i), {{"k", much}}))).value();
    read(*busy, 1);
  }
  auto event = lazy->next();
  while (event && *event)
    event = lazy->next();
  REQUIRE_FALSE(event);
  CHECK(event.error().code == Code::Unavailable);
  CHECK(event.error().message == "the watch was cut off: more than 100000 bytes were not read");
  while (server.server->numbers().watches != 1)
    std::this_thread::yield();
}

TEST_CASE("a reader that is behind gets objects without trees, and all of them") {
  InMemoryApi server;
  Connection connection(server, Transport::Local);
  Api& api = connection.api();
  const auto watch = api.watch(kMap, {}).value();
  read(*watch, 1);
  const std::string much(100'000, 'x');
  std::vector<Json> stored;
  for (int i = 0; i < 40; ++i)
    stored.push_back(
        api.create(kMap, in_default(config_map("c" + std::to_string(i), {{"k", much}}))).value());
  for (Json& object : stored) {
    object["metadata"].erase("managedFields");
    const auto event = watch->next().value();
    REQUIRE(event);
    CHECK(*event->object.object() == object);
  }
}

TEST_CASE("the past of a watch in the process is handed out as it is read") {
  InMemoryApi server;
  const auto bounded = server.server->connect({.token = "secret", .watch_backlog = 4'000'000});
  const std::string much(100'000, 'x');
  for (int i = 0; i < 60; ++i)
    bounded->create(kMap, in_default(config_map("c" + std::to_string(i), {{"k", much}}))).value();
  // More than the backlog takes at once.
  const auto watch = bounded->watch(kMap, {}).value();
  CHECK(read(*watch, 61).back().starts_with("BOOKMARK"));
}

TEST_CASE("the stop token ends calls and watches in the process") {
  InMemoryApi server;
  std::stop_source stop;
  const auto api = server.server->connect({.token = "secret", .stop = stop.get_token()});
  const auto watch = api->watch(kMap, {}).value();
  read(*watch, 1);
  stop.request_stop();
  CHECK(watch->next().error().code == Code::Cancelled);
  CHECK(api->get(kMap, {"default", "a"}).error().code == Code::Cancelled);
}

TEST_CASE("a watch in the process that goes leaves nothing behind") {
  InMemoryApi server;
  Connection connection(server, Transport::Local);
  {
    const auto watch = connection.api().watch(kMap, {}).value();
    read(*watch, 1);
  }
  while (server.server->numbers().watches > 0)
    std::this_thread::yield();
  CHECK(server.server->numbers().watches == 0);
}

}  // namespace
