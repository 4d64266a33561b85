#include "runner/node/preparation.h"

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json.h"
#include "runner/node/command.h"
#include "runner/node/durations.h"
#include "runner/node/environment.h"
#include "runner/node/processes.h"
#include "runner/node/volumes.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;
namespace fs = std::filesystem;

constexpr const char* kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

// A Spark of PyPI lives in a virtual environment whose python it needs.
std::string search_path(const NodeOptions& options) {
  std::string path;
  const fs::path home = options.spark_home;
  if (home.parent_path().filename() == "site-packages") {
    const fs::path bin = home.parent_path().parent_path().parent_path().parent_path() / "bin";
    if (base::path_exists(bin / "python3")) path = bin.string() + ":";
  }
  if (!options.java_home.empty()) path += options.java_home + "/bin:";
  return path.append(kSearchPath);
}

class Preparation {
 public:
  Preparation(const PodRecord& record, const PodFiles& files, const NodeOptions& options,
              kube::Api& api)
      : record_(record),
        files_(files),
        options_(options),
        token_(options.token ? options.token(record.pod) : std::string()),
        sources_(api, record.pod,
                 {.pod_ip = record.address, .host_ip = "127.0.0.1", .node_name = options.name}) {}

  base::Result<Launch> run() {
    const VolumeContext context{
        .files = files_, .claims_folder = options_.data_dir / "claims", .token = token_};
    ASSIGN_OR_RETURN(folders_, materialise_volumes(sources_, context));
    RETURN_IF_ERROR(base::make_folders(home()));
    constexpr std::chrono::seconds kGrace{30};
    Launch launch{
        .uid = record_.uid,
        .grace = seconds_at(record_.pod, {"spec", "terminationGracePeriodSeconds"}, kGrace),
        .log_limit = options_.log_limit,
        .bell = (options_.data_dir / "bell").string()};
    if (base::integer_at(record_.pod, {"spec", "activeDeadlineSeconds"}))
      launch.deadline =
          record_.start_time + seconds_at(record_.pod, {"spec", "activeDeadlineSeconds"}, {});
    for (const char* kind : {"initContainers", "containers"}) {
      const Json* containers = base::find(record_.pod, {"spec", kind});
      if (containers == nullptr || !containers->is_array()) continue;
      for (const Json& container : *containers) {
        auto one = prepare_container(container, std::string_view(kind) == "initContainers");
        if (!one)
          return failure(one.error().with_context("container \"" +
                                                  base::string_at(container, {"name"}) + "\""));
        launch.containers.push_back(std::move(*one));
      }
    }
    return launch;
  }

 private:
  [[nodiscard]] fs::path home() const { return files_.folder / "home"; }

  // Where the API's credentials lie for pods that ask for them the way they do in a cluster. An
  // executor has no business with the API and gets none.
  base::Result<fs::path> service_account() {
    const fs::path folder = files_.folder / "serviceaccount";
    RETURN_IF_ERROR(base::make_folders(folder));
    RETURN_IF_ERROR(base::write_plainly(folder / "token", token_, 0600));
    RETURN_IF_ERROR(base::write_plainly(folder / "namespace", record_.key.ns, 0600));
    if (!options_.ca_file.empty()) {
      ASSIGN_OR_RETURN(const std::string certificates, base::read_file(options_.ca_file));
      RETURN_IF_ERROR(base::write_plainly(folder / "ca.crt", certificates, 0600));
    }
    return folder;
  }

  base::Result<Environment> environment_of(const Json& container, const PathMap& paths,
                                           const fs::path& folder) {
    const std::string name = base::string_at(container, {"name"});
    const std::string temporary = (folder / "tmp").string();
    Environment chosen = {{"PATH", search_path(options_)},
                          {"HOME", home().string()},
                          {"LANG", "C.UTF-8"},
                          {"HOSTNAME", record_.key.name},
                          {"TMPDIR", temporary},
                          {"SPARK_HOME", options_.spark_home}};
    if (!options_.java_home.empty()) chosen["JAVA_HOME"] = options_.java_home;
    const Environment forced = {{"KUBECONFIG", "/dev/null"},
                                {"SPARK_LOCAL_IP", record_.address},
                                {kPodMarker, record_.uid + "/" + name}};
    ASSIGN_OR_RETURN(Environment environment,
                     build_environment(container, sources_, paths, chosen, forced));
    if (kind_of(container) == ContainerKind::SparkDriver) {
      // The JVM's own folder for temporary files; what the user says comes later and wins.
      std::string& options = environment["SPARK_SUBMIT_OPTS"];
      options = "-Djava.io.tmpdir=" + temporary + (options.empty() ? "" : " " + options);
    }
    return environment;
  }

