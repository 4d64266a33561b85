#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/json.h"
#include "base/yaml/scalar.h"
#include "base/yaml/yaml.h"

namespace base::yaml {
namespace {

using nlohmann::json;

// Scalars count one node for every so many bytes: many aliases of one long text are a bomb, too.
constexpr size_t kBytesPerNode = 64;

std::string place(const YAML::Mark& mark) {
  return "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) +
         ": ";
}

// Leaves the parser, which knows no other way out than an exception; caught in read().
struct Refused {
  Code code;
  std::string message;
};

[[noreturn]] void refuse(const YAML::Mark& mark, const std::string& message) {
  throw Refused{Code::InvalidArgument, place(mark) + message};
}

// A value, and what it costs to copy it where an alias stands.
struct Sized {
  json value;
  size_t nodes = 1;
  size_t depth = 0;
  bool merge_mark = false;  // a plain <<
};

// Builds JSON from the parser's events.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  // The document that was just read.
  json take() { return std::exchange(document_, nullptr); }

  void OnDocumentStart(const YAML::Mark&) override {
    anchors_.clear();
    document_ = nullptr;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, {.value = nullptr});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    add(mark, anchor,
        {.value = resolve(mark, tag, value),
         .nodes = 1 + value.size() / kBytesPerNode,
         .merge_mark = tag == "?" && value == "<<"});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "an alias inside the value that it names");
    if (stack_.size() + found->second.depth > limits_.depth) refuse_depth(mark);
    charge(mark, found->second.nodes);
    charge_copy(mark, found->second.nodes);
    place_value(mark, found->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, anchor, json::array(), "tag:yaml.org,2002:seq");
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, anchor, json::object(), "tag:yaml.org,2002:map");
  }
  void OnMapEnd() override { end(); }

 private:
  struct Frame {
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    Sized built;
    std::optional<std::string> key;  // read, its value not yet
    bool merging = false;            // that key is "<<"
    std::vector<json> merges;
  };

  static json resolve(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return text;  // quoted, or said to be
    json value = resolve_plain(text);
    if (value.is_number_float() && !std::isfinite(value.get<double>()))
      refuse(mark, text + " cannot be written as JSON");
    if (tag == "?" || tag.empty()) return value;
    if (tag == "tag:yaml.org,2002:null" && value.is_null()) return value;
    if (tag == "tag:yaml.org,2002:bool" && value.is_boolean()) return value;
    if (tag == "tag:yaml.org,2002:int" && value.is_number_integer()) return value;
    if (tag == "tag:yaml.org,2002:float" && value.is_number()) return value;
    refuse(mark, "tag \"" + tag + "\" is not supported here");
  }

  [[noreturn]] void refuse_depth(const YAML::Mark& mark) const {
    throw Refused{Code::TooLarge,
                  place(mark) + "nested deeper than " + std::to_string(limits_.depth) + " levels"};
  }

  void charge(const YAML::Mark& mark, size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > limits_.nodes)
      throw Refused{Code::TooLarge, place(mark) + "more than " + std::to_string(limits_.nodes) +
                                        " values, aliases counted each time"};
  }

  // Copies are bounded more tightly than what was written out: nested anchors keep the innermost
  // value once for every level, and nobody repeats that much by hand.
  void charge_copy(const YAML::Mark& mark, size_t nodes) {
    copied_ += nodes;
    if (copied_ > limits_.copies)
      throw Refused{Code::TooLarge, place(mark) + "anchors and aliases copy more than " +
                                        std::to_string(limits_.copies) + " values"};
  }

  void keep(const YAML::Mark& mark, YAML::anchor_t anchor, const Sized& sized) {
    if (anchor == 0) return;
    charge_copy(mark, sized.nodes);
    anchors_[anchor] = sized;
  }

  void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json empty,
             std::string_view own_tag) {
    if (!tag.empty() && tag != "?" && tag != "!" && tag != own_tag)
      refuse(mark, "tag \"" + tag + "\" is not supported here");
    if (!stack_.empty() && expects_key(stack_.back())) refuse(mark, "a key must be a scalar");
    if (stack_.size() >= limits_.depth) refuse_depth(mark);
    charge(mark, 1);
    Frame frame;
    frame.mark = mark;
    frame.anchor = anchor;
    frame.built.value = std::move(empty);
    stack_.push_back(std::move(frame));
  }

  void end() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    // What the map says itself wins over what it merges, the first merged map over later ones.
    for (json& merged : frame.merges)
      for (auto& [key, value] : merged.get_ref<json::object_t&>())
        frame.built.value.emplace(key, std::move(value));
    keep(frame.mark, frame.anchor, frame.built);
    place_value(frame.mark, std::move(frame.built));
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Sized scalar) {
    charge(mark, scalar.nodes);
    keep(mark, anchor, scalar);
    place_value(mark, std::move(scalar));
  }

  static bool expects_key(const Frame& frame) {
    return frame.built.value.is_object() && !frame.key && !frame.merging;
  }

  void place_value(const YAML::Mark& mark, Sized sized) {
    if (stack_.empty()) {
      document_ = std::move(sized.value);
      return;
    }
    Frame& parent = stack_.back();
    if (expects_key(parent)) return place_key(mark, parent, sized);
    parent.built.nodes += sized.nodes;
    parent.built.depth = std::max(parent.built.depth, sized.depth + 1);
    if (parent.built.value.is_array()) {
      parent.built.value.push_back(std::move(sized.value));
    } else if (parent.merging) {
      parent.merging = false;
      merge(mark, parent, std::move(sized.value));
    } else {
      parent.built.value[*parent.key] = std::move(sized.value);
      parent.key.reset();
    }
  }

  static void place_key(const YAML::Mark& mark, Frame& parent, const Sized& sized) {
    const json& value = sized.value;
    if (value.is_structured()) refuse(mark, "a key must be a scalar");
    if (value.is_null()) refuse(mark, "a key must not be null");
    if (sized.merge_mark) {
      parent.merging = true;
      return;
    }
    std::string key = value.is_string() ? value.get<std::string>() : dump_json(value);
    if (parent.built.value.contains(key)) refuse(mark, "duplicate key " + dump_json(key));
    parent.key = std::move(key);
  }

  static void merge(const YAML::Mark& mark, Frame& parent, json value) {
    if (value.is_object()) {
      parent.merges.push_back(std::move(value));
      return;
    }
    if (!value.is_array()) refuse(mark, "only maps can be merged by <<");
    for (json& item : value) {
      if (!item.is_object()) refuse(mark, "only maps can be merged by <<");
      parent.merges.push_back(std::move(item));
    }
  }

  const Limits limits_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Sized> anchors_;
  json document_;
  size_t nodes_ = 0;
  size_t copied_ = 0;
};

}  // namespace

Result<std::vector<json>> parse_all(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes)
    return failure(Code::TooLarge,
                   "YAML is larger than " + std::to_string(limits.bytes) + " bytes");
  std::vector<json> documents;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(limits);
    while (parser.HandleNextDocument(builder)) {
      json document = builder.take();
      if (!document.is_null()) documents.push_back(std::move(document));
    }
  } catch (const Refused& refused) {
    return failure(refused.code, refused.message);
  } catch (const YAML::Exception& exception) {
    return failure(Code::InvalidArgument, place(exception.mark) + exception.msg);
  } catch (const std::exception& exception) {
    return failure(Code::InvalidArgument, std::string("not YAML: ") + exception.what());
  }
  return documents;
}

Result<json> parse(std::string_view text, const Limits& limits) {
  ASSIGN_OR_RETURN(auto documents, parse_all(text, limits));
  if (documents.empty()) return json(nullptr);
  if (documents.size() > 1)
    return failure(Code::InvalidArgument,
                   "one YAML document expected, got " + std::to_string(documents.size()));
  return std::move(documents.front());
}

}  // namespace base::yaml
