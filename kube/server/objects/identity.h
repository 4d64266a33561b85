#pragma once

// What makes a new object unique: a UID (RFC 4122, version 4) and the suffix of a generated name.
//
// Threads: any.

#include <string>

namespace kube::server::objects {

std::string new_uid();
// Five characters without vowels, so that no words come out.
std::string new_name_suffix();

}  // namespace kube::server::objects
