#include "tools/sparkctl/connect.h"

#include <filesystem>
#include <vector>

namespace sparkctl {
namespace {

std::vector<std::string> split_path_list(const std::string& list) {
  std::vector<std::string> paths;
  size_t begin = 0;
  while (begin <= list.size()) {
    const size_t end = std::min(list.find(':', begin), list.size());
    if (end > begin) paths.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

// Where kubectl's and our own service's files are when nobody says otherwise.
std::vector<std::string> default_files(const Environment& environment) {
  std::vector<std::string> files;
  const std::string home = environment("HOME");
  if (!home.empty()) files.push_back(home + "/.kube/config");
  if (const std::string data = environment("XDG_DATA_HOME"); !data.empty()) {
    files.push_back(data + "/sparkcron/kubeconfig");
  } else if (!home.empty()) {
    files.push_back(home + "/.local/share/sparkcron/kubeconfig");
  }
  return files;
}

}  // namespace

base::Result<kube::Connection> find_connection(const ConnectOptions& options,
                                               const Environment& environment) {
  if (!options.kubeconfig.empty()) {
    return kube::load_kubeconfig({options.kubeconfig}, options.context);
  }
  if (const auto listed = split_path_list(environment("KUBECONFIG")); !listed.empty()) {
    return kube::load_kubeconfig(listed, options.context);
  }
  const std::vector<std::string> files = default_files(environment);
  for (const std::string& file : files) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) {
      return kube::load_kubeconfig({file}, options.context);
    }
  }
  auto in_cluster = kube::load_in_cluster({.host = environment("KUBERNETES_SERVICE_HOST"),
                                           .port = environment("KUBERNETES_SERVICE_PORT")});
  if (in_cluster) return in_cluster;
  std::string looked;
  for (const std::string& file : files)
    looked += (looked.empty() ? "" : ", ") + file;
  return base::failure(base::Code::NotFound,
                       "no kubeconfig (looked at " + (looked.empty() ? "nothing" : looked) +
                           "); sparkcron standalone writes one, or name one with --kubeconfig");
}

}  // namespace sparkctl
