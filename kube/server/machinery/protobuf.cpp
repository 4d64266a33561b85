#include "kube/server/machinery/protobuf.h"

#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "base/text.h"
#include "kube/server/machinery/built_in_schema.h"
#include "kube/server/machinery/decode.h"
#include "kube/server/machinery/wire_reader.h"

namespace kube::server::machinery {
namespace {

using Problem = std::optional<std::string>;
using Field = WireReader::Field;

constexpr std::string_view kMagic{"k8s\0", 4};
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxValues = 200'000;
// The zero value of Go's time, which stands for "not given".
constexpr int64_t kZeroTime = -62135596800;

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group =
          (group << 8U) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? kDigits[(group >> (18 - 6 * j)) & 63U] : '=';
    }
  }
  return text;
}

class Decoder {
 public:
  // Puts the fields of the message into `object`.
  Problem message(const BuiltInType& type, std::string_view data, Json& object, size_t depth) {
    if (depth > kMaxDepth) return "protobuf: messages are nested too deeply";
    WireReader reader(data);
    while (!reader.done()) {
      const auto field = reader.next();
      if (!field) return "protobuf: malformed message " + type.name;
      if (++values_ > kMaxValues) return std::string("protobuf: too many values");
      const BuiltInField* known = nullptr;
      for (const BuiltInField& one : type.fields) {
        if (one.number == field->number) known = &one;
      }
      if (known == nullptr) continue;
      if (auto problem = put(*known, *field, object, depth)) return problem;
    }
    return std::nullopt;
  }

 private:
  static std::string wrong(const BuiltInField& known) {
    return "protobuf: malformed field " + known.name;
  }

  Problem put(const BuiltInField& known, const Field& field, Json& object, size_t depth) {
    if (known.inlined) {
      const BuiltInType* part = find_built_in_type(known.type);
      if (part == nullptr || field.type != WireReader::Type::Bytes) return wrong(known);
      return message(*part, field.bytes, object, depth + 1);
    }
    if (known.shape == BuiltInField::Shape::Map) return put_entry(known, field, object, depth);
    if (known.shape == BuiltInField::Shape::List) {
      Json& list = object[known.name];
      if (!list.is_array()) list = Json::array();
      return put_items(known, field, list, depth);
    }
    // A message given twice is merged, as protobuf wants it.
    const auto there = object.find(known.name);
    Json value = there != object.end() && there->is_object() ? std::move(*there) : Json();
    if (auto problem = read(known, field, value, depth)) return problem;
    // Go writes fields that were never set; only a zero behind a pointer says something.
    const bool unset = value.is_null() || value == "" ||
                       (!known.optional_scalar && (value == 0 || value == false));
    if (unset) {
      object.erase(known.name);
    } else {
      object[known.name] = std::move(value);
    }
    return std::nullopt;
  }

  Problem put_items(const BuiltInField& known, const Field& field, Json& list, size_t depth) {
    const bool scalar = known.type == "int32" || known.type == "int64" || known.type == "bool";
    if (scalar && field.type == WireReader::Type::Bytes) {
      WireReader packed(field.bytes);
      while (!packed.done()) {
        const auto number = packed.varint();
        if (!number || ++values_ > kMaxValues) return wrong(known);
        Json value;
        const Field one{field.number, WireReader::Type::Varint, *number, {}};
        if (auto problem = read(known, one, value, depth)) return problem;
        list.push_back(std::move(value));
      }
      return std::nullopt;
    }
    Json value;
    if (auto problem = read(known, field, value, depth)) return problem;
    list.push_back(std::move(value));
    return std::nullopt;
  }

  Problem put_entry(const BuiltInField& known, const Field& field, Json& object, size_t depth) {
    if (field.type != WireReader::Type::Bytes) return wrong(known);
    Json& map = object[known.name];
    if (!map.is_object()) map = Json::object();
    std::string key;
    Json value = known.type == "string" || known.type == "bytes" ? Json("") : Json();
    WireReader entry(field.bytes);
    while (!entry.done()) {
      const auto part = entry.next();
      if (!part || ++values_ > kMaxValues) return wrong(known);
      if (part->number == 1) {
        if (part->type != WireReader::Type::Bytes || !base::is_utf8(part->bytes))
          return wrong(known);
        key = part->bytes;
      } else if (part->number == 2) {
        if (auto problem = read(known, *part, value, depth)) return problem;
      }
    }
    map[key] = std::move(value);
    return std::nullopt;
  }

  Problem read(const BuiltInField& known, const Field& field, Json& value, size_t depth) {
    if (known.type == "int32" || known.type == "int64" || known.type == "bool") {
      if (field.type != WireReader::Type::Varint) return wrong(known);
      if (known.type == "bool") {
        value = field.scalar != 0;
      } else {
        value = static_cast<int64_t>(field.scalar);
      }
      return std::nullopt;
    }
    if (field.type != WireReader::Type::Bytes) return wrong(known);
    if (known.type == "string") return read_string(known, field.bytes, value);
    if (known.type == "bytes") {
      value = base64(field.bytes);
      return std::nullopt;
    }
    if (const BuiltInType* type = find_built_in_type(known.type)) {
      if (!value.is_object()) value = Json::object();
      return message(*type, field.bytes, value, depth + 1);
    }
    return read_special(known, field.bytes, value);
  }

