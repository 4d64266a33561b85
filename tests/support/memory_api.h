#pragma once

// MemoryApi: a small Kubernetes API in memory with real, blocking watches, for code that runs on
// threads: any kind, list and watch with a resourceVersion, by namespace and label, conflicts,
// merge patch, pods/binding, graceful deletion of pods, deletion of what they own; and faults on
// demand.
//
// Threads: any.

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/event_recorder.h"

namespace tests {

class MemoryApi final : public kube::Api {
 public:
  explicit MemoryApi(base::Clock& clock = base::real_clock());

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override;
  base::Result<std::unique_ptr<kube::Watch>> watch(const kube::ResourceType& type,
                                                   const kube::ListOptions& options) override;
  base::Result<kube::Json> create(const kube::ResourceType& type,
                                  const kube::Json& object) override;
  base::Result<kube::Json> update(const kube::ResourceType& type, const kube::Json& object,
                                  std::string_view subresource) override;
  base::Result<kube::Json> patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                 kube::PatchType patch_type, const kube::Json& patch,
                                 const kube::PatchOptions& options) override;
  base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                      const kube::DeleteOptions& options) override;

  // Blocks until the object satisfies the condition (nullptr: it is not there), while there is
  // patience (await.h); whether it did.
  bool await(const kube::ResourceType& type, const kube::ObjectKey& key,
             const std::function<bool(const kube::Json*)>& condition);
  // The object, or null.
  kube::Json peek(const kube::ResourceType& type, const kube::ObjectKey& key);
  [[nodiscard]] std::vector<kube::Json> all() const;

  // Every call fails with this error until the next call with nullopt.
  void fail_all(std::optional<base::Error> error);
  // The next calls of that verb ("get", "list", "watch", "create", "update", "patch", "delete")
  // fail, one error each.
  void fail(const std::string& verb, base::Error error);
  // Called before an object of that type is created; may throw. Set before there are threads.
  std::function<void(const kube::ResourceType& type)> on_create;
  // Ends every open watch: in order, or with an error.
  void end_watches(std::optional<base::Error> error = std::nullopt);
  // From now on nobody can read this object any more.
  void make_unreadable(const kube::ResourceType& type, const kube::ObjectKey& key);
  // Forgets the history: watches from before now are Gone.
  void compact();
  // Calls so far, failed ones too.
  [[nodiscard]] int calls(const std::string& verb) const;
  // Blocks until there were so many.
  void await_calls(const std::string& verb, int count);

  // What the UIDs of this one begin with: no other in the world shares it, so that the processes of
  // two tests at the same time are not taken for each other's.
  [[nodiscard]] const std::string& uid_prefix() const { return uid_prefix_; }
  // Writes so far.
  uint64_t revision();

 private:
  friend class MemoryWatch;
  using Key = std::pair<std::string, kube::ObjectKey>;  // plural and name
  struct Entry {
    uint64_t revision;
    std::string plural;
    kube::WatchEvent event;
  };
  // Counts the call; the error that it shall fail with.
  std::optional<base::Error> called(const std::string& verb) REQUIRES(mutex_);
  kube::Json write(kube::WatchEvent::Type type, const std::string& plural, kube::Json object)
      REQUIRES(mutex_);
  base::Result<kube::Json> bind(const kube::Json& binding) REQUIRES(mutex_);
  void erase(const Key& key) REQUIRES(mutex_);

  base::Clock& clock_;
  const std::string uid_prefix_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  uint64_t revision_ GUARDED_BY(mutex_) = 0;
  uint64_t compacted_ GUARDED_BY(mutex_) = 0;
  std::map<Key, kube::Json> objects_ GUARDED_BY(mutex_);
  std::deque<Entry> log_ GUARDED_BY(mutex_);
  std::map<std::string, std::vector<kube::Unreadable>> unreadable_ GUARDED_BY(mutex_);  // by plural
  int watches_ended_ GUARDED_BY(mutex_) = 0;
  std::optional<base::Error> watch_end_ GUARDED_BY(mutex_);
  std::optional<base::Error> failure_ GUARDED_BY(mutex_);
  std::map<std::string, std::deque<base::Error>> faults_ GUARDED_BY(mutex_);
  std::map<std::string, int> calls_ GUARDED_BY(mutex_);
};

// Keeps what was recorded: "reason: note". `on_record`, if set before, is called first and may
// throw.
class MemoryEvents final : public kube::EventRecorder {
 public:
  void record(const nlohmann::json& regarding, kube::EventType type, std::string_view reason,
              std::string_view action, std::string_view note) override;
  std::vector<std::string> all();

  std::function<void(const nlohmann::json& regarding)> on_record;

 private:
  base::Mutex mutex_;
  std::vector<std::string> events_ GUARDED_BY(mutex_);
};

}  // namespace tests
