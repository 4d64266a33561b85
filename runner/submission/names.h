#pragma once

// The names that one submission gives to its objects. spark-submit draws them at random; here they
// follow from the application's UID and attempt, so that a repeated submission makes the same names
// and finds what an interrupted one has left.
//
// Threads: pure functions.

#include <cstdint>
#include <string>
#include <string_view>

namespace runner::submission {

struct SubmissionIds {
  std::string app_id;     // "spark-" and 32 hex digits
  std::string unique_id;  // 16 hex digits; the first is a letter, so that names may begin with it
};

// SHA-256 of the three. Different attempts of one application never share a name.
SubmissionIds submission_ids(std::string_view uid, int64_t execution_attempt,
                             int64_t submission_attempt);

// "My App" → "my-app-<unique_id>". Never shortened, as in Spark. What no name may have becomes a
// hyphen and a digit in front an x; Dropped, as until Spark 3.1: goes, and "1st" stays "1st", which
// no Service may be called.
enum class NameShape { Kept, Dropped };
std::string resource_name_prefix(std::string_view app_name, std::string_view unique_id,
                                 NameShape shape = NameShape::Kept);
// Of the label spark-app-name: at most 63 characters, maybe none.
std::string app_name_label(std::string_view app_name);
// "<prefix>-driver-svc", or "spark-<unique_id>-driver-svc" where that would be over 63 or would
// begin with a digit.
std::string service_name(std::string_view prefix, std::string_view unique_id);
std::string conf_map_name(std::string_view unique_id);
// "<application><suffix>", shortened with a hash so that it stays a name of at most 253.
std::string name_beside(std::string_view application, std::string_view suffix);
// For a volume or an object: at most 63 characters of a-z, 0-9 and '-'. What is shortened or
// changed ends with a hash, so that different names stay different.
std::string volume_name(std::string_view wanted);
// "/var/data/spark-<uuid>", the uuid made from the application id.
std::string default_local_dir(std::string_view app_id);

}  // namespace runner::submission
