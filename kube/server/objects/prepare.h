#pragma once

// prepare_create, prepare_update: from what a client sent to what will be stored, in the order of
// kube-apiserver: identity, unknown fields, defaults, what the server decides, validation, managed
// fields. Pure: the time and the UID come in.
//
// Errors are the Status texts of Kubernetes. Threads: pure functions.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "kube/server/machinery/decode.h"
#include "kube/server/machinery/managed_fields.h"
#include "kube/server/machinery/status.h"
#include "kube/server/types/resource.h"

namespace kube::server::objects {

using machinery::Outcome;
using nlohmann::json;

// The resource itself or a subresource of it. Scale writes one number of the main resource.
enum class Part { Main, Status, Scale };

struct WriteOptions {
  bool dry_run = false;
  machinery::FieldValidation validation = machinery::FieldValidation::Warn;
  std::string manager;  // of fields
  bool force = false;   // apply: take fields over
};

// What the server adds to a request.
struct Circumstances {
  base::WallTime now;
  std::string uid;          // for a new object
  std::string name_suffix;  // for generateName
  size_t object_bytes = 0;  // the store's limit: defaults are cut off there
};

struct Prepared {
  json object;  // in the form of the store
  std::vector<std::string> warnings;
  bool changed = true;    // false: nothing to write
  bool finished = false;  // it was being deleted and the last finalizer is gone: remove it
};

// Who has managed fields recorded already: apply does it by itself.
enum class Tracking { Record, Recorded };

Outcome<Prepared> prepare_create(const types::Resource& resource, const std::string& ns,
                                 machinery::DecodedJson body, const WriteOptions& options,
                                 const Circumstances& circumstances,
                                 Tracking tracking = Tracking::Record);

// `live` and the body are in the served form.
Outcome<Prepared> prepare_update(const types::Resource& resource, const json& live,
                                 machinery::DecodedJson body, Part part,
                                 const WriteOptions& options, const Circumstances& circumstances,
                                 Tracking tracking = Tracking::Record);

machinery::ManagerInfo manager_info(const types::Resource& resource, Part part,
                                    const std::string& manager, base::WallTime now);
std::string format_time(base::WallTime now);

}  // namespace kube::server::objects
