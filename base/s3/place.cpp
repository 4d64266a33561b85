#include "base/s3/place.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <tuple>

#include "base/files.h"

namespace base::s3 {
namespace {

constexpr size_t kMaxPrefix = 200;

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

Result<Credentials> from_environment(const Place& place,
                                     const std::function<std::string(const char*)>& environment) {
  Credentials found{.key_id = environment("AWS_ACCESS_KEY_ID"),
                    .secret = environment("AWS_SECRET_ACCESS_KEY"),
                    .session_token = environment("AWS_SESSION_TOKEN")};
  if (found.key_id.empty() || found.secret.empty())
    return failure(Code::InvalidArgument,
                   "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; or give " +
                       place.option + "-credentials-file");
  return found;
}

Result<Credentials> from_file(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path, size_t{64} << 10));
  auto found = parse_credentials(text);
  if (!found) return failure(found.error().with_context(path));
  return found;
}

}  // namespace

Result<Resolved> resolve(const Place& place,
                         const std::function<std::string(const char*)>& environment) {
  Resolved resolved;
  BucketOptions& bucket = resolved.bucket;
  ASSIGN_OR_RETURN(std::tie(bucket.bucket, resolved.prefix), parse_url(place.url));
  bucket.region = place.region;
  if (bucket.region.empty()) bucket.region = environment("AWS_REGION");
  if (bucket.region.empty()) bucket.region = "us-east-1";
  bucket.endpoint =
      place.endpoint.empty() ? "https://s3." + bucket.region + ".amazonaws.com" : place.endpoint;
  while (bucket.endpoint.ends_with("/"))
    bucket.endpoint.pop_back();
  if (!bucket.endpoint.starts_with("https://") && !bucket.endpoint.starts_with("http://"))
    return failure(Code::InvalidArgument, place.option + "-endpoint " + place.endpoint +
                                              ": http://… or https://… expected");
  if (place.credentials_file.empty())
    bucket.credentials = [place, environment] { return from_environment(place, environment); };
  else
    bucket.credentials = [path = place.credentials_file] { return from_file(path); };
  RETURN_IF_ERROR(bucket.credentials());
  return resolved;
}

Result<std::pair<std::string, std::string>> parse_url(const std::string& url) {
  constexpr std::string_view kScheme = "s3://";
  const auto wrong = [&] {
    return failure(Code::InvalidArgument,
                   "\"" + url + "\": s3://BUCKET or s3://BUCKET/PREFIX expected");
  };
  if (!url.starts_with(kScheme)) return wrong();
  const std::string rest = url.substr(kScheme.size());
  const std::string bucket = rest.substr(0, rest.find('/'));
  std::string prefix = bucket.size() < rest.size() ? rest.substr(bucket.size() + 1) : "";
  while (prefix.ends_with("/"))
    prefix.pop_back();
  const bool named = bucket.size() >= 3 && bucket.size() <= 63 &&
                     std::all_of(bucket.begin(), bucket.end(), [](unsigned char c) {
                       return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '.';
                     });
  const bool plain = std::all_of(prefix.begin(), prefix.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '/';
  });
  if (!named || !plain || prefix.starts_with("/") || prefix.size() > kMaxPrefix) return wrong();
  return std::pair{bucket, prefix};
}

Result<Credentials> parse_credentials(const std::string& text) {
  std::map<std::string, std::string> values;
  std::string section = "default";
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string line = trimmed(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(rest.size(), rest.find('\n') == std::string_view::npos
                                                 ? rest.size()
                                                 : rest.find('\n') + 1));
    if (line.starts_with("[")) section = trimmed(line.substr(1, line.find(']') - 1));
    const size_t equals = line.find('=');
    if (section != "default" || line.starts_with("#") || equals == std::string::npos) continue;
    values[trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
  }
  Credentials found{.key_id = values["aws_access_key_id"],
                    .secret = values["aws_secret_access_key"],
                    .session_token = values["aws_session_token"]};
  for (const auto& [name, value] :
       {std::pair{"aws_access_key_id", &found.key_id}, {"aws_secret_access_key", &found.secret}})
    if (value->empty())
      return failure(Code::InvalidArgument, std::string("[default] has no ") + name);
  return found;
}

}  // namespace base::s3
