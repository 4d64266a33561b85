#include "base/quantity.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using base::Quantity;

TEST_CASE("a quantity is written in its canonical form") {
  struct Case {
    std::string text;
    std::string canonical;
  };
  const std::vector<Case> cases = {
      {.text = "0", .canonical = "0"},
      {.text = "0Gi", .canonical = "0"},
      {.text = "-0", .canonical = "0"},
      {.text = "1", .canonical = "1"},
      {.text = "+1", .canonical = "1"},
      {.text = "007", .canonical = "7"},
      {.text = "0.5", .canonical = "500m"},
      {.text = ".5", .canonical = "500m"},
      {.text = "1.", .canonical = "1"},
      {.text = "1000m", .canonical = "1"},
      {.text = "1500m", .canonical = "1500m"},
      {.text = "1.5", .canonical = "1500m"},
      {.text = "-1.5", .canonical = "-1500m"},
      {.text = "1000", .canonical = "1k"},
      {.text = "1500", .canonical = "1500"},
      {.text = "1000000", .canonical = "1M"},
      {.text = "1024Mi", .canonical = "1Gi"},
      {.text = "1.5Gi", .canonical = "1536Mi"},
      {.text = "0.5Ki", .canonical = "512"},
      {.text = "0.1Mi", .canonical = "104857600m"},
      {.text = "1073741824", .canonical = "1073741824"},
      {.text = "1e3", .canonical = "1e3"},
      {.text = "1E3", .canonical = "1e3"},
      {.text = "12e2", .canonical = "1200"},
      {.text = "1e-3", .canonical = "1e-3"},
      {.text = "1E", .canonical = "1E"},
      {.text = "100u", .canonical = "100u"},
      {.text = "0.1n", .canonical = "1n"},
      {.text = "9223372036854775807", .canonical = "9223372036854775807"},
      {.text = "99999999999999999999", .canonical = "9223372036854775807"},
      {.text = "1e999999", .canonical = "9223372036854775807"},
      {.text = "1e-999999", .canonical = "1e-9"},
      {.text = "16Ei", .canonical = "9223372036854775807"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.text) {
      const auto amount = Quantity::parse(one.text);
      REQUIRE(amount.has_value());
      CHECK(amount->to_string() == one.canonical);
      // Reading what was written changes nothing.
      CHECK(Quantity::parse(one.canonical)->to_string() == one.canonical);
    }
  }
}

TEST_CASE("what is no quantity is refused") {
  for (const std::string text :
       {"", "lots", "1 Gi", "1GI", "Gi", ".", "1.2.3", "--1", "1e", "1ex", "1Mib", "0x10", "1,5"}) {
    INFO(text);
    CHECK_FALSE(Quantity::parse(text).has_value());
  }
  CHECK_FALSE(Quantity::parse(std::string(100'000, '1')).has_value());
  CHECK_FALSE(Quantity::of(true).has_value());
  CHECK_FALSE(Quantity::of(nullptr).has_value());
  CHECK(Quantity::of(1.5)->to_string() == "1500m");
  CHECK(Quantity::of(2)->to_string() == "2");
}

TEST_CASE("quantities are compared by their amounts, whatever their suffixes") {
  const std::vector<std::string> rising = {"-2",  "-1500m", "0",   "1n",    "1m",  "0.5",
                                           "1",   "1k",     "1Ki", "1.5Ki", "1M",  "1Mi",
                                           "1e9", "1Gi",    "1Ti", "1E",    "1Ei", "8Ei"};
  for (size_t i = 0; i < rising.size(); ++i) {
    for (size_t j = 0; j < rising.size(); ++j) {
      INFO(rising[i] << " and " << rising[j]);
      const int order = Quantity::parse(rising[i])->compare(*Quantity::parse(rising[j]));
      CHECK((order < 0) == (i < j));
      CHECK((order == 0) == (i == j));
    }
  }
  CHECK(Quantity::parse("1024Mi")->compare(*Quantity::parse("1073741824")) == 0);
  CHECK(Quantity::parse("100u")->in_thousandths().to_string() == "1m");
  CHECK(Quantity::parse("0.9999")->in_thousandths().to_string() == "1");
}

}  // namespace
