// create, update, patch, delete and deletecollection.

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/server/rest/body.h"
#include "kube/server/rest/options.h"
#include "kube/server/rest/selection.h"
#include "kube/server/rest/verbs.h"
#include "kube/server/rest/view.h"

namespace kube::server::rest {
namespace {

using nlohmann::json;
using objects::Written;

std::chrono::sys_seconds now_of(const ApiRequest& call) {
  return std::chrono::floor<std::chrono::seconds>(call.services.clock.now());
}

// The object is stored, whatever becomes of this.
void add_advice(const ApiRequest& call, Written& written) {
  const objects::Target target = call.target();
  // Warnings are for people, and nobody reads them in the process.
  if (call.local != nullptr) return;
  if (!call.services.advise || target.part != objects::Part::Main) return;
  const base::Status asked = base::guarded("advise on " + call.resource->storage, [&] {
    for (std::string& text : call.services.advise(call.resource->storage, written.object->parse()))
      written.warnings.push_back(std::move(text));
  });
  if (!asked)
    base::log_warning("kube/server", "Could not say what is wrong with an object",
                      {{"resource", call.resource->storage}, {"error", asked.error().message}});
}

void answer_written(ApiRequest& call, Outcome<Written> written) {
  if (!written) return answer(*call.responder, written.error());
  add_advice(call, *written);
  answer_object(call, {.resource = call.resource, .representation = call.representation},
                written->object, written->created ? 201 : 200, written->warnings);
}

}  // namespace

void handle_create(ApiRequest& call) {
  const auto options = write_options(call);
  if (!options) return answer(*call.responder, options.error());
  const auto body = decode_object(call);
  if (!body) return answer(*call.responder, body.error());
  answer_written(call, call.services.objects.create(call.target(), *body, *options));
}

void handle_update(ApiRequest& call) {
  const auto options = write_options(call);
  if (!options) return answer(*call.responder, options.error());
  const auto body = decode_object(call);
  if (!body) return answer(*call.responder, body.error());
  answer_written(call, call.services.objects.update(call.target(), *body, *options));
}

void handle_patch(ApiRequest& call) {
  const auto options = write_options(call);
  if (!options) return answer(*call.responder, options.error());
  const auto patch = decode_patch(call);
  if (!patch) return answer(*call.responder, patch.error());
  answer_written(call,
                 call.services.objects.patch(call.target(), patch->type, patch->value, *options));
}

void handle_delete(ApiRequest& call) {
  const auto request = delete_request(call);
  if (!request) return answer(*call.responder, request.error());
  const auto removed = call.services.objects.remove(call.target(), *request);
  if (!removed) return answer(*call.responder, removed.error());
  if (removed->gone && !call.resource->rules.returns_deleted_object) {
    const auto status = machinery::success_status(call.resource->type, call.info.name,
                                                  removed->object->indexed.uid);
    return answer(*call.responder, 200, base::dump_json(status) + "\n");
  }
  answer_object(call, {.resource = call.resource, .representation = call.representation},
                removed->object);
}

void handle_delete_collection(ApiRequest& call) {
  const auto request = delete_request(call);
  if (!request) return answer(*call.responder, request.error());
  const auto selection = Selection::parse(call);
  if (!selection) return answer(*call.responder, selection.error());
  const auto listing = call.services.objects.store().list(call.resource->storage, call.info.ns);
  std::vector<storage::ObjectPtr> removed;
  for (const auto& object : listing.items) {
    if (!selection->matches(*object)) continue;
    objects::Target target = call.target();
    target.ns = object->key.ns;
    target.name = object->key.name;
    auto outcome = call.services.objects.remove(target, *request);
    // Somebody else deleted it first: that is what was asked for.
    if (!outcome && outcome.error().code == 404) continue;
    if (!outcome) return answer(*call.responder, outcome.error());
    removed.push_back(outcome->object);
  }
  const json metadata = {{"resourceVersion", std::to_string(listing.revision)}};
  answer_list(call, {.resource = call.resource, .representation = call.representation},
              std::move(removed), metadata, now_of(call));
}

}  // namespace kube::server::rest
