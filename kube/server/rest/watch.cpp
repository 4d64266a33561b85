// watch: a stream of events, chunked, over a WebSocket, or a queue of objects in this process.

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/api_status.h"
#include "kube/server/rest/local_call.h"
#include "kube/server/rest/options.h"
#include "kube/server/rest/selection.h"
#include "kube/server/rest/verbs.h"
#include "kube/server/rest/view.h"

namespace kube::server::rest {
namespace {

using machinery::refuse;
using nlohmann::json;
using storage::BookmarkKind;
using storage::Change;
using storage::Event;
using storage::Frames;
using storage::Object;
using storage::Subscription;

// As kube-apiserver: between 30 and 60 minutes, spread so that watchers do not all come back at
// once.
constexpr std::chrono::seconds kShortestWatch{1800};
constexpr int64_t kSpread = 1800;
constexpr std::chrono::seconds kLongestWatch{24 * 3600};

using Definitions = machinery::TableColumns::Definitions;

std::string event_text(std::string_view type, std::string_view object) {
  std::string text = R"({"type":")";
  text.reserve(object.size() + 48);
  text += type;
  text += R"(","object":)";
  text += object;
  text += "}\n";
  return text;
}

// What a watcher with a selector sees when an object leaves its selection: the state that it knew,
// under the revision at which that ended.
std::shared_ptr<const Object> as_of(const Object& object, int64_t revision) {
  auto copy = std::make_shared<Object>(object);
  json value = object.parse();
  value["metadata"]["resourceVersion"] = std::to_string(revision);
  copy->text = base::dump_json(value);
  copy->revision = revision;
  return copy;
}

// What a watcher with this selection is told of an event; no object: nothing.
struct Told {
  kube::WatchEvent::Type type = kube::WatchEvent::Type::Added;
  storage::ObjectPtr object;
};

Told told_of(const Event& event, const Selection& selection) {
  using enum kube::WatchEvent::Type;
  const bool all = selection.everything();
  const bool is = event.change != Change::Deleted && (all || selection.matches(*event.object));
  const bool was = event.previous && (all || selection.matches(*event.previous));
  if (!is && !was) return {};
  if (is) return {.type = was ? Modified : Added, .object = event.object};
  if (event.change == Change::Deleted) return {.type = Deleted, .object = event.object};
  return {.type = Deleted, .object = as_of(*event.previous, event.revision)};
}

const char* name_of(kube::WatchEvent::Type type) {
  if (type == kube::WatchEvent::Type::Added) return "ADDED";
  return type == kube::WatchEvent::Type::Modified ? "MODIFIED" : "DELETED";
}

json bookmark_object(const types::Resource& resource, int64_t revision, BookmarkKind kind) {
  json object = {{"kind", resource.type.kind},
                 {"apiVersion", resource.type.api_version()},
                 {"metadata",
                  {{"resourceVersion", std::to_string(revision)}, {"creationTimestamp", nullptr}}}};
  if (kind == BookmarkKind::InitialEventsEnd) {
    object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  }
  return object;
}

class StreamWatcher final : public storage::Watcher {
 public:
  StreamWatcher(std::shared_ptr<base::http::Stream> stream, Selection selection, View view,
                base::Clock& clock)
      : stream_(std::move(stream)),
        selection_(std::move(selection)),
        view_(std::move(view)),
        form_(view_.form()),
        clock_(clock) {}

  bool deliver(const Event& event, Frames& frames) override {
    const Told told = told_of(event, selection_);
    if (!told.object) return !stream_->closed();
    return send(frames, name_of(told.type), *told.object);
  }

  bool bookmark(int64_t revision, BookmarkKind kind) override {
    json object = bookmark_object(*view_.resource, revision, kind);
    if (view_.representation.form == Form::Table) {
      object = {{"kind", "Table"},
                {"apiVersion", "meta.k8s.io/" + view_.representation.meta_version},
                {"metadata", object["metadata"]},
                {"columnDefinitions", json::array()},
                {"rows", json::array({{{"cells", json::array()}, {"object", object}}})}};
    }
    return write(event_text("BOOKMARK", base::dump_json(object)));
  }

  void fail(const base::Error& error) override {
    write(event_text("ERROR", base::dump_json(machinery::to_json(machinery::from_error(error)))));
    stream_->close();
  }

  void end() override { stream_->close(); }

 private:
  bool send(Frames& frames, const char* type, const Object& object) {
    // Only the first Table of a watch carries the column definitions.
    const Definitions definitions = started_ ? Definitions::Omit : Definitions::Include;
    const std::string key = std::string(type) + (started_ ? " " : " first ") + form_;
    started_ = true;
    return stream_->write(frames.get(key, [&] {
      const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
      return event_text(type, view_.object(object, now, definitions));
    }));
  }

  bool write(std::string text) {
    return stream_->write(std::make_shared<const std::string>(std::move(text)));
  }

  const std::shared_ptr<base::http::Stream> stream_;
  const Selection selection_;
  const View view_;
  const std::string form_;
  base::Clock& clock_;
  bool started_ = false;
};

// For a reader in this process.
class QueueWatcher final : public storage::Watcher {
 public:
  QueueWatcher(std::shared_ptr<WatchQueue> queue, Selection selection, types::ResourcePtr resource)
      : queue_(std::move(queue)),
        selection_(std::move(selection)),
        resource_(std::move(resource)) {}
  // However it goes: who reads would wait for ever.
  ~QueueWatcher() override { queue_->end(); }
  QueueWatcher(const QueueWatcher&) = delete;
  QueueWatcher& operator=(const QueueWatcher&) = delete;

