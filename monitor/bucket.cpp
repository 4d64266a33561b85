#include "monitor/bucket.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <string_view>

#include <curl/curl.h>
#include <openssl/sha.h>

#include "base/http/message.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::Status;
using base::http::percent_encode;

constexpr size_t kMaxAnswer = size_t{64} << 20;
constexpr size_t kMaxQuoted = 200;
// Of listings, a thousand keys each: a run has a few.
constexpr int kMaxPages = 10;

// Slashes part keys, so they stay.
std::string encode_path(std::string_view path) {
  std::string encoded;
  while (true) {
    const size_t slash = path.find('/');
    encoded += percent_encode(path.substr(0, slash));
    if (slash == std::string_view::npos) return encoded;
    encoded += '/';
    path.remove_prefix(slash + 1);
  }
}

size_t take_bytes(char* data, size_t size, size_t count, void* to) {
  auto& text = *static_cast<std::string*>(to);
  if (text.size() + size * count > kMaxAnswer) return 0;
  text.append(data, size * count);
  return size * count;
}

// What stands between <tag> and </tag>, from `at` on, which moves behind it; nullopt: nothing does.
std::optional<std::string> element(std::string_view xml, std::string_view tag, size_t& at) {
  const std::string open = "<" + std::string(tag) + ">";
  const std::string close = "</" + std::string(tag) + ">";
  const size_t begin = xml.find(open, at);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  at = end + close.size();
  std::string text(xml.substr(begin + open.size(), end - begin - open.size()));
  for (const auto& [entity, c] :
       {std::pair{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}})
    for (size_t i = text.find(entity); i != std::string::npos; i = text.find(entity, i + 1))
      text.replace(i, std::string_view(entity).size(), 1, c);
  return text;
}

// "AccessDenied: …", made fit for one line of a log.
std::string said(const std::string& body) {
  size_t at = 0;
  std::string text = element(body, "Code", at).value_or("");
  if (const auto message = element(body, "Message", at)) text += ": " + *message;
  text.resize(std::min(text.size(), kMaxQuoted));
  for (char& c : text)
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  return text;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

class Easy {
 public:
  Easy() : handle_(curl_easy_init()) {}
  ~Easy() {
    curl_slist_free_all(headers_);
    curl_easy_cleanup(handle_);
  }
  Easy(const Easy&) = delete;
  Easy& operator=(const Easy&) = delete;
  [[nodiscard]] CURL* get() const { return handle_; }
  void header(const std::string& line) { headers_ = curl_slist_append(headers_, line.c_str()); }
  [[nodiscard]] curl_slist* headers() const { return headers_; }

 private:
  CURL* handle_;
  curl_slist* headers_ = nullptr;
};

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

}  // namespace

Bucket::Bucket(BucketOptions options) : options_(std::move(options)) {}

Bucket::~Bucket() = default;

std::string Bucket::key_of(const KeptLog& log) const {
  std::string key = options_.prefix.empty() ? "" : options_.prefix + "/";
  for (const std::string* part :
       {&log.run.ns, &log.run.name, &log.run_uid, &log.pod.name, &log.pod_uid})
    key += *part + "/";
  return key + log.container + ".log.gz";
}

Result<Bucket::Answer> Bucket::send(const std::string& method, const std::string& key,
                                    const std::string& query, const std::string& body) {
  ASSIGN_OR_RETURN(const BucketCredentials who, options_.credentials());
  const Easy easy;
  CURL* curl = easy.get();
  if (curl == nullptr) return failure(Code::Unavailable, "no memory for a request");
  std::string url = options_.endpoint + "/" + percent_encode(options_.bucket);
  if (!key.empty()) url += "/" + encode_path(key);
  if (!query.empty()) url += "?" + query;
  Answer answer;
  Easy headers;
  if (!who.session_token.empty()) headers.header("x-amz-security-token: " + who.session_token);
  // Signed as it stands here, so one that is taken out ("Expect:") would spoil the signature.
  headers.header("Content-Type: application/octet-stream");
  headers.header("x-amz-content-sha256: " + sha256_hex(body));
  const std::string signing = "aws:amz:" + options_.region + ":s3";
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, signing.c_str());
  curl_easy_setopt(curl, CURLOPT_USERNAME, who.key_id.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, who.secret.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.headers());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  } else if (method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  }
  const CURLcode done = curl_easy_perform(curl);
  if (done != CURLE_OK)
    return failure(Code::Unavailable, options_.endpoint + ": " + curl_easy_strerror(done));
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

