#pragma once

// What every dashboard serves alike: the files of web/, and how it answers. Threads: any.

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/http/server.h"
#include "base/result.h"

namespace monitor::dashboard {

inline constexpr std::string_view kApi = "/dashboard/api";

// With the headers that keep hostile text harmless.
base::http::Response with_safety(base::http::Response response);
void answer(base::http::Responder& responder, int status, const nlohmann::json& body,
            base::http::Headers headers = {});
// A Status object, as the API's.
base::http::Response refusal(const base::Error& error);
// A file of web/, or a redirect to the first one.
void send_file(const base::http::Request& request, base::http::Responder& responder);

}  // namespace monitor::dashboard
