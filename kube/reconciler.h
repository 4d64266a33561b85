#pragma once

// Reconciler: one controller's answer to "something about this object may have changed".
// Level-triggered: it is told a key, never an event, and must reach the right state whatever it
// missed.
//
// Threads: reconcile() is called from several workers at once, never twice at once for one key.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"

namespace kube {

struct Reconciled {
  // Look again at this wall-clock time even if nothing happens; nullopt = only when something does.
  std::optional<base::WallTime> wake_at;
  // Something is left to do that is less urgent than what others wait for: look again as soon as
  // every key that waits now has had its turn.
  bool again = false;
};

class Reconciler {
 public:
  virtual ~Reconciler() = default;
  // Every error is retried with growing back-off (at least retry_after), for ever: what an API or a
  // disk refuses today it may accept tomorrow. What only the person can mend is no error but a
  // condition of the object, and success here. A wake-up asked for earlier stays.
  virtual base::Result<Reconciled> reconcile(const ObjectKey& key) = 0;
  // reconcile() failed, `failures` times in a row (1 = the first), or works again (0; `error` is
  // the last one). Here a reconciler shows what it could not do, in a condition and an event, as
  // far as that is possible; nothing is retried for it. A single Conflict is everyday: somebody
  // else wrote first. Called on the worker that had the key, before anybody else gets it.
  virtual void failing(const ObjectKey& key, const base::Error& error, int failures);
};

// What a reconciler reads: the informers' view of the API, which may lag behind it. Whoever must be
// certain (before believing that something is gone) asks the Api itself.
class Cache {
 public:
  virtual ~Cache() = default;
  // nullptr when not there.
  [[nodiscard]] virtual std::shared_ptr<const Json> get(const ResourceType& type,
                                                        const ObjectKey& key) const = 0;
  // Objects with an ownerReference of this UID, in no particular order.
  [[nodiscard]] virtual std::vector<std::shared_ptr<const Json>> owned_by(
      const ResourceType& type, const std::string& uid) const = 0;
  // Objects of one namespace that carry this label. As it stands here, a search of list().
  [[nodiscard]] virtual std::vector<std::shared_ptr<const Json>> labelled(
      const ResourceType& type, const std::string& ns, std::string_view label,
      std::string_view value) const;
  // All objects of one namespace ("" = all).
  [[nodiscard]] virtual std::vector<std::shared_ptr<const Json>> list(
      const ResourceType& type, const std::string& ns) const = 0;
  // The same one after the other, for who needs no two at once: a cache may keep text. As it stands
  // here, a walk over list(); so is the next.
  virtual void for_each(const ResourceType& type, const std::string& ns,
                        const std::function<void(const Json&)>& visit) const;
  [[nodiscard]] virtual std::vector<ObjectKey> keys(const ResourceType& type,
                                                    const std::string& ns) const;
};

}  // namespace kube
