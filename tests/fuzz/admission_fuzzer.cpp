// A body at the webhook's door: every review gets a reply that is a review, everything else a short
// text, the same every time; what mutates can be applied and then changes nothing more.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "runner/admission/checks.h"
#include "runner/admission/review.h"

namespace {

using nlohmann::json;
namespace admission = runner::admission;

void check(const admission::Reply& reply, const json& body) {
  CHECK(reply.status == 200 || reply.status == 400);
  if (reply.status != 200) {
    CHECK(reply.body.size() < 5000);
    return;
  }
  const auto read = base::parse_json(reply.body);
  CHECK(read.has_value());
  const json* response = base::find(*read, {"response"});
  CHECK(response != nullptr);
  CHECK(base::string_at(*response, {"uid"}) == base::string_at(body, {"request", "uid"}));
  CHECK(base::bool_at(*response, {"allowed"}).has_value());
  const std::string patch = base::string_at(*response, {"patch"});
  if (patch.empty()) return;
  const auto operations = base::parse_json(base::decode_base64(patch).value_or(""));
  CHECK(operations.has_value());
  const json* object = base::find(body, {"request", "object"});
  CHECK(object != nullptr);
  CHECK(!object->patch(*operations).is_null());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const admission::Rules kRules{
      .schedule = admission::schedule_check("UTC", {}, base::real_clock()),
      .application = admission::application_check({}),
      .quota = {},
      .default_conf = {}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const json body = base::parse_json(text).value_or(json());
  check(admission::validate(text, kRules), body);
  const admission::Reply mutated = admission::mutate(text, kRules);
  check(mutated, body);
  CHECK(admission::mutate(text, kRules).body == mutated.body);
  return 0;
}
