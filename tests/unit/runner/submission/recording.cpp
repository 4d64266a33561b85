#include "tests/unit/runner/submission/recording.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "runner/submission/conf_to_objects.h"
#include "runner/submission/submit_arguments.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/submission/yaml_documents.h"

namespace runner::submission::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const SubmissionIds kIds = {.app_id = "spark-0123456789abcdef0123456789abcdef",
                            .unique_id = "a1b2c3d4e5f60718"};
constexpr base::WallTime kSubmitTime{std::chrono::milliseconds{1700000000123}};

// The files of a recording; binary ones are not text and stand for themselves.
std::map<std::string, std::string> files(const json& members, const std::string& folder) {
  std::map<std::string, std::string> found;
  for (const auto& [name, content] : members.items()) {
    found[folder + name] = content.is_string() ? content.get<std::string>() : "\xff\xfe";
  }
  return found;
}

// What the YAML reader of a line takes 0400 for.
LeadingZero leading_zeros(const std::string& version) {
  const bool octal = version.starts_with("3.2.") || version.starts_with("4.");
  return octal ? LeadingZero::Octal : LeadingZero::Decimal;
}

bool keeps_carriage_returns(const std::string& version) {
  return version < "3.3";
}

void sort_by(json& list, const char* key) {
  if (!list.is_array()) return;
  std::stable_sort(list.begin(), list.end(), [key](const json& a, const json& b) {
    return a.value(key, "") < b.value(key, "");
  });
}

// Order means something only among variables of one name; SPARK_LOCAL_DIRS lists a set.
void normalise_container(json& container) {
  sort_by(container["env"], "name");
  for (json& variable : container["env"]) {
    if (variable["name"] != "SPARK_LOCAL_DIRS") continue;
    auto dirs = split_list(variable["value"].get<std::string>());
    std::sort(dirs.begin(), dirs.end());
    variable["value"] = join(dirs, ",");
  }
  sort_by(container["volumeMounts"], "name");
  sort_by(container["volumeMounts"], "mountPath");
}

void normalise_pod(json& pod) {
  sort_by(pod["spec"]["volumes"], "name");
  normalise_container(pod["spec"]["containers"].back());
}

// spark.properties as sorted lines: this compares the escaping too.
void normalise_config_map(json& map) {
  if (!map["data"].contains("spark.properties")) return;
  std::istringstream text(map["data"]["spark.properties"].get<std::string>());
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);)
    lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  map["data"]["spark.properties"] = lines;
}

// Written out by old lines; a cluster stores the same with and without.
void drop_empty_maps(json& object) {
  for (const char* name : {"annotations", "labels", "nodeSelector"}) {
    if (object.is_object() && object.contains(name) && object[name].empty()) object.erase(name);
  }
}

void normalise(json& object) {
  if (object["kind"] == "Pod") {
    normalise_pod(object);
  } else {
    object["metadata"].erase("ownerReferences");
  }
  if (object["kind"] == "ConfigMap") normalise_config_map(object);
  drop_empty_maps(object["metadata"]);
  drop_empty_maps(object["spec"]);
  if (object["spec"].is_null()) object.erase("spec");
}

std::string key(const json& object) {
  return object["kind"].get<std::string>() + " " + object["metadata"]["name"].get<std::string>();
}

// Of a folder of tests/golden, what `name_of` finds in its entries.
std::vector<std::string> sorted_names(std::string (*name_of)(const fs::directory_entry&),
                                      const std::string& folder = "") {
  std::vector<std::string> names;
  for (const auto& entry :
       fs::directory_iterator(fs::path(SPARKCRON_SOURCE_DIR) / "tests/golden" / folder)) {
    if (std::string name = name_of(entry); !name.empty()) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  REQUIRE_FALSE(names.empty());
  return names;
}

json one_unique_id(const json& value) {
  std::string text = value.dump();
  for (const char* id : {"U2", "U3"}) {
    text = replace_all(std::move(text), "spark-drv-" + std::string(id), "spark-drv-U1");
    text = replace_all(std::move(text), "spark-" + std::string(id), "spark-U1");
  }
  return json::parse(text);
}

}  // namespace

std::vector<std::string> recorded_versions() {
  return sorted_names([](const fs::directory_entry& entry) {
    return entry.is_directory() ? entry.path().filename().string() : "";
  });
}

std::vector<std::string> recorded_cases(const std::string& version) {
  return sorted_names(
      [](const fs::directory_entry& entry) {
        return entry.path().extension() == ".json" ? entry.path().stem().string() : "";
      },
      version);
}

Recording load_recording(const std::string& version, const std::string& name) {
  return {version,
          json::parse(read_project_file("tests/golden/" + version + "/" + name + ".json"))};
}

base::Result<Submission> build(const Recording& recording) {
  SubmitRequest request;
  request.environment = recording.json["env"].get<std::map<std::string, std::string>>();
  request.os_user = recording.json["os_user"].get<std::string>();
  request.conf_files = files(recording.json["conf_files"], "");
  request.local_files = files(recording.json["files"], "$CASE_DIR/");
  auto arguments = recording.json["args"].get<std::vector<std::string>>();
  // Since 3.3 the shell script in front of spark-submit loses carriage returns.
  for (std::string& argument : arguments) {
    if (!keeps_carriage_returns(recording.version)) std::erase(argument, '\r');
  }
  ASSIGN_OR_RETURN(request, read_submit_arguments(arguments, std::move(request)));
  const auto driver_template =
      request.local_files.find(first_of(request.conf, {"spark.kubernetes.driver.podTemplateFile"}));
  if (driver_template != request.local_files.end()) {
    request.driver_template =
        read_yaml(driver_template->second, leading_zeros(recording.version)).front();
  }
  ASSIGN_OR_RETURN(const SparkVersion version, parse_spark_version(recording.version));
  return submission_from_conf(request, version, kIds, kSubmitTime);
}

json normalised_recording(const Recording& recording) {
  json objects = json::object();
  for (const json& sent : one_unique_id(recording.json["objects"])) {
    json object = sent["body"];
    const std::string path = sent["request"]["path"].get<std::string>();
    const std::string rest = path.substr(path.find("/namespaces/") + 12);
    object["metadata"]["namespace"] = rest.substr(0, rest.find('/'));
    normalise(object);
    const std::string id = key(object);
    objects[id] = std::move(object);
  }
  return objects;
}

json normalised(const Submission& submission) {
  json all = submission.before_pod;
  all.push_back(submission.driver_pod);
  std::string text = all.dump();
  text = replace_all(std::move(text), default_local_dir(kIds.app_id), "/var/data/spark-UUID");
  text = replace_all(std::move(text), kIds.app_id, "spark-APPID");
  text = replace_all(std::move(text), kIds.unique_id, "U1");
  text = replace_all(std::move(text), std::to_string(kSubmitTime.time_since_epoch().count()),
                     "SUBMIT_TIME");
  json objects = json::object();
  for (json& object : json::parse(text)) {
    normalise(object);
    const std::string id = key(object);
    objects[id] = std::move(object);
  }
  return objects;
}

std::string recorded_error(const Recording& recording) {
  std::string error = base::string_at(recording.json, {"result", "error"});
  error.erase(0, error.find(": ") == std::string::npos ? 0 : error.find(": ") + 2);
  constexpr std::string_view kRequirement = "requirement failed: ";
  if (error.starts_with(kRequirement)) error.erase(0, kRequirement.size());
  return error;
}

}  // namespace runner::submission::test
