#include "runner/schedules/leftovers.h"

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"
#include "runner/name_holder.h"

namespace runner::schedules {

Trouble waiting_for(const Leftover& leftover) {
  const std::string what = leftover.type->kind + " " + leftover.key.name;
  if (leftover.type->kind == config::kApplicationKind)
    return {"WaitingForNamesake",
            what + " of a deleted schedule of this name is still being removed"};
  return {"WaitingForDriver", what + " of a deleted run is still being removed"};
}

base::Result<bool> collect(kube::Api& api, const Leftover& leftover,
                           const std::string& schedule_uid) {
  const auto found = api.get(*leftover.type, leftover.key);
  if (!found && found.error().code == base::Code::NotFound) return false;
  if (!found) return base::failure(found.error());
  if (kube::uid_of(*found) != leftover.uid) return false;
  ASSIGN_OR_RETURN(const NameHolder holder, holder_of(api, *found, schedule_uid));
  if (holder.kind != NameHolder::Kind::LeftOver) return false;
  const auto removed = api.remove(*leftover.type, leftover.key, {.uid = leftover.uid});
  if (removed) return true;
  // Somebody else was faster, or has taken the name meanwhile.
  if (removed.error().code == base::Code::NotFound || removed.error().code == base::Code::Conflict)
    return false;
  return base::failure(removed.error());
}

}  // namespace runner::schedules
