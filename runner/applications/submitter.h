#pragma once

// Submitter: creates the objects of an attempt, in order, the driver pod last, and takes away what
// only a living driver needs.
//
// A crash between two of them: their names come from the attempt, so the next try finds what is
// there and goes on. A name that somebody else still has is waited for if its holder is on its way
// out, and taken away if nobody collects it. Threads: any; never twice at once for one application.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "kube/reconciler.h"
#include "runner/application.h"
#include "runner/applications/decide.h"
#include "runner/applications/events.h"
#include "runner/applications/options.h"

namespace runner::applications {

class Submitter {
 public:
  Submitter(kube::Api& api, const kube::Cache& cache, kube::EventRecorder& events,
            base::Clock& clock, const ApplicationOptions& options);

  struct Tried {
    // Submitted, refused, or as before with what is waited for.
    ApplicationStatus status;
    std::optional<base::WallTime> wake_at;  // of a wait
  };
  // An error is one of the moment: nothing is said about the attempt.
  base::Result<Tried> submit(const Application& app, const nlohmann::json& object,
                             const Attempt& attempt);
  // ConfigMaps and Services that the attempts of this application have left, and the executors of
  // the one that the status names.
  base::Status clean_up(const Application& app, const nlohmann::json& object);
  // Rewrites the pod template that the driver makes executors from, as `object` has it now, and
  // tells whether that has an effect. What refuses it does not stop the run.
  base::Status place_executors(const Application& app, const nlohmann::json& object);
  // The ConfigMaps alone: no pod of this application starts any more.
  base::Status remove_configuration(const Application& app);

 private:
  base::Status remove_made(const kube::ResourceType& type, const Application& app);
  // What is in the way and will go; nullopt: the object is there.
  base::Result<std::optional<std::string>> create_owned(const Application& app,
                                                        const Attempt& attempt,
                                                        nlohmann::json object);
  base::Result<std::optional<std::string>> fill(const nlohmann::json& stored,
                                                const nlohmann::json& object);
  base::Result<std::optional<std::string>> name_is_taken(const Application& app,
                                                         const Attempt& attempt,
                                                         const kube::ResourceType& type,
                                                         const nlohmann::json& existing);
  void record(const nlohmann::json& object, const ApplicationEvent& event);

  kube::Api& api_;
  const kube::Cache& cache_;
  kube::EventRecorder& events_;
  base::Clock& clock_;
  const ApplicationOptions& options_;
};

// Pure: what an attempt's objects carry besides when they are created: namespace, owner, and the
// marks by which the attempt is found again.
nlohmann::json owned_by(const Application& app, const Attempt& attempt, nlohmann::json object);

// Executor pods of the attempt that the status names. A deleted namesake's carry the same name but
// another submission id; an earlier attempt's go with their driver.
std::vector<std::shared_ptr<const nlohmann::json>> executors_of(const kube::Cache& cache,
                                                                const Application& app);

}  // namespace runner::applications
