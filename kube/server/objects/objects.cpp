#include "kube/server/objects/objects.h"

#include "base/json.h"
#include "kube/server/objects/identity.h"
#include "kube/server/objects/validation.h"

namespace kube::server::objects {
namespace {

using machinery::ApiError;
using machinery::DecodedJson;
using machinery::refuse;
using storage::Change;
using storage::ObjectPtr;
using types::Resource;

constexpr int kNameAttempts = 8;     // for generateName, as kube-apiserver
constexpr int kWriteAttempts = 100;  // each lost race means that somebody else got ahead

bool is_race(const ApiError& error) {
  return error.code == 409 && error.reason == "Conflict";
}

}  // namespace

ApiError store_error(const base::Error& error, const Resource& resource, const std::string& name) {
  switch (error.code) {
    case base::Code::NotFound:
      return machinery::not_found(resource.type, name);
    case base::Code::AlreadyExists:
      return machinery::already_exists(resource.type, name);
    case base::Code::Conflict:
      return machinery::modified_conflict(resource.type, name);
    case base::Code::Unavailable:
      // After a failed sync nobody knows, and the text says so itself.
      return machinery::unavailable(error.message.starts_with("it is unknown")
                                        ? error.message
                                        : "nothing was stored: " + error.message);
    default:
      return machinery::from_error(error);
  }
}

json Objects::served(const Resource& resource, const storage::Object& object,
                     std::span<const std::string_view> leave_out) {
  json value = object.parse(leave_out);
  resource.to_served(value);
  return value;
}

storage::Key Objects::key_of(const Target& target) {
  return {.resource = target.resource->storage,
          .ns = target.resource->type.namespaced ? target.ns : "",
          .name = target.name};
}

Circumstances Objects::circumstances() const {
  return {.now = clock_.now(),
          .uid = new_uid(),
          .name_suffix = new_name_suffix(),
          .object_bytes = store_.object_bytes()};
}

Outcome<ObjectPtr> Objects::get(const Target& target) const {
  ObjectPtr object = store_.get(key_of(target));
  if (!object) return refuse(machinery::not_found(target.resource->type, target.name));
  return object;
}

Outcome<void> Objects::check_namespace(const Target& target, const std::string& name) const {
  const kube::ResourceType& type = target.resource->type;
  if (!type.namespaced) return {};
  const ObjectPtr ns = store_.get({.resource = "namespaces", .ns = "", .name = target.ns});
  if (!ns) return refuse(machinery::not_found(kube::namespaces(), target.ns));
  if (!ns->indexed.deleting) return {};
  ApiError error = machinery::forbidden(
      type, name,
      "unable to create new content in namespace " + target.ns + " because it is being terminated");
  error.causes.push_back({.reason = "NamespaceTerminating",
                          .message = "namespace " + target.ns + " is being terminated",
                          .field = "metadata.namespace"});
  return refuse(std::move(error));
}

Outcome<Written> Objects::create(const Target& target, const DecodedJson& body,
                                 const WriteOptions& options) {
  if (!target.resource->refusal.empty()) {
    return refuse(machinery::forbidden(target.resource->type,
                                       base::string_at(body.value, {"metadata", "name"}),
                                       target.resource->refusal));
  }
  if (auto right = check_readable(*target.resource, body.value); !right)
    return refuse(right.error());
  for (int attempt = 1;; ++attempt) {
    auto prepared = prepare_create(*target.resource, target.ns, body, options, circumstances());
    if (!prepared) return refuse(prepared.error());
    const bool generated = base::string_at(body.value, {"metadata", "name"}).empty();
    auto written = store_new(target, std::move(*prepared), options.dry_run);
    if (written || !generated || written.error().reason != "AlreadyExists" ||
        attempt == kNameAttempts) {
      return written;
    }
  }
}

Outcome<Written> Objects::store_new(const Target& target, Prepared prepared, bool dry_run) {
  const Resource& resource = *target.resource;
  Target named = target;
  named.name = base::string_at(prepared.object, {"metadata", "name"});
  if (auto right = check_namespace(named, named.name); !right) return refuse(right.error());
  if (resource.terminating) {
    ApiError error = machinery::method_not_supported(resource.type);
    error.message = "create not allowed while custom resource definition is terminating";
    return refuse(std::move(error));
  }
  const storage::Key key = key_of(named);
  const auto catalog = catalogs_.current();
  const auto stored = catalog->find_stored(resource.storage);
  auto indexed =
      types::indexed_fields(prepared.object, (stored ? *stored : resource).selectable_fields);
  Written result{.object = nullptr, .created = true, .warnings = std::move(prepared.warnings)};
  storage::WriteRequest request{.change = Change::Created,
                                .key = key,
                                .expected = 0,
                                .object = std::make_shared<json>(std::move(prepared.object)),
                                .indexed = std::move(indexed)};
  if (dry_run) {
    if (store_.get(key)) return refuse(machinery::already_exists(resource.type, named.name));
    return imagined(std::move(result), std::move(request), resource);
  }
  auto written = store_.write(std::move(request));
  if (!written) {
    ApiError error = store_error(written.error(), resource, named.name);
    const ObjectPtr present = error.reason == "AlreadyExists" ? store_.get(key) : nullptr;
    if (present && present->indexed.deleting)
      error.message = "object is being deleted: " + error.message;
    return refuse(std::move(error));
  }
  result.object = std::move(*written);
  return result;
}

// What a dry run answers: as if it had been stored, under the revision that it would replace.
Outcome<Written> Objects::imagined(Written result, storage::WriteRequest request,
                                   const Resource& resource) const {
  if (auto room = store_.check_room(request); !room)
    return refuse(store_error(room.error(), resource, request.key.name));
  auto object = std::make_shared<storage::Object>();
  object->text = base::dump_json(*request.object);
  object->key = std::move(request.key);
  object->indexed = std::move(request.indexed);
  result.object = std::move(object);
  return result;
}

Outcome<Written> Objects::store_change(const Target& target, const ObjectPtr& live,
                                       Prepared prepared, bool dry_run) {
  const Resource& resource = *target.resource;
  Written result{.object = live, .created = false, .warnings = std::move(prepared.warnings)};
  if (!prepared.changed && !prepared.finished) return result;
  const auto catalog = catalogs_.current();
  const auto stored = catalog->find_stored(resource.storage);
  auto indexed =
      types::indexed_fields(prepared.object, (stored ? *stored : resource).selectable_fields);
  storage::WriteRequest request{.change = prepared.finished ? Change::Deleted : Change::Updated,
                                .key = live->key,
                                .expected = live->revision,
                                .object = std::make_shared<json>(std::move(prepared.object)),
                                .indexed = std::move(indexed)};
  if (dry_run) return imagined(std::move(result), std::move(request), resource);
  auto written = store_.write(std::move(request));
  if (!written) return refuse(store_error(written.error(), resource, target.name));
  result.object = std::move(*written);
  return result;
}

// Reads, computes and writes until no other write came between. A client that names a
// resourceVersion does not want that: its attempt then fails on the second reading.
Outcome<Written> Objects::write_until_accepted(const Target& target, const Attempt& attempt,
                                               bool dry_run) {
  for (int round = 1;; ++round) {
    const ObjectPtr live = store_.get(key_of(target));
    if (!live) return refuse(machinery::not_found(target.resource->type, target.name));
    auto prepared = attempt(served(*target.resource, *live));
    if (!prepared) return refuse(prepared.error());
    auto written = store_change(target, live, std::move(*prepared), dry_run);
    if (written || !is_race(written.error()) || round == kWriteAttempts) return written;
  }
}

Outcome<Written> Objects::update(const Target& target, const DecodedJson& body,
                                 const WriteOptions& options) {
  const Resource& resource = *target.resource;
  if (auto right = check_readable(resource, body.value); !right) return refuse(right.error());
  const bool versioned = !base::string_at(body.value, {"metadata", "resourceVersion"}).empty();
  if (resource.custom && !versioned && store_.get(key_of(target))) {
    return refuse(
        machinery::invalid(resource.type, target.name,
                           {machinery::FieldError::invalid("metadata.resourceVersion", 0,
                                                           "must be specified for an update")}));
  }
  if (resource.rules.create_on_update && target.part == Part::Main && !store_.get(key_of(target))) {
    return create(target, body, options);
  }
  return write_until_accepted(
      target,
      [&](const json& live) {
        return prepare_update(resource, live, body, target.part, options, circumstances());
      },
      options.dry_run);
}

Outcome<Written> Objects::change(const Target& target, const WriteOptions& options,
                                 const std::function<Outcome<void>(json&)>& edit) {
  return write_until_accepted(
      target,
      [&](const json& live) -> Outcome<Prepared> {
        json edited = live;
        if (auto right = edit(edited); !right) return refuse(right.error());
        return prepare_update(*target.resource, live,
                              {.value = std::move(edited), .duplicate_fields = {}}, target.part,
                              options, circumstances());
      },
      options.dry_run);
}

Outcome<ObjectPtr> Objects::edit_raw(const storage::Key& key,
                                     const std::function<bool(json&)>& edit) {
  const auto resource = catalogs_.current()->find_stored(key.resource);
  if (!resource) return refuse(machinery::resource_not_found());
  for (int round = 1;; ++round) {
    ObjectPtr live = store_.get(key);
    if (!live) return refuse(machinery::not_found(resource->type, key.name));
    auto object = std::make_shared<json>(live->parse());
    if (!edit(*object)) return live;
    auto indexed = types::indexed_fields(*object, resource->selectable_fields);
    auto written = store_.write({.change = Change::Updated,
                                 .key = key,
                                 .expected = live->revision,
                                 .object = std::move(object),
                                 .indexed = std::move(indexed)});
    if (written) return *written;
    if (written.error().code != base::Code::Conflict || round == kWriteAttempts) {
      return refuse(store_error(written.error(), *resource, key.name));
    }
  }
}

Outcome<void> Objects::remove_raw(const ObjectPtr& object) {
  auto written = store_.write({.change = Change::Deleted,
                               .key = object->key,
                               .expected = object->revision,
                               .object = nullptr,
                               .indexed = {}});
  if (written) return {};
  const auto resource = catalogs_.current()->find_stored(object->key.resource);
  if (!resource) return refuse(machinery::from_error(written.error()));
  return refuse(store_error(written.error(), *resource, object->key.name));
}

}  // namespace kube::server::objects
