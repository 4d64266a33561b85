#include "base/http/client_transfer.h"

#include <charconv>
#include <system_error>

#include "base/guard.h"

namespace base::http {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{256} << 10;

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// Of "HTTP/1.1 200 OK"; 0 when it is none.
int status_of(std::string_view line) {
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return 0;
  const std::string_view digits = line.substr(blank + 1, 3);
  int status = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), status);
  return status;
}

std::string seconds(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

}  // namespace

Transfer::Transfer(Handles handles, Options options)
    : handles_(std::move(handles)), options_(std::move(options)) {}

size_t Transfer::on_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    too_large_ = true;
    return 0;
  }
  MutexLock lock(mutex_);
  if (head_done_) return line.size();  // trailers
  if (line.starts_with("HTTP/")) {
    // Interim answers (100, 103) come before the real one.
    response_ = Response{.status = status_of(line), .headers = {}, .body = {}};
    return line.size();
  }
  const std::string_view field = trim(line);
  if (field.empty()) {
    head_done_ = response_.status >= 200;
    if (head_done_) changed_.notify_all();
    return line.size();
  }
  if (const size_t colon = field.find(':'); colon != std::string_view::npos) {
    response_.headers.add(std::string(field.substr(0, colon)),
                          std::string(trim(field.substr(colon + 1))));
  }
  return line.size();
}

size_t Transfer::on_body(std::string_view data) {
  MutexLock lock(mutex_);
  if (end_) return 0;  // nobody waits any more; curl ends the transfer
  std::string& body = response_.body;
  if (options_.body == Body::Whole) {
    if (body.size() + data.size() > options_.limit) {
      too_large_ = true;
      return 0;
    }
  } else if (!body.empty() && body.size() + data.size() > options_.limit) {
    paused_ = true;  // curl keeps the data and offers it again once resumed
    return CURL_WRITEFUNC_PAUSE;
  }
  body.append(data);
  changed_.notify_all();
  return data.size();
}

void Transfer::finish(CURLcode code) {
  Status end;
  if (code != CURLE_OK) end = failure(describe(code));
  MutexLock lock(mutex_);
  if (end_) return;
  end_ = std::move(end);
  changed_.notify_all();
}

void Transfer::abandon(Error error) {
  // Without memory for the name of the request the error goes without it: somebody waits for it.
  (void)guarded("name a request", [&] { error = Error(error).with_context(options_.what); });
  MutexLock lock(mutex_);
  if (end_) return;
  end_ = failure(std::move(error));
  changed_.notify_all();
}

bool Transfer::ended() const {
  MutexLock lock(mutex_);
  return end_.has_value();
}

Result<Response> Transfer::await_response() {
  MutexLock lock(mutex_);
  while (!end_)
    changed_.wait(lock);
  if (!*end_) return failure(end_->error());
  return std::move(response_);
}

Result<Transfer::Head> Transfer::await_head(SteadyTime until) {
  MutexLock lock(mutex_);
  while (!head_done_ && !end_) {
    if (!real_clock().wait_until(lock, changed_, until) && !head_done_ && !end_) {
      return failure(Code::DeadlineExceeded,
                     options_.what + ": no answer within " + seconds(options_.request_timeout));
    }
  }
  if (!head_done_) {
    if (!*end_) return failure(end_->error());
    return failure(Code::Unavailable, options_.what + ": the server closed without an answer");
  }
  return Head{.status = response_.status, .headers = response_.headers};
}

Result<std::optional<Transfer::Piece>> Transfer::take(std::chrono::milliseconds idle) {
  MutexLock lock(mutex_);
  const SteadyTime until = real_clock().steady_now() + idle;
  while (response_.body.empty() && !end_) {
    if (idle.count() == 0) {
      changed_.wait(lock);
    } else if (!real_clock().wait_until(lock, changed_, until) && response_.body.empty() && !end_) {
      return failure(Code::DeadlineExceeded, options_.what + ": silent for " + seconds(idle));
    }
  }
  if (end_ && !*end_ && end_->error().code == Code::Cancelled) return failure(end_->error());
  if (response_.body.empty()) {
    if (!*end_) return failure(end_->error());
    return std::nullopt;
  }
  Piece piece{.data = std::exchange(response_.body, {}), .was_paused = paused_};
  paused_ = false;
  return piece;
}

Error Transfer::describe(CURLcode code) const {
  const auto error = [&](Code why, std::string text) {
    return Error{why, options_.what + ": " + std::move(text), std::chrono::milliseconds{0}};
  };
  if (too_large_ && code == CURLE_WRITE_ERROR) {
    return error(Code::TooLarge,
                 "the answer is larger than " + std::to_string(options_.limit) + " bytes");
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    curl_off_t established = 0;
    curl_easy_getinfo(easy(), CURLINFO_PRETRANSFER_TIME_T, &established);
    if (established == 0) {
      return error(Code::Unavailable, "no connection within " + seconds(options_.connect_timeout));
    }
    return error(Code::DeadlineExceeded,
                 "no complete answer within " + seconds(options_.request_timeout));
  }
  if (code == CURLE_COULDNT_CONNECT) {
    long os_error = 0;
    curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &os_error);
    return error(Code::Unavailable,
                 "cannot connect: " + std::generic_category().message(static_cast<int>(os_error)));
  }
  const std::string_view detail = trim(error_buffer_);
  return error(Code::Unavailable,
               detail.empty() ? std::string(curl_easy_strerror(code)) : std::string(detail));
}

}  // namespace base::http
