#include "kube/server/machinery/decode.h"

#include <algorithm>

namespace kube::server::machinery {
namespace {

constexpr size_t kMaxDuplicates = 100;
constexpr size_t kMaxPath = 2048;  // of one of them: keys may be as long as the body

// Builds the value, counts depth and remembers fields given twice. The last one wins, as in every
// JSON reader that Kubernetes uses.
class Builder {
 public:
  Builder(const base::JsonLimits& limits, DecodedJson& out) : limits_(limits), out_(out) {}

  bool null() { return put(nullptr) != nullptr; }
  bool boolean(bool value) { return put(value) != nullptr; }
  bool number_integer(Json::number_integer_t value) { return put(value) != nullptr; }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value) != nullptr; }
  bool number_float(Json::number_float_t value, const Json::string_t&) {
    return put(value) != nullptr;
  }
  bool string(Json::string_t& value) { return put(std::move(value)) != nullptr; }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(Json::string_t& name) {
    Level& level = stack_.back();
    const auto [member, fresh] = level.value->get_ref<Json::object_t&>().emplace(name, nullptr);
    level.member = &member->second;
    level.key = &member->first;
    if (!fresh && out_.duplicate_fields.size() < kMaxDuplicates) note_duplicate();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) {
    position_ = position;
    return false;
  }

  [[nodiscard]] bool too_deep() const { return too_deep_; }
  [[nodiscard]] size_t position() const { return position_; }

 private:
  struct Level {
    Json* value;
    Json* member = nullptr;            // of an object: where the next value goes
    const std::string* key = nullptr;  // its name
  };

  Json* put(Json value) {
    if (stack_.empty()) {
      out_.value = std::move(value);
      return &out_.value;
    }
    Level& level = stack_.back();
    if (level.value->is_array()) {
      level.value->push_back(std::move(value));
      return &level.value->back();
    }
    *level.member = std::move(value);
    return level.member;
  }

  bool open(Json empty) {
    if (stack_.size() == limits_.depth) {
      too_deep_ = true;
      return false;
    }
    stack_.push_back({put(std::move(empty))});
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  void note_duplicate() {
    std::string path;
    for (const Level& level : stack_) {
      if (path.size() > kMaxPath) break;
      if (level.value->is_array()) {
        path += "[" + std::to_string(level.value->size() - 1) + "]";
      } else {
        path += (path.empty() ? "" : ".") + level.key->substr(0, kMaxPath);
      }
    }
    if (path.size() > kMaxPath) path = path.substr(0, kMaxPath) + "...";
    auto& known = out_.duplicate_fields;
    if (std::find(known.begin(), known.end(), path) == known.end()) known.push_back(path);
  }

  const base::JsonLimits& limits_;
  DecodedJson& out_;
  std::vector<Level> stack_;
  size_t position_ = 0;
  bool too_deep_ = false;
};

std::string listed(const std::vector<std::string>& fields, const char* what) {
  std::string text;
  for (const std::string& field : fields) {
    text += (text.empty() ? "" : ", ") + std::string(what) + " field \"" + field + "\"";
  }
  return text;
}

}  // namespace

ApiError nested_too_deep(size_t limit) {
  return bad_request("the body is nested deeper than " + std::to_string(limit) + " levels");
}

Outcome<DecodedJson> decode_json(std::string_view body, const base::JsonLimits& limits) {
  if (body.size() > limits.bytes) {
    return refuse(too_large("limit is " + std::to_string(limits.bytes)));
  }
  DecodedJson decoded;
  Builder builder(limits, decoded);
  const bool ok = Json::sax_parse(body.begin(), body.end(), &builder);
  if (builder.too_deep()) return refuse(nested_too_deep(limits.depth));
  if (!ok) {
    return refuse(bad_request("the body is not JSON: syntax error at byte " +
                              std::to_string(builder.position())));
  }
  return decoded;
}

Outcome<FieldValidation> parse_field_validation(std::string_view text) {
  if (text == "Ignore") return FieldValidation::Ignore;
  if (text.empty() || text == "Warn") return FieldValidation::Warn;
  if (text == "Strict") return FieldValidation::Strict;
  ApiError error =
      bad_request("fieldValidation: Unsupported value: " + base::dump_json(std::string(text)) +
                  ": supported values: \"Ignore\", \"Strict\", \"Warn\"");
  error.code = 422;
  error.reason = "Invalid";
  return refuse(std::move(error));
}

std::string strict_decoding_error(const std::vector<std::string>& duplicate_fields,
                                  const std::vector<std::string>& unknown_fields) {
  const std::string duplicates = listed(duplicate_fields, "duplicate");
  const std::string unknowns = listed(unknown_fields, "unknown");
  if (duplicates.empty() && unknowns.empty()) return "";
  return "strict decoding error: " + duplicates +
         (duplicates.empty() || unknowns.empty() ? "" : ", ") + unknowns;
}

Outcome<std::vector<std::string>> check_fields(FieldValidation validation, const ResourceType& type,
                                               const std::vector<std::string>& duplicate_fields,
                                               const std::vector<std::string>& unknown_fields) {
  std::vector<std::string> warnings;
  if (validation == FieldValidation::Ignore) return warnings;
  if (validation == FieldValidation::Strict) {
    const std::string problem = strict_decoding_error(duplicate_fields, unknown_fields);
    if (problem.empty()) return warnings;
    return refuse(bad_request(type.kind + " in version \"" + type.version +
                              "\" cannot be handled as a " + type.kind + ": " + problem));
  }
  for (const std::string& field : duplicate_fields) {
    warnings.push_back("duplicate field \"" + field + "\"");
  }
  for (const std::string& field : unknown_fields) {
    warnings.push_back("unknown field \"" + field + "\"");
  }
  return warnings;
}

std::string warning_header(std::string_view text) {
  std::string header = "299 - \"";
  for (const char c : text.substr(0, 4096)) {
    if (c == '"' || c == '\\') header += '\\';
    // Control characters cannot stand in a header.
    header += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return header + "\"";
}

}  // namespace kube::server::machinery
