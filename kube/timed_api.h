#pragma once

// TimedApi: an Api whose calls are told to whoever counts them, by verb, outcome and duration. A
// list is one call, however many pages it takes; of a watch only the opening is.
//
// Errors and threads: those of the Api behind it.

#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "kube/forwarding_api.h"

namespace kube {

class TimedApi final : public ForwardingApi {
 public:
  // `verb` is get, list, watch, create, update, patch or delete; `outcome` "ok" or one of
  // base::to_string(Code). Called on the caller's thread after each call; quick, and never fails.
  using Told = std::function<void(std::string_view verb, std::string_view outcome,
                                  std::chrono::milliseconds duration)>;
  // The Api and the clock must outlive it. Without `told` it only forwards.
  TimedApi(Api& api, base::Clock& clock, Told told)
      : ForwardingApi(api), clock_(clock), told_(std::move(told)) {}

  base::Result<Json> get(const ResourceType& type, const ObjectKey& key) override;
  base::Result<ObjectList> list(const ResourceType& type, const ListOptions& options) override;
  base::Result<std::unique_ptr<Watch>> watch(const ResourceType& type,
                                             const ListOptions& options) override;
  base::Result<Json> create(const ResourceType& type, const Json& object) override;
  base::Result<Json> update(const ResourceType& type, const Json& object,
                            std::string_view subresource = "") override;
  base::Result<Json> patch(const ResourceType& type, const ObjectKey& key, PatchType patch_type,
                           const Json& patch, const PatchOptions& options = {}) override;
  base::Status remove(const ResourceType& type, const ObjectKey& key,
                      const DeleteOptions& options = {}) override;

 private:
  template <class Call>
  auto timed(std::string_view verb, const Call& call) {
    const base::SteadyTime begin = clock_.steady_now();
    auto result = call();
    if (told_)
      told_(verb, result ? "ok" : base::to_string(result.error().code),
            clock_.steady_now() - begin);
    return result;
  }

  base::Clock& clock_;
  const Told told_;
};

}  // namespace kube
