#pragma once

// Which form of an object a client takes, from its Accept header: JSON or YAML, the Table that
// kubectl get shows, metadata alone, or discovery in one document.
//
// Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

namespace kube::server::rest {

enum class Form { Json, Table, Metadata };
enum class Syntax { Json, Yaml };

struct Representation {
  Form form = Form::Json;
  std::string meta_version = "v1";  // of meta.k8s.io, for Table and Metadata
  Syntax syntax = Syntax::Json;     // Yaml for whole objects only
};

// nullopt: nothing that this server can make (406).
std::optional<Representation> negotiate(std::string_view accept);
// "v2" or "v2beta1" when the client asks for aggregated discovery first; "" for the old form.
std::string aggregated_discovery_version(std::string_view accept);
// The media type without parameters, in lower case.
std::string media_type(std::string_view content_type);

}  // namespace kube::server::rest