  bool deliver(const Event& event, Frames& frames) override {
    Told told = told_of(event, selection_);
    if (!told.object) return !queue_->closed();
    const bool as_written = told.object == event.object && resource_->stored_as_served();
    storage::Frame held = frames.hold(told.object);
    return queue_->push({.type = told.type,
                         .object = std::move(told.object),
                         .state = as_written ? event.state : nullptr,
                         .held = std::move(held)});
  }

  bool bookmark(int64_t revision, BookmarkKind kind) override {
    return queue_->push(
        {.type = kube::WatchEvent::Type::Bookmark,
         .object = nullptr,
         .state = std::make_shared<const json>(bookmark_object(*resource_, revision, kind)),
         .held = nullptr});
  }

  // As it would be read from a stream.
  void fail(const base::Error& error) override {
    queue_->fail(kube::error_of(machinery::to_json(machinery::from_error(error))));
  }

  void end() override { queue_->end(); }

 private:
  const std::shared_ptr<WatchQueue> queue_;
  const Selection selection_;
  const types::ResourcePtr resource_;
};

Outcome<Subscription> subscription_of(const ApiRequest& call) {
  Subscription subscription{.resource = call.resource->storage,
                            .ns = call.resource->type.namespaced ? call.info.ns : "",
                            .after = std::nullopt,
                            .bookmarks = call.flag("allowWatchBookmarks")};
  auto after = number_parameter(call, "resourceVersion");
  if (!after) return refuse(after.error());
  // None and 0 both mean: begin with what exists.
  if (*after && **after > 0) subscription.after = **after;
  const std::string initial = call.parameter("sendInitialEvents");
  // A watch that begins with what exists says where that ends, asked for by name or not.
  if (initial == "true" || (initial.empty() && !subscription.after)) {
    subscription.after = std::nullopt;
    subscription.initial_events_end = subscription.bookmarks;
  } else if (initial == "false" && !subscription.after) {
    subscription.after = call.services.objects.store().revision();
  }
  auto timeout = number_parameter(call, "timeoutSeconds");
  if (!timeout) return refuse(timeout.error());
  const base::SteadyTime now = call.services.clock.steady_now();
  std::chrono::seconds length{timeout->value_or(0)};
  if (length.count() == 0) {
    length = kShortestWatch + std::chrono::seconds(now.time_since_epoch().count() % kSpread);
  }
  subscription.until = now + std::min(length, kLongestWatch);
  return subscription;
}

// A revision that this server never gave belongs to another data folder: the client must list anew.
std::optional<base::Error> check_revision(const ApiRequest& call,
                                          const Subscription& subscription) {
  const int64_t current = call.services.objects.store().revision();
  if (!subscription.after || *subscription.after <= current) return std::nullopt;
  return base::Error{
      .code = base::Code::Gone,
      .message = "too large resource version: " + std::to_string(*subscription.after) +
                 ", current: " + std::to_string(current)};
}

// The answer begins: events go to `watcher` until `on_close` calls what it is given.
using OnClose = std::function<void(std::function<void()>)>;
void begin_watch(ApiRequest& call, Subscription subscription,
                 std::unique_ptr<storage::Watcher> watcher, OnClose on_close) {
  if (const auto problem = check_revision(call, subscription)) return watcher->fail(*problem);
  subscription.watcher = std::move(watcher);
  storage::WatchHub& hub = call.services.hub;
  // The callback must not keep the stream alive, nor outlive the hub: the server closes first.
  hub.add(std::move(subscription),
          [on_close = std::move(on_close), &hub](storage::WatchHub::Id id) {
            on_close([id, &hub] { hub.remove(id); });
          });
}

}  // namespace

void handle_watch(ApiRequest& call) {
  if (call.representation.syntax != Syntax::Json)
    return answer(*call.responder, machinery::not_acceptable({"application/json;stream=watch"}));
  if (auto right = check_watch_options(call); !right) return answer(*call.responder, right.error());
  auto include = machinery::parse_include_object(call.parameter("includeObject"));
  if (!include) return answer(*call.responder, include.error());
  auto selection = Selection::parse(call);
  if (!selection) return answer(*call.responder, selection.error());
  auto subscription = subscription_of(call);
  if (!subscription) return answer(*call.responder, subscription.error());
  if (call.local != nullptr) {
    auto queue = std::make_shared<WatchQueue>(call.resource, call.local->watch_backlog);
    call.local->watch = queue;
    auto watcher = std::make_unique<QueueWatcher>(queue, std::move(*selection), call.resource);
    return begin_watch(call, std::move(*subscription), std::move(watcher),
                       [queue](std::function<void()> over) { queue->on_cancel(std::move(over)); });
  }
  // An upgrade is always answered as one: Spark's client hangs on a chunked answer to it.
  std::shared_ptr<base::http::Stream> stream =
      call.responder->wants_websocket()
          ? call.responder->accept_websocket()
          : call.responder->stream(200, {{"Content-Type", "application/json"},
                                         {"Cache-Control", "no-cache, private"}});
  View view{.resource = call.resource, .representation = call.representation, .include = *include};
  auto watcher = std::make_unique<StreamWatcher>(stream, std::move(*selection), std::move(view),
                                                 call.services.clock);
  begin_watch(call, std::move(*subscription), std::move(watcher),
              [stream](std::function<void()> over) { stream->on_close(std::move(over)); });
}

}  // namespace kube::server::rest
