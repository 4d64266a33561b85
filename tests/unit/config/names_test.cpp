#include "config/names.h"

#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

using nlohmann::json;

TEST_CASE("A name too long for a label is shortened with a hash of the whole") {
  const std::string fits(63, 'a');
  CHECK(config::label_value("nightly") == "nightly");
  CHECK(config::label_value(fits) == fits);
  const std::string cut = config::label_value(fits + "b");
  CHECK(cut.substr(0, 55) == std::string(54, 'a') + "-");
  CHECK(cut == config::label_value(fits + "b"));

  std::set<std::string> values;
  for (size_t length = 1; length <= 253; ++length) {
    for (const char last : {'x', 'y', '0'}) {
      std::string name(length, 'a');
      name.back() = last;
      const std::string value = config::label_value(name);
      CHECK(value.size() <= config::kMaxLabelValue);
      CHECK(values.insert(value).second);
    }
  }
}

TEST_CASE("The full name of a shortened label stands in the annotation of the same key") {
  const std::string name(200, 'n');
  json object;
  config::set_name_label(object, config::kScheduledAppNameLabel, name);
  CHECK(object["metadata"]["labels"][config::kScheduledAppNameLabel] == config::label_value(name));
  CHECK(object["metadata"]["annotations"][config::kScheduledAppNameLabel] == name);
  CHECK(config::name_from_label(object, config::kScheduledAppNameLabel) == name);

  json short_one;
  config::set_name_label(short_one, config::kScheduledAppNameLabel, "job");
  CHECK_FALSE(short_one["metadata"].contains("annotations"));
  CHECK(config::name_from_label(short_one, config::kScheduledAppNameLabel) == "job");
  CHECK(config::name_from_label(json::object(), config::kScheduledAppNameLabel).empty());

  // Somebody's annotation takes no object to another name.
  short_one["metadata"]["annotations"][config::kScheduledAppNameLabel] = "other";
  CHECK(config::name_from_label(short_one, config::kScheduledAppNameLabel) == "job");
}
