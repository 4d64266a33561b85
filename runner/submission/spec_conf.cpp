#include "runner/submission/spec_conf.h"

#include <array>
#include <optional>

#include "runner/submission/conf_resolution.h"
#include "runner/submission/memory.h"

namespace runner::submission {
namespace {

struct ListKey {
  const char* field;
  const char* key;
  bool paths;
};
constexpr std::array kDependencies = {
    ListKey{"jars", "spark.jars", true},
    ListKey{"packages", "spark.jars.packages", false},
    ListKey{"excludePackages", "spark.jars.excludes", false},
    ListKey{"repositories", "spark.jars.repositories", false},
    ListKey{"pyFiles", "spark.submit.pyFiles", true},
    ListKey{"files", "spark.files", true},
    ListKey{"archives", "spark.archives", true},
};

// Sizes that Spark reads: here too people may write 1Gi.
constexpr std::array kSizes = {
    "spark.driver.memory",           "spark.driver.memoryOverhead",
    "spark.driver.maxResultSize",    "spark.driver.minMemoryOverhead",
    "spark.executor.memory",         "spark.executor.memoryOverhead",
    "spark.executor.pyspark.memory", "spark.executor.minMemoryOverhead",
    "spark.memory.offHeap.size",
};
constexpr std::array kCounts = {"spark.driver.cores", "spark.executor.cores",
                                "spark.executor.instances"};

// The values that a submission looks at: Spark's own words for them name neither field nor value.
void check_amounts(Fields& spec, Conf& user) {
  for (const char* key : kSizes) {
    const auto at = user.find(key);
    if (at == user.end() || at->second.find("${") != std::string::npos) continue;
    const std::optional<std::string> size = spark_size(at->second);
    if (!size || !parse_size(*size, SizeUnit::Byte)) {
      spec.complain(
          "sparkConf",
          std::string(key) + " must be a size such as 512m, 2g or 1Gi, not \"" + at->second + "\"");
    } else {
      at->second = *size;
    }
  }
  for (const char* key : kCounts) {
    const std::string* text = find(user, key);
    if (text == nullptr || text->find("${") != std::string::npos) continue;
    const auto number = integer_or(user, key, 0);
    if (!number || *number <= 0) {
      spec.complain("sparkConf",
                    std::string(key) + " must be a whole number over zero, not \"" + *text + "\"");
    }
  }
}

void refuse_local(Fields& spec, const std::string& field, const std::string& path, FileUris files) {
  if (!on_submitting_machine(path, files)) return;
  if (files == FileUris::Pods)
    return spec.complain(field, "is no whole path, and nobody knows from which folder: " + path +
                                    " (sparkctl create --upload sends files)");
  spec.complain(field, "is a file of the machine that submits, which cannot be reached: " + path +
                           " (local:// names a file of the image; sparkctl create --upload sends "
                           "files)");
}

}  // namespace

void add_user_conf(Fields& spec, Conf& conf) {
  Conf user = spec.text_map("sparkConf");
  check_amounts(spec, user);
  for (const auto& [key, value] : user)
    conf[key] = value;
  for (const auto& [key, value] : spec.text_map("hadoopConf"))
    conf["spark.hadoop." + key] = value;
}

void add_general_conf(Fields& spec, Conf& conf) {
  const auto set = [&conf](const char* key, const std::string& value) {
    if (!value.empty()) conf[key] = value;
  };
  set("spark.kubernetes.container.image", spec.text("image"));
  set("spark.kubernetes.container.image.pullPolicy", spec.text("imagePullPolicy"));
  set("spark.kubernetes.container.image.pullSecrets", join(spec.texts("imagePullSecrets"), ","));
  set("spark.kubernetes.pyspark.pythonVersion", spec.text("pythonVersion"));
  set("spark.kubernetes.memoryOverheadFactor", spec.text("memoryOverheadFactor"));
  conf["spark.kubernetes.submission.waitAppCompletion"] = "false";
}

void add_dynamic_allocation(Fields& spec, Conf& conf) {
  Fields dynamic = spec.child("dynamicAllocation");
  const bool enabled = dynamic.boolean("enabled").value_or(false);
  const auto set = [&conf, enabled](const char* key, const std::optional<int64_t>& value) {
    if (enabled && value) conf[key] = std::to_string(*value);
  };
  set("spark.dynamicAllocation.initialExecutors", dynamic.integer("initialExecutors"));
  set("spark.dynamicAllocation.minExecutors", dynamic.integer("minExecutors"));
  set("spark.dynamicAllocation.maxExecutors", dynamic.integer("maxExecutors"));
  set("spark.dynamicAllocation.shuffleTracking.timeout", dynamic.integer("shuffleTrackingTimeout"));
  const bool tracking = dynamic.boolean("shuffleTrackingEnabled").value_or(true);
  if (enabled) {
    conf["spark.dynamicAllocation.enabled"] = "true";
    conf["spark.dynamicAllocation.shuffleTracking.enabled"] = tracking ? "true" : "false";
  }
  dynamic.refuse_rest();
  spec.adopt(dynamic);
  if (lower(first_of(conf, {"spark.dynamicAllocation.enabled"})) != "true") {
    conf.try_emplace("spark.executor.instances", "1");
  }
}

void add_dependencies(Fields& spec, FileUris files, Conf& conf) {
  Fields deps = spec.child("deps");
  for (const ListKey& list : kDependencies) {
    const std::vector<std::string> entries = deps.texts(list.field);
    if (entries.empty()) continue;
    if (list.paths) {
      for (const std::string& path : entries)
        refuse_local(deps, list.field, path, files);
    }
    conf[list.key] = join(entries, ",");
  }
  deps.refuse_rest();
  spec.adopt(deps);
}

void add_main(Fields& spec, SubmitRequest& request, std::vector<std::string>& warnings) {
  const std::string mode = spec.text("mode");
  if (!mode.empty() && mode != "cluster") {
    spec.complain("mode",
                  "must be cluster: in " + mode + " mode the driver would run inside this service");
  }
  const std::string type = spec.text("type");
  request.main_class = spec.text("mainClass");
  request.main_resource = spec.text("mainApplicationFile");
  request.arguments = spec.texts("arguments");
  request.proxy_user = spec.text("proxyUser");
  if (request.main_resource.empty()) spec.complain("mainApplicationFile", "is required");
  refuse_local(spec, "mainApplicationFile", request.main_resource, request.file_uris);
  const Language language = language_of(request.main_resource);
  const bool jvm = type != "Python" && type != "R";
  if (type == "Python" && language != Language::Python) {
    spec.complain("mainApplicationFile", "must end in .py where spec.type is Python");
  } else if (type == "R" && language != Language::R) {
    spec.complain("mainApplicationFile", "must end in .R where spec.type is R");
  } else if (language == Language::Jvm && request.main_class.empty()) {
    spec.complain("mainClass", "is required for a Java or Scala application");
  } else if (jvm && !type.empty() && language != Language::Jvm) {
    warnings.push_back("spec.type is " + type + ", but Spark goes by the name of " +
                       request.main_resource);
  }
}

}  // namespace runner::submission
