#include "kube/api_status.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using base::Code;
using namespace std::chrono_literals;

TEST_CASE("an answer becomes the error that it means") {
  struct Case {
    const char* name;
    int status;
    const char* body;
    const char* retry_after;
    Code code;
    const char* message;
    std::chrono::milliseconds wait;
  };
  const Case cases[] = {
      {.name = "name taken",
       .status = 409,
       .body =
           R"({"kind":"Status","reason":"AlreadyExists","message":"pods \"a\" already exists","code":409})",
       .retry_after = "",
       .code = Code::AlreadyExists,
       .message = "pods \"a\" already exists",
       .wait = 0ms},
      {.name = "written by another",
       .status = 409,
       .body = R"({"kind":"Status","reason":"Conflict","message":"modified","code":409})",
       .retry_after = "",
       .code = Code::Conflict,
       .message = "modified",
       .wait = 0ms},
      {.name = "invalid",
       .status = 422,
       .body = R"({"kind":"Status","reason":"Invalid","message":"spec.x: Required value"})",
       .retry_after = "",
       .code = Code::Refused,
       .message = "spec.x: Required value",
       .wait = 0ms},
      {.name = "expired",
       .status = 410,
       .body = R"({"kind":"Status","reason":"Expired","message":"too old"})",
       .retry_after = "",
       .code = Code::Gone,
       .message = "too old",
       .wait = 0ms},
      {.name = "too many requests, by header",
       .status = 429,
       .body = R"({"kind":"Status","reason":"TooManyRequests","message":"slow down"})",
       .retry_after = "7",
       .code = Code::ResourceExhausted,
       .message = "slow down",
       .wait = 7s},
      {.name = "too many requests, by details",
       .status = 429,
       .body = R"({"kind":"Status","message":"slow down","details":{"retryAfterSeconds":3}})",
       .retry_after = "",
       .code = Code::ResourceExhausted,
       .message = "slow down",
       .wait = 3s},
      {.name = "a date instead of seconds",
       .status = 503,
       .body = "",
       .retry_after = "Fri, 31 Dec 1999 23:59:59 GMT",
       .code = Code::Unavailable,
       .message = "HTTP 503",
       .wait = 1s},
      {.name = "an absurd wait is cut",
       .status = 503,
       .body = "",
       .retry_after = "999999999",
       .code = Code::Unavailable,
       .message = "HTTP 503",
       .wait = 1h},
      {.name = "not a Status",
       .status = 502,
       .body = "<html>Bad Gateway</html>",
       .retry_after = "",
       .code = Code::Unavailable,
       .message = "HTTP 502: <html>Bad Gateway</html>",
       .wait = 0ms},
      {.name = "a Status without words",
       .status = 403,
       .body = R"({"kind":"Status","reason":"Forbidden"})",
       .retry_after = "",
       .code = Code::Forbidden,
       .message = "Forbidden",
       .wait = 0ms},
      {.name = "no credentials",
       .status = 401,
       .body = R"({"kind":"Status","message":"Unauthorized"})",
       .retry_after = "",
       .code = Code::Unauthenticated,
       .message = "Unauthorized",
       .wait = 0ms},
      {.name = "a field of the wrong type",
       .status = 404,
       .body = R"({"kind":"Status","message":7,"reason":[],"details":"x"})",
       .retry_after = "",
       .code = Code::NotFound,
       .message = "HTTP 404",
       .wait = 0ms},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const base::Error error = kube::error_of(c.status, c.body, c.retry_after);
      CHECK(error.code == c.code);
      CHECK(error.message == c.message);
      CHECK(error.retry_after == c.wait);
    }
  }
}

TEST_CASE("every HTTP status has its code") {
  struct Case {
    int status;
    Code code;
  };
  const Case cases[] = {
      {400, Code::Refused},     {405, Code::Unimplemented}, {406, Code::Refused},
      {408, Code::Unavailable}, {413, Code::TooLarge},      {415, Code::Refused},
      {500, Code::Unavailable}, {501, Code::Unimplemented}, {504, Code::Unavailable},
      {302, Code::Unavailable},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.status) {
      CHECK(kube::error_of(c.status, "", "").code == c.code);
    }
  }
}

}  // namespace