  static Problem read_string(const BuiltInField& known, std::string_view bytes, Json& value) {
    if (!base::is_utf8(bytes)) return wrong(known);
    value = std::string(bytes);
    return std::nullopt;
  }

  // Messages that are scalars in JSON: times, quantities, int-or-strings, raw JSON.
  Problem read_special(const BuiltInField& known, std::string_view bytes, Json& value) {
    uint64_t scalars[4] = {0, 0, 0, 0};
    std::string_view text;
    WireReader reader(bytes);
    while (!reader.done()) {
      const auto part = reader.next();
      if (!part || ++values_ > kMaxValues) return wrong(known);
      if (part->type == WireReader::Type::Bytes) {
        text = part->bytes;
      } else if (part->number < 4) {
        scalars[part->number] = part->scalar;
      }
    }
    if (known.type == "quantity") return read_string(known, text, value);
    if (known.type == "intorstring") {
      if (scalars[1] == 1) return read_string(known, text, value);
      value = static_cast<int64_t>(scalars[2]);
      return std::nullopt;
    }
    if (known.type == "json") {
      auto decoded = decode_json(text, {.bytes = size_t{1} << 20, .depth = kMaxDepth});
      if (!decoded) return wrong(known);
      value = std::move(decoded->value);
      return std::nullopt;
    }
    return read_time(known, bytes.empty() ? kZeroTime : static_cast<int64_t>(scalars[1]),
                     static_cast<int64_t>(scalars[2]), value);
  }

  static Problem read_time(const BuiltInField& known, int64_t seconds, int64_t nanos, Json& value) {
    constexpr int64_t kLast = 253402300799;  // 9999-12-31T23:59:59Z
    if (seconds == kZeroTime) {
      value = nullptr;
      return std::nullopt;
    }
    if (seconds < kZeroTime || seconds > kLast || nanos < 0 || nanos > 999'999'999) {
      return wrong(known);
    }
    const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
    value = known.type == "microtime"
                ? base::format_rfc3339_micro(time +
                                             std::chrono::duration_cast<std::chrono::milliseconds>(
                                                 std::chrono::nanoseconds(nanos)))
                : base::format_rfc3339(time);
    return std::nullopt;
  }

  size_t values_ = 0;
};

struct Envelope {
  std::string api_version;
  std::string kind;
  std::string_view raw;
};

std::optional<Envelope> open_envelope(std::string_view body) {
  Envelope envelope;
  WireReader reader(body);
  while (!reader.done()) {
    const auto field = reader.next();
    if (!field) return std::nullopt;
    if (field->type != WireReader::Type::Bytes) continue;
    if (field->number == 2) envelope.raw = field->bytes;
    if (field->number == 3 && !field->bytes.empty()) return std::nullopt;  // compressed
    if (field->number != 1) continue;
    WireReader meta(field->bytes);
    while (!meta.done()) {
      const auto part = meta.next();
      if (!part || part->type != WireReader::Type::Bytes || !base::is_utf8(part->bytes)) {
        return std::nullopt;
      }
      if (part->number == 1) envelope.api_version = part->bytes;
      if (part->number == 2) envelope.kind = part->bytes;
    }
  }
  return envelope;
}

const BuiltInType* type_of(const Envelope& envelope) {
  if (envelope.kind == "DeleteOptions" || envelope.kind == "Status") {
    return find_built_in_type(envelope.kind);
  }
  for (const ResourceType& one : built_in_resources()) {
    if (one.kind == envelope.kind && one.api_version() == envelope.api_version) {
      return find_built_in_type(built_in_type_name(one));
    }
  }
  return nullptr;
}

}  // namespace

Outcome<Json> decode_protobuf(std::string_view body) {
  if (body.substr(0, kMagic.size()) != kMagic) {
    return refuse(
        bad_request("provided data does not appear to be a protobuf message, expected "
                    "prefix [107 56 115 0]"));
  }
  const auto envelope = open_envelope(body.substr(kMagic.size()));
  if (!envelope) return refuse(bad_request("protobuf: malformed envelope"));
  const BuiltInType* type = type_of(*envelope);
  if (type == nullptr) {
    ApiError error =
        bad_request("no protobuf is read for kind \"" + envelope->kind.substr(0, 100) +
                    "\" in version \"" + envelope->api_version.substr(0, 100) + "\": send JSON");
    error.code = 415;
    error.reason = "UnsupportedMediaType";
    return refuse(std::move(error));
  }
  Json object = {{"apiVersion", envelope->api_version}, {"kind", envelope->kind}};
  if (auto problem = Decoder().message(*type, envelope->raw, object, 0)) {
    return refuse(bad_request(*problem));
  }
  return object;
}

}  // namespace kube::server::machinery
