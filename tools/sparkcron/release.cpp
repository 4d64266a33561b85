#include "tools/sparkcron/release.h"

#include <optional>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;

// Whether it had the finalizer. A finalizer of somebody else's that comes or goes meanwhile is a
// conflict: look again.
base::Result<bool> release(kube::Api& api, kube::Json run) {
  constexpr int kLooks = 5;
  const kube::ObjectKey key = kube::key_of(run);
  for (int look = 1; kube::has_finalizer(run, config::kRunFinalizer); ++look) {
    const kube::Json patch{{"metadata",
                            {{"uid", kube::uid_of(run)},
                             {"resourceVersion", kube::resource_version_of(run)},
                             {"finalizers", kube::finalizers_with(run, config::kRunFinalizer,
                                                                  kube::Finalizer::Absent)}}}};
    const auto patched =
        api.patch(config::spark_applications(), key, kube::PatchType::MergePatch, patch, {});
    if (patched) return true;
    if (patched.error().code == Code::NotFound) return false;
    if (patched.error().code != Code::Conflict || look == kLooks) return failure(patched.error());
    auto live = api.get(config::spark_applications(), key);
    if (!live && live.error().code == Code::NotFound) return false;
    if (!live) return failure(live.error());
    run = std::move(*live);
  }
  return false;
}

}  // namespace

base::Result<size_t> release_runs(kube::Api& api, const std::vector<std::string>& namespaces) {
  const std::vector<std::string> everywhere{""};
  size_t released = 0;
  size_t left = 0;
  std::optional<base::Error> first;
  const auto leave = [&](const std::string& what, base::Error error) {
    ++left;
    error.message = what + ": " + error.message;
    if (!first) first = std::move(error);
  };
  for (const std::string& ns : namespaces.empty() ? everywhere : namespaces) {
    const auto runs = api.list(config::spark_applications(), {.ns = ns});
    // The CRD went with the release, and all runs with it.
    if (!runs && runs.error().code == Code::NotFound) continue;
    if (!runs) return failure(runs.error());
    for (const kube::Json& run : runs->items) {
      const auto done = release(api, run);
      if (!done) leave(kube::key_of(run).to_string(), done.error());
      released += done && *done ? 1 : 0;
    }
    for (const kube::Unreadable& run : runs->unreadable)
      leave(run.key.to_string(), {.code = Code::InvalidArgument, .message = run.reason});
  }
  if (!first) return released;
  return failure(first->code, std::to_string(left) + (left == 1 ? " run" : " runs") +
                                  " may still carry the finalizer " + config::kRunFinalizer + "; " +
                                  first->message);
}

}  // namespace sparkcron
