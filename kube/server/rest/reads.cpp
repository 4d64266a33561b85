// get and list.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "kube/server/rest/continuation.h"
#include "kube/server/rest/options.h"
#include "kube/server/rest/selection.h"
#include "kube/server/rest/verbs.h"
#include "kube/server/rest/view.h"

namespace kube::server::rest {
namespace {

using machinery::refuse;
using nlohmann::json;
using storage::Listing;
using storage::ObjectPtr;

constexpr const char* kExpired =
    "The provided continue parameter is too old to display a consistent list result. You must "
    "start a new list without the continue parameter, or use the continue token in this response "
    "to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first "
    "chunk was returned and now may show up in the list.";

Outcome<View> view_of(const ApiRequest& call) {
  auto include = machinery::parse_include_object(call.parameter("includeObject"));
  if (!include) return refuse(include.error());
  return View{
      .resource = call.resource, .representation = call.representation, .include = *include};
}

std::chrono::sys_seconds now_of(const ApiRequest& call) {
  return std::chrono::floor<std::chrono::seconds>(call.services.clock.now());
}

ApiError too_new(int64_t asked, int64_t current) {
  ApiError error = machinery::timed_out("Too large resource version: " + std::to_string(asked) +
                                            ", current: " + std::to_string(current),
                                        1);
  error.causes.push_back(
      {.reason = "ResourceVersionTooLarge", .message = "Too large resource version", .field = ""});
  return error;
}

struct Page {
  Listing listing;
  std::optional<Continuation> after;
};

// What the parameters resourceVersion, resourceVersionMatch and continue ask for.
Outcome<Page> read_state(const ApiRequest& call) {
  storage::ObjectStore& store = call.services.objects.store();
  const std::string& resource = call.resource->storage;
  auto asked = number_parameter(call, "resourceVersion");
  if (!asked) return refuse(asked.error());
  const std::string token = call.parameter("continue");
  if (!token.empty()) {
    const auto after = decode_continuation(token);
    if (!after) return refuse(machinery::bad_request("continue key is not valid"));
    if (*asked && **asked != 0) {
      return refuse(
          machinery::bad_request("specifying resource version is not allowed when using continue"));
    }
    if (after->revision == Continuation::kPresent)
      return Page{.listing = store.list(resource, call.info.ns), .after = after};
    auto listing = store.list_at(resource, call.info.ns, after->revision);
    if (!listing) {
      ApiError error = machinery::expired(kExpired);
      error.continue_token =
          encode({.revision = Continuation::kPresent, .ns = after->ns, .name = after->name});
      return refuse(std::move(error));
    }
    return Page{.listing = std::move(*listing), .after = after};
  }
  if (*asked && **asked > store.revision()) return refuse(too_new(**asked, store.revision()));
  if (call.parameter("resourceVersionMatch") == "Exact") {
    auto listing = store.list_at(resource, call.info.ns, **asked);
    if (!listing) return refuse(machinery::expired("The provided resource version is too old."));
    return Page{.listing = std::move(*listing), .after = std::nullopt};
  }
  // Memory always holds the newest state, which satisfies every other wish.
  return Page{.listing = store.list(resource, call.info.ns), .after = std::nullopt};
}

// Cuts the listing to what is selected, after the last page and within the limit and the size of a
// page. A page has one object at least.
json select_page(Page& page, const Selection& selection, int64_t limit, size_t page_bytes) {
  json metadata = {{"resourceVersion", std::to_string(page.listing.revision)}};
  std::vector<ObjectPtr> chosen;
  int64_t remaining = 0;
  size_t bytes = 0;
  for (ObjectPtr& object : page.listing.items) {
    if (page.after &&
        std::tie(object->key.ns, object->key.name) <= std::tie(page.after->ns, page.after->name)) {
      continue;
    }
    if (!selection.matches(*object)) continue;
    const bool full = remaining > 0 || static_cast<int64_t>(chosen.size()) == limit ||
                      (!chosen.empty() && bytes + object->text.size() > page_bytes);
    if (limit > 0 && full) {
      ++remaining;
    } else {
      bytes += object->text.size();
      chosen.push_back(std::move(object));
    }
  }
  if (remaining > 0) {
    metadata["continue"] = encode({.revision = page.listing.revision,
                                   .ns = chosen.back()->key.ns,
                                   .name = chosen.back()->key.name});
    if (selection.everything()) metadata["remainingItemCount"] = remaining;
  }
  page.listing.items = std::move(chosen);
  return metadata;
}

}  // namespace

void handle_get(ApiRequest& call) {
  const auto view = view_of(call);
  if (!view) return answer(*call.responder, view.error());
  const auto asked = number_parameter(call, "resourceVersion");
  if (!asked) return answer(*call.responder, asked.error());
  const int64_t current = call.services.objects.store().revision();
  if (*asked && **asked > current) return answer(*call.responder, too_new(**asked, current));
  const auto object = call.services.objects.get(call.target());
  if (!object) return answer(*call.responder, object.error());
  answer_object(call, *view, *object);
}

void handle_list(ApiRequest& call) {
  if (auto right = check_list_options(call); !right) return answer(*call.responder, right.error());
  const auto view = view_of(call);
  if (!view) return answer(*call.responder, view.error());
  const auto selection = Selection::parse(call);
  if (!selection) return answer(*call.responder, selection.error());
  const auto limit = number_parameter(call, "limit");
  if (!limit) return answer(*call.responder, limit.error());
  auto page = read_state(call);
  if (!page) return answer(*call.responder, page.error());
  const json metadata =
      select_page(*page, *selection, limit->value_or(0), call.services.page_bytes);
  answer_list(call, *view, std::move(page->listing.items), metadata, now_of(call));
}

}  // namespace kube::server::rest
