#pragma once

// LiveApi: objects of one kind in memory with real watches, for code that runs on threads: a log of
// revisions, watchers that block, expiry, and faults on demand.
//
// Threads: any.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "kube/api.h"

namespace tests {

class LiveApi final : public kube::Api {
 public:
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

  // The next calls of that verb ("list", "watch", "create", …) fail, one error each.
  void fail(const std::string& verb, base::Error error);
  // Ends every open watch: in order, or with an error.
  void end_watches(std::optional<base::Error> error = std::nullopt);
  // From now on nobody can read this object any more.
  void make_unreadable(const kube::ObjectKey& key);
  // Forgets the history: watches from before now are Gone.
  void compact();
  // Calls so far, failed ones too.
  [[nodiscard]] int calls(const std::string& verb) const;
  // Blocks until there were so many.
  void await_calls(const std::string& verb, int count);
  [[nodiscard]] std::vector<kube::Json> all() const;

 private:
  friend class LiveWatch;
  struct Entry {
    uint64_t revision;
    kube::WatchEvent event;
  };
  std::optional<base::Error> called(const std::string& verb) REQUIRES(mutex_);
  kube::Json write(kube::WatchEvent::Type type, kube::Json object) REQUIRES(mutex_);

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  uint64_t revision_ GUARDED_BY(mutex_) = 0;
  uint64_t compacted_ GUARDED_BY(mutex_) = 0;
  std::map<kube::ObjectKey, kube::Json> objects_ GUARDED_BY(mutex_);
  std::vector<kube::Unreadable> unreadable_ GUARDED_BY(mutex_);
  std::deque<Entry> log_ GUARDED_BY(mutex_);
  int watches_ended_ GUARDED_BY(mutex_) = 0;
  std::optional<base::Error> watch_end_ GUARDED_BY(mutex_);
  std::map<std::string, std::deque<base::Error>> faults_ GUARDED_BY(mutex_);
  std::map<std::string, int> calls_ GUARDED_BY(mutex_);
};

}  // namespace tests
