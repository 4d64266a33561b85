#include "base/s3/bucket.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include <curl/curl.h>

#include "base/http/message.h"
#include "base/sha256.h"

namespace base::s3 {
namespace {

using http::percent_encode;

constexpr size_t kMaxAnswer = size_t{64} << 20;
constexpr size_t kMaxQuoted = 200;

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

}  // namespace

Bucket::Bucket(BucketOptions options) : options_(std::move(options)) {}

Result<Bucket::Answer> Bucket::send(const std::string& method, const std::string& key,
                                    const std::string& query, const std::string& body) const {
  ASSIGN_OR_RETURN(const Credentials who, options_.credentials());
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

Result<bool> Bucket::has(const std::string& key) const {
  ASSIGN_OR_RETURN(const Answer answer, send("HEAD", key, "", ""));
  if (answer.status == 200) return true;
  // Without the right to list, a store says "forbidden" of what is not there: put() will tell.
  if (answer.status == 404 || answer.status == 403) return false;
  return failure(
      refused("look for " + key + " in bucket " + options_.bucket, answer.status, answer.body)
          .error());
}

Status Bucket::put(const std::string& key, const std::string& bytes) const {
  ASSIGN_OR_RETURN(const Answer answer, send("PUT", key, "", bytes));
  if (answer.status == 200) return {};
  return refused("put " + key + " into bucket " + options_.bucket, answer.status, answer.body);
}

Result<std::string> Bucket::get(const std::string& key) const {
  ASSIGN_OR_RETURN(Answer answer, send("GET", key, "", ""));
  if (answer.status == 200) return std::move(answer.body);
  return failure(
      refused("get " + key + " from bucket " + options_.bucket, answer.status, answer.body)
          .error());
}

Result<Listing> Bucket::list(const std::string& prefix, const std::string& from) const {
  // In the order of their names, as they are signed.
  const std::string query =
      (from.empty() ? "" : "continuation-token=" + percent_encode(from) + "&") +
      "list-type=2&prefix=" + percent_encode(prefix);
  ASSIGN_OR_RETURN(const Answer answer, send("GET", "", query, ""));
  if (answer.status == 200) return parse_listing(answer.body);
  return failure(
      refused("list " + prefix + " of bucket " + options_.bucket, answer.status, answer.body)
          .error());
}

Listing parse_listing(const std::string& xml) {
  Listing listing;
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

}  // namespace base::s3
