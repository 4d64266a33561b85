#pragma once

// Fields: reads the members of one JSON object and remembers which. What nobody has asked for is
// refused by name at the end, so that no field can be ignored by oversight.
//
// The first problem is kept and told by problem(): `spec.driver.cores must be an integer`. Readers
// after it still return something harmless. Threads: one.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/submission/conf.h"

namespace runner::submission {

// Whether a value asks for anything: not null, false or empty.
bool says_something(const nlohmann::json& value);

class Fields {
 public:
  // `parent` must outlive this; a member that is absent or null reads as an empty object.
  Fields(const nlohmann::json& parent, std::string_view name, std::string path);

  [[nodiscard]] bool has(std::string_view name) const;
  // Empty when absent.
  std::string text(std::string_view name);
  std::optional<int64_t> integer(std::string_view name);
  std::optional<double> number(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  // Values that are numbers or booleans are taken as YAML wrote them.
  Conf text_map(std::string_view name);
  // Parts that pass through to a pod; null when absent.
  nlohmann::json object(std::string_view name);
  std::vector<nlohmann::json> objects(std::string_view name);
  Fields child(std::string_view name);

  // Somebody else's business.
  void accept(std::initializer_list<std::string_view> names);
  // Not supported: a problem if it is there.
  void refuse(std::string_view name, std::string_view why = "is not supported yet");
  void refuse_rest();
  // Has a meaning elsewhere, none here: reads as absent from now on, and its path is remembered if
  // it said anything.
  void leave_out(std::string_view name);
  [[nodiscard]] std::vector<std::string>& left_out() { return left_out_; }

  [[nodiscard]] const std::string& path() const { return path_; }
  void complain(std::string_view name, std::string_view what);
  // Takes the child's problem and what it has left out over.
  void adopt(const Fields& child);
  [[nodiscard]] base::Status problem() const;

 private:
  const nlohmann::json* take(std::string_view name);

  const nlohmann::json* object_;
  std::string path_;
  std::set<std::string, std::less<>> taken_;
  std::set<std::string, std::less<>> hidden_;
  std::optional<base::Error> problem_;
  std::vector<std::string> left_out_;
};

}  // namespace runner::submission
