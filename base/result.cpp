#include "base/result.h"

namespace base {

const char* to_string(Code code) {
  switch (code) {
    case Code::InvalidArgument:
      return "invalid argument";
    case Code::Refused:
      return "refused";
    case Code::Unauthenticated:
      return "unauthenticated";
    case Code::Forbidden:
      return "forbidden";
    case Code::NotFound:
      return "not found";
    case Code::AlreadyExists:
      return "already exists";
    case Code::Conflict:
      return "conflict";
    case Code::Gone:
      return "gone";
    case Code::TooLarge:
      return "too large";
    case Code::ResourceExhausted:
      return "resource exhausted";
    case Code::Unimplemented:
      return "not supported";
    case Code::Unavailable:
      return "unavailable";
    case Code::Corrupt:
      return "corrupt";
    case Code::DeadlineExceeded:
      return "deadline exceeded";
    case Code::Cancelled:
      return "cancelled";
    case Code::Internal:
      return "internal";
  }
  return "unknown";
}

}  // namespace base
