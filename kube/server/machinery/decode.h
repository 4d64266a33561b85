#pragma once

// decode_json: a request body in JSON into a value, under limits, and the fields that it gives
// twice (JSON keeps the last one; people mostly meant something else). kubectl asks for
// fieldValidation=Strict, Warn or Ignore; check_fields answers what follows from it.
//
// Errors: 400 with the parser's position, 413 over the size. Threads: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

struct DecodedJson {
  Json value;
  std::vector<std::string> duplicate_fields;  // `spec.a`, `spec.list[0].b`
};

Outcome<DecodedJson> decode_json(std::string_view body, const base::JsonLimits& limits = {});

// 400: what it says of a body that nests deeper.
ApiError nested_too_deep(size_t limit);

enum class FieldValidation { Ignore, Warn, Strict };

// The query parameter: "" is Warn. Error 422 as Kubernetes.
Outcome<FieldValidation> parse_field_validation(std::string_view text);

// Strict and any problem: 400 `ScheduledSparkApplication in version "v1beta2" cannot be handled as
// a ScheduledSparkApplication: strict decoding error: unknown field "spec.foo"`. Warn: the texts
// for Warning headers (`unknown field "spec.foo"`, `duplicate field "spec.a"`). Ignore: nothing.
Outcome<std::vector<std::string>> check_fields(FieldValidation validation, const ResourceType& type,
                                               const std::vector<std::string>& duplicate_fields,
                                               const std::vector<std::string>& unknown_fields);
// `strict decoding error: unknown field "spec.foo", duplicate field "spec.a"`; "" if there is none.
std::string strict_decoding_error(const std::vector<std::string>& duplicate_fields,
                                  const std::vector<std::string>& unknown_fields);

// 299 - "<text>", quoted for a Warning header.
std::string warning_header(std::string_view text);

}  // namespace kube::server::machinery
