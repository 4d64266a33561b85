#include <map>
#include <ostream>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace sparkctl {
namespace {

using base::Code;
using kube::Json;

struct View {
  Table table;
  void (*add)(Table& table, const Session& session, const std::vector<Json>& objects);
};

View view_of(const Session& session, const kube::ResourceType& type) {
  if (type == config::spark_applications()) return {table_of_runs(session), add_runs};
  if (type == kube::core_events()) return {table_of_events(session), add_events};
  return {table_of_schedules(session), add_schedules};
}

// Shows what is there, then each change, until the output or the API ends it.
class Watcher {
 public:
  Watcher(Session& session, const kube::ResourceType& type, Wanted wanted)
      : session_(session), type_(type), wanted_(std::move(wanted)), view_(view_of(session, type)) {}

  base::Status run() {
    bool seen = false;
    while (session_.out) {
      const base::Status ended = look();
      const bool comes_back = ended || ended.error().code == Code::Unavailable ||
                              ended.error().code == Code::DeadlineExceeded ||
                              ended.error().code == Code::Gone;
      seen = seen || ended || !versions_.empty();
      if (!comes_back || (!ended && !seen)) return ended;
      if (!ended && ended.error().code != Code::Gone) {
        if (!told_)
          session_.err << "sparkctl: " << safe_text(ended.error().message) << "; waiting\n";
        told_ = true;
        pause(session_.clock);
      }
    }
    return {};
  }

 private:
  // One list, and one watch from there.
  base::Status look() {
    ASSIGN_OR_RETURN(kube::ObjectList list, list_all(session_, type_));
    if (!told_) say_left_out(session_, type_, list);
    told_ = false;
    std::map<kube::ObjectKey, std::string> there;
    std::vector<Json> changed;
    for (Json& object : list.items) {
      if (!wanted_(object)) continue;
      const kube::ObjectKey key = kube::key_of(object);
      there[key] = kube::resource_version_of(object);
      if (versions_[key] != there[key]) changed.push_back(std::move(object));
    }
    if (type_ == kube::core_events()) sort_events(changed);
    for (const auto& [key, version] : versions_)
      if (!there.contains(key)) say_gone(key);
    versions_ = std::move(there);
    show(std::move(changed));
    ASSIGN_OR_RETURN(
        const auto watch,
        session_.api.watch(type_, {.ns = session_.scope == Scope::All ? "" : session_.ns,
                                   .resource_version = list.resource_version}));
    return follow(*watch);
  }

  base::Status follow(kube::Watch& watch) {
    while (session_.out) {
      ASSIGN_OR_RETURN(const std::optional<kube::WatchEvent> event, watch.next());
      if (!event) return {};
      const bool readable = event->type != kube::WatchEvent::Type::Bookmark &&
                            event->type != kube::WatchEvent::Type::Unreadable;
      if (!readable) continue;
      const auto object = event->object.object();
      if (!wanted_(*object)) continue;
      const kube::ObjectKey& key = event->object.key();
      if (event->type == kube::WatchEvent::Type::Deleted) {
        versions_.erase(key);
        say_gone(key);
      } else {
        versions_[key] = event->object.identity().resource_version;
        show({*object});
      }
    }
    return {};
  }

  void show(std::vector<Json> objects) {
    if (session_.output == Output::Table || session_.output == Output::Wide) {
      view_.add(view_.table, session_, objects);
      view_.table.print(session_.out, session_.colours);
    } else {
      for (Json& object : objects)
        show_raw(session_, type_, {std::move(object)}, Shape::One);
    }
    session_.out << std::flush;
  }

  // Events are forgotten after an hour, which tells nobody anything.
  void say_gone(const kube::ObjectKey& key) {
    if (type_ == kube::core_events()) return;
    session_.err << display_name(type_, key.name) << " deleted\n";
  }

  Session& session_;
  const kube::ResourceType& type_;
  const Wanted wanted_;
  View view_;
  bool told_ = false;  // that the API does not answer
  std::map<kube::ObjectKey, std::string> versions_;
};

}  // namespace

base::Status watch(Session& session, const kube::ResourceType& type, Wanted wanted) {
  return Watcher(session, type, std::move(wanted)).run();
}

}  // namespace sparkctl
