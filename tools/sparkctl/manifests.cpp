#include "tools/sparkctl/manifests.h"

#include <istream>

#include "base/files.h"
#include "base/json.h"
#include "base/yaml/yaml.h"
#include "config/names.h"

namespace sparkctl {
namespace {

using base::Code;
using nlohmann::json;

constexpr size_t kMaxFile = size_t{3} << 20;

base::Result<std::string> read_stream(std::istream& stream, const std::string& name) {
  std::string text(kMaxFile + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxFile)
    return base::failure(Code::TooLarge, "read " + name + ": longer than 3 MiB");
  return text;
}

const kube::ResourceType* type_of(const json& object) {
  for (const kube::ResourceType* type :
       {&config::scheduled_spark_applications(), &config::spark_applications(),
        &kube::config_maps(), &kube::secrets(), &kube::namespaces(),
        &kube::persistent_volume_claims()}) {
    if (base::string_at(object, {"kind"}) == type->kind &&
        base::string_at(object, {"apiVersion"}) == type->api_version()) {
      return type;
    }
  }
  return nullptr;
}

base::Status add(const json& object, const std::string& file, const std::string& ns, Others others,
                 std::vector<Manifest>& manifests) {
  const std::string kind = base::string_at(object, {"kind"});
  if (const json* items = base::find(object, {"items"});
      kind == "List" && items != nullptr && items->is_array()) {
    for (const json& item : *items)
      RETURN_IF_ERROR(add(item, file, ns, others, manifests));
    return {};
  }
  if (kind.empty()) {
    return base::failure(Code::InvalidArgument, file + ": a document without kind");
  }
  const kube::ResourceType* type = type_of(object);
  if (type == nullptr && others == Others::LeftOut) return {};
  if (type == nullptr) {
    return base::failure(Code::InvalidArgument,
                         file + ": sparkctl does not create a " + kind + " of " +
                             base::string_at(object, {"apiVersion"}) + "; use kubectl for it");
  }
  Manifest manifest{.type = *type, .object = object, .file = file};
  json& metadata = manifest.object["metadata"];
  if (!metadata.is_object() && !metadata.is_null()) {
    return base::failure(Code::InvalidArgument, file + ": metadata is no object");
  }
  if (type->namespaced && base::string_at(metadata, {"namespace"}).empty()) {
    metadata["namespace"] = ns;
  }
  manifests.push_back(std::move(manifest));
  return {};
}

}  // namespace

base::Result<std::vector<Manifest>> read_manifests(const std::vector<std::string>& files,
                                                   std::istream& standard_input,
                                                   const std::string& ns, Others others) {
  std::vector<Manifest> manifests;
  for (const std::string& file : files) {
    const std::string name = file == "-" ? "standard input" : file;
    auto text = file == "-" ? read_stream(standard_input, name) : base::read_file(file, kMaxFile);
    // What keeps a file from being read is no answer of a server's.
    if (!text && text.error().code != Code::NotFound)
      return base::failure(Code::InvalidArgument, text.error().message);
    if (!text) return base::failure(text.error());
    const auto documents = base::yaml::parse_all(*text);
    if (!documents) return base::failure(documents.error().with_context(name));
    for (const json& document : *documents)
      RETURN_IF_ERROR(add(document, name, ns, others, manifests));
  }
  if (manifests.empty() && others == Others::Refused)
    return base::failure(Code::InvalidArgument, "nothing to create");
  return manifests;
}

}  // namespace sparkctl
