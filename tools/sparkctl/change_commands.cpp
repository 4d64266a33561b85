#include <memory>
#include <ostream>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/manifests.h"
#include "tools/sparkctl/upload.h"

namespace sparkctl {

base::Status create(Session& session, const std::vector<std::string>& files,
                    const UploadOptions& uploading) {
  ASSIGN_OR_RETURN(std::vector<Manifest> manifests, read_manifests(files, session.in, session.ns));
  std::unique_ptr<Upload> upload;
  if (uploading.wanted) {
    ASSIGN_OR_RETURN(upload, Upload::open(session, uploading));
    RETURN_IF_ERROR(upload->send(manifests));
  }
  for (size_t i = 0; i < manifests.size(); ++i) {
    const Manifest& manifest = manifests[i];
    const auto created = session.api.create(manifest.type, manifest.object);
    if (!created) {
      if (upload) upload->undo();
      return base::failure(created.error());
    }
    if (upload) upload->adopt(i, *created);
    session.out << display_name(manifest.type, kube::key_of(*created).name) << " created\n";
  }
  return {};
}

base::Status create_from(Session& session, const std::string& name, const std::string& schedule) {
  ASSIGN_OR_RETURN(const kube::Json found, find_schedule(session, schedule));
  const kube::Json* spec = base::find(found, {"spec", "template"});
  if (spec == nullptr || !spec->is_object())
    return base::failure(base::Code::Refused, "schedule \"" + kube::key_of(found).name +
                                                  "\" has no spec.template to make a run from");
  const auto created = session.api.create(
      config::spark_applications(), {{"apiVersion", config::kApiVersion},
                                     {"kind", config::kApplicationKind},
                                     {"metadata", {{"name", name}, {"namespace", session.ns}}},
                                     {"spec", *spec}});
  if (!created) return base::failure(created.error());
  session.out << display_name(config::spark_applications(), name) << " created\n";
  return {};
}

base::Status remove(Session& session, const std::vector<std::string>& names) {
  for (const std::string& text : names) {
    ASSIGN_OR_RETURN(const Found found, find_schedule_or_run(session, text));
    const std::string name = kube::key_of(*found.object).name;
    // Exactly the object that was found, not a namesake that came meanwhile.
    const auto removed =
        session.api.remove(found.type, {session.ns, name}, {.uid = kube::uid_of(*found.object)});
    if (!removed) return base::failure(removed.error());
    session.out << display_name(found.type, name) << " deleted\n";
  }
  return {};
}

base::Status set_suspension(Session& session, const std::vector<std::string>& names,
                            Suspension suspension) {
  const bool suspend = suspension == Suspension::Suspend;
  const kube::ResourceType& type = config::scheduled_spark_applications();
  for (const std::string& text : names) {
    ASSIGN_OR_RETURN(const kube::Json schedule, find_schedule(session, text));
    const std::string name = kube::key_of(schedule).name;
    const auto patched = session.api.patch(type, {session.ns, name}, kube::PatchType::MergePatch,
                                           {{"spec", {{"suspend", suspend}}}});
    if (!patched) return base::failure(patched.error());
    session.out << display_name(type, name) << (suspend ? " suspended\n" : " resumed\n");
  }
  return {};
}

}  // namespace sparkctl