  // The driver's spark.properties with this machine's paths. Reads what the volume holds and puts
  // the rewritten text in its place; the volume was just made anew.
  base::Result<base::Properties> properties_of(const Json& container, const PathMap& paths) {
    const std::string given = properties_file(container);
    if (kind_of(container) != ContainerKind::SparkDriver || given.empty())
      return base::Properties{};
    const fs::path file = paths.rewrite(given);
    auto text = base::read_plain_file(file);
    if (!text) return failure(text.error());
    const std::string rewritten = paths.rewrite_properties(*text);
    // Only inside the pod's own folder: a file of the machine is not ours to change.
    if (file.string().starts_with(files_.folder.string() + "/"))
      RETURN_IF_ERROR(base::write_plainly(file, rewritten, 0600));
    return base::parse_properties(rewritten);
  }

  base::Result<std::string> working_folder(const Json& container, const PathMap& paths,
                                           const fs::path& folder) {
    const std::string given = base::string_at(container, {"workingDir"});
    // Spark's image works in a folder of its own below its home: that is private here.
    if (given.empty() || given == "/opt/spark/work-dir") return (folder / "cwd").string();
    const fs::path path = paths.rewrite(given);
    const auto kind = base::kind_of_path(path);
    if (!kind)
      return failure(Code::InvalidArgument, "workingDir " + given + ": " + kind.error().message);
    if (*kind != base::PathKind::Folder)
      return failure(Code::InvalidArgument,
                     "workingDir " + given + " does not exist on this machine");
    return path.string();
  }

  base::Result<ContainerLaunch> prepare_container(const Json& container, bool init) {
    const std::string name = base::string_at(container, {"name"});
    const fs::path folder = files_.container(name);
    RETURN_IF_ERROR(base::make_folders(folder / "cwd"));
    RETURN_IF_ERROR(base::make_folders(folder / "tmp"));
    PathMap paths;
    paths.add("/opt/spark/work-dir", (folder / "cwd").string());
    paths.add("/opt/spark", options_.spark_home);
    paths.add(termination_path(container), (folder / "termination-log").string());
    const ContainerKind kind = kind_of(container);
    const bool wants_token =
        kind != ContainerKind::SparkExecutor && !token_.empty() &&
        base::bool_at(record_.pod, {"spec", "automountServiceAccountToken"}).value_or(true);
    if (wants_token) {
      ASSIGN_OR_RETURN(const fs::path account, service_account());
      paths.add(kServiceAccountFolder, account.string());
    }
    // subPathExpr sees the environment, whose paths need the mounts: names first, paths second.
    ASSIGN_OR_RETURN(const Environment plain,
                     build_environment(container, sources_, PathMap(), {}, {}));
    RETURN_IF_ERROR(add_mounts(container, folders_, plain, paths));
    ASSIGN_OR_RETURN(const Environment environment, environment_of(container, paths, folder));
    ASSIGN_OR_RETURN(const base::Properties properties, properties_of(container, paths));
    ASSIGN_OR_RETURN(const std::string cwd, working_folder(container, paths, folder));
    const fs::path account = files_.folder / "serviceaccount";
    const CommandContext context{
        .spark_home = options_.spark_home,
        .java_home = options_.java_home,
        .pod_ip = record_.address,
        .api_url = options_.api_url,
        .token_file = wants_token ? (account / "token").string() : "",
        .ca_file = wants_token && !options_.ca_file.empty() ? (account / "ca.crt").string() : "",
        .temporary_folder = (folder / "tmp").string()};
    const bool stays = base::string_at(container, {"restartPolicy"}) == "Always";
    return ContainerLaunch{
        .name = name,
        .role =
            !init ? ContainerRole::Main : (stays ? ContainerRole::Sidecar : ContainerRole::Init),
        .arguments = build_command(container, environment, paths, properties, context),
        .environment = to_strings(environment),
        .working_folder = cwd,
        .log = files_.log(name).string()};
  }

  static std::string termination_path(const Json& container) {
    const std::string given = base::string_at(container, {"terminationMessagePath"});
    return given.empty() ? "/dev/termination-log" : given;
  }

  const PodRecord& record_;
  const PodFiles& files_;
  const NodeOptions& options_;
  const std::string token_;
  Sources sources_;
  VolumeFolders folders_;
};

}  // namespace

base::Result<Launch> prepare(const PodRecord& record, const PodFiles& files,
                             const NodeOptions& options, kube::Api& api) {
  return Preparation(record, files, options, api).run();
}

base::Status renew_token(const PodRecord& record, const PodFiles& files,
                         const NodeOptions& options) {
  const fs::path file = files.folder / "serviceaccount" / "token";
  if (!options.token || !base::path_exists(file)) return {};
  const std::string token = options.token(record.pod);
  if (token.empty() || base::read_own_file(file).value_or("") == token) return {};
  return base::write_durably(file, token, 0600);
}

}  // namespace runner::node