namespace {

Status refused(const std::string& doing, long status, const std::string& body) {
  const std::string text = said(body);
  return failure(Code::Unavailable,
                 doing + ": HTTP " + std::to_string(status) + (text.empty() ? "" : " " + text));
}

}  // namespace

Result<bool> Bucket::has(const KeptLog& log) {
  const std::string key = key_of(log);
  ASSIGN_OR_RETURN(const Answer answer, send("HEAD", key, "", ""));
  if (answer.status == 200) return true;
  // Without the right to list, a store says "forbidden" of what is not there: put() will tell.
  if (answer.status == 404 || answer.status == 403) return false;
  return failure(
      refused("look for " + key + " in bucket " + options_.bucket, answer.status, answer.body)
          .error());
}

Status Bucket::put(const KeptLog& log, const std::string& packed) {
  const std::string key = key_of(log);
  ASSIGN_OR_RETURN(const Answer answer, send("PUT", key, "", packed));
  if (answer.status == 200) return {};
  return refused("put " + key + " into bucket " + options_.bucket, answer.status, answer.body);
}

Result<std::string> Bucket::get(const kube::ObjectKey& run, const std::string& container) {
  const std::string prefix =
      (options_.prefix.empty() ? "" : options_.prefix + "/") + run.ns + "/" + run.name + "/";
  const std::string end = "/" + container + ".log.gz";
  std::pair<std::string, std::string> newest;  // when, which
  std::string next;
  for (int page = 0; page < kMaxPages; ++page) {
    // In the order of their names, as they are signed.
    const std::string query =
        (next.empty() ? "" : "continuation-token=" + percent_encode(next) + "&") +
        "list-type=2&prefix=" + percent_encode(prefix);
    ASSIGN_OR_RETURN(const Answer answer, send("GET", "", query, ""));
    if (answer.status != 200)
      return failure(
          refused("list " + prefix + " of bucket " + options_.bucket, answer.status, answer.body)
              .error());
    const BucketListing listing = parse_listing(answer.body);
    for (const auto& [key, modified] : listing.objects)
      if (key.starts_with(prefix) && key.ends_with(container.empty() ? ".log.gz" : end))
        newest = std::max(newest, {modified, key});
    next = listing.next;
    if (next.empty()) break;
  }
  if (newest.second.empty())
    return failure(Code::NotFound,
                   "no log of run " + run.to_string() + " is kept in bucket " + options_.bucket);
  ASSIGN_OR_RETURN(Answer answer, send("GET", newest.second, "", ""));
  if (answer.status == 200) return std::move(answer.body);
  return failure(refused("get " + newest.second + " from bucket " + options_.bucket, answer.status,
                         answer.body)
                     .error());
}

Result<std::pair<std::string, std::string>> parse_bucket_url(const std::string& url) {
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
  if (!named || !plain || prefix.starts_with("/") || prefix.size() > kMaxQuoted) return wrong();
  return std::pair{bucket, prefix};
}

Result<BucketCredentials> parse_credentials(const std::string& text) {
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
  BucketCredentials found{.key_id = values["aws_access_key_id"],
                          .secret = values["aws_secret_access_key"],
                          .session_token = values["aws_session_token"]};
  for (const auto& [name, value] :
       {std::pair{"aws_access_key_id", &found.key_id}, {"aws_secret_access_key", &found.secret}})
    if (value->empty())
      return failure(Code::InvalidArgument, std::string("[default] has no ") + name);
  return found;
}

BucketListing parse_listing(const std::string& xml) {
  BucketListing listing;
  size_t at = 0;
  while (const auto contents = element(xml, "Contents", at)) {
    size_t inner = 0;
    const auto key = element(*contents, "Key", inner);
    inner = 0;
    const auto modified = element(*contents, "LastModified", inner);
    if (key) listing.objects.emplace_back(*key, modified.value_or(""));
  }
  at = 0;
  listing.next = element(xml, "NextContinuationToken", at).value_or("");
  return listing;
}

}  // namespace monitor
