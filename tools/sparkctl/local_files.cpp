#include "tools/sparkctl/local_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json.h"
#include "base/sha256.h"
#include "config/names.h"
#include "runner/submission/conf_resolution.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

// The key of a ConfigMap has no more.
constexpr size_t kMaxName = 253;
constexpr size_t kIdDigits = 32;

bool can_travel(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
         });
}

std::string id_of(const std::string& name, const std::string& bytes) {
  return base::sha256_hex(name + '\0' + bytes).substr(0, kIdDigits);
}

// "file:/x", "file:///x" and "x" name a path; "lib.zip#alias" has an alias.
LocalFile split(const std::string& written, const std::string& folder) {
  LocalFile file{};
  std::string_view path = written;
  if (const size_t hash = path.find('#'); hash != std::string_view::npos) {
    file.fragment = path.substr(hash);
    path = path.substr(0, hash);
  }
  if (const auto scheme = runner::submission::scheme_of(path); !scheme.empty()) {
    path.remove_prefix(scheme.size() + 1);
    if (path.starts_with("///")) path.remove_prefix(2);
  }
  const std::filesystem::path full(path);
  file.path = full.is_absolute() ? full.string() : (std::filesystem::path(folder) / full).string();
  file.name = full.filename().string();
  return file;
}

class Search {
 public:
  Search(Manifest& manifest, size_t most_bytes)
      : folder_(std::filesystem::path(manifest.file).parent_path().string()),
        most_bytes_(most_bytes) {}

  base::Status look_at(json& value, const std::string& field) {
    if (!value.is_string()) return {};
    const auto& written = value.get_ref<const std::string&>();
    if (written.empty() || !runner::submission::on_submitting_machine(
                               written, runner::submission::FileUris::Submitters))
      return {};
    LocalFile file = split(written, folder_);
    file.field = field;
    file.value = &value;
    const base::Status read = take(file);
    if (!read) return failure(read.error().with_context(field));
    found.push_back(std::move(file));
    return {};
  }

  std::vector<LocalFile> found;

 private:
  base::Status take(LocalFile& file) const {
    ASSIGN_OR_RETURN(const base::PathKind kind, base::kind_of_path(file.path));
    if (kind == base::PathKind::Folder)
      return failure(Code::InvalidArgument,
                     file.path + " is a folder: pack it into a .zip or .tar.gz");
    if (kind == base::PathKind::Other)
      return failure(Code::InvalidArgument, file.path + " is no regular file");
    if (!can_travel(file.name))
      return failure(Code::InvalidArgument,
                     file.path +
                         ": the name of a file that is sent may have letters, digits, "
                         "'.', '-' and '_' only");
    auto bytes = base::read_file(file.path, most_bytes_);
    if (!bytes && bytes.error().code == Code::Forbidden)
      return failure(Code::InvalidArgument, bytes.error().message);
    if (!bytes) return failure(bytes.error());
    file.bytes = bytes->size();
    file.id = id_of(file.name, *bytes);
    return {};
  }

  const std::string folder_;
  const size_t most_bytes_;
};

}  // namespace

base::Result<std::vector<LocalFile>> find_local_files(Manifest& manifest, size_t most_bytes) {
  Search search(manifest, most_bytes);
  const bool schedule = manifest.type == config::scheduled_spark_applications();
  if (!schedule && manifest.type != config::spark_applications()) return std::move(search.found);
  const std::string path = schedule ? "spec.template" : "spec";
  const json::json_pointer pointer(schedule ? "/spec/template" : "/spec");
  if (!manifest.object.contains(pointer)) return std::move(search.found);
  json* const spec = &manifest.object[pointer];
  if (!spec->is_object()) return std::move(search.found);
  if (const auto main = spec->find("mainApplicationFile"); main != spec->end())
    RETURN_IF_ERROR(search.look_at(*main, path + ".mainApplicationFile"));
  const auto deps = spec->find("deps");
  if (deps == spec->end() || !deps->is_object()) return std::move(search.found);
  for (const char* list : {"jars", "files", "pyFiles", "archives"}) {
    const auto entries = deps->find(list);
    if (entries == deps->end() || !entries->is_array()) continue;
    for (size_t i = 0; i < entries->size(); ++i)
      RETURN_IF_ERROR(
          search.look_at((*entries)[i], path + ".deps." + list + "[" + std::to_string(i) + "]"));
  }
  return std::move(search.found);
}

base::Result<std::string> read_again(const LocalFile& file) {
  ASSIGN_OR_RETURN(std::string bytes, base::read_file(file.path, file.bytes));
  if (id_of(file.name, bytes) != file.id)
    return failure(Code::Conflict, file.path + " has changed while it was read; try again");
  return bytes;
}

}  // namespace sparkctl
