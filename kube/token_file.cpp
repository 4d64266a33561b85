#include "kube/token_file.h"

#include <memory>
#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "base/mutex.h"

namespace kube {
namespace {

using base::http::Credential;

constexpr std::chrono::seconds kFresh{60};
constexpr size_t kMaxToken = size_t{64} << 10;
constexpr size_t kMaxText = size_t{4} << 20;

base::Result<std::string> read_token(const std::string& path) {
  ASSIGN_OR_RETURN(std::string token, base::read_file(path, kMaxToken));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty()) return base::failure(base::Code::InvalidArgument, path + ": no token in it");
  return token;
}

base::Result<std::string> read_text(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, base::read_file(path, kMaxText));
  if (text.empty()) return base::failure(base::Code::InvalidArgument, path + ": nothing in it");
  return text;
}

// What a reading gave, until it is a minute old.
template <class Value>
class Fresh {
 public:
  using Read = std::function<base::Result<Value>()>;
  static base::Result<std::shared_ptr<Fresh>> begin(Read read, base::Clock& clock) {
    ASSIGN_OR_RETURN(Value first, read());
    return std::make_shared<Fresh>(std::move(read), std::move(first), clock);
  }
  Fresh(Read read, Value first, base::Clock& clock)
      : read_(std::move(read)),
        clock_(clock),
        value_(std::move(first)),
        read_at_(clock.steady_now()) {}

  Value value() {
    const base::SteadyTime now = clock_.steady_now();
    base::MutexLock lock(mutex_);
    if (now - read_at_ >= kFresh) {
      read_at_ = now;
      if (auto again = read_()) {
        value_ = std::move(*again);
      } else {
        base::log_warning("kube", "Reading a credential again failed",
                          {{"error", again.error().message}});
      }
    }
    return value_;
  }

 private:
  const Read read_;
  base::Clock& clock_;
  base::Mutex mutex_;
  Value value_ GUARDED_BY(mutex_);
  base::SteadyTime read_at_ GUARDED_BY(mutex_);
};

base::Result<std::function<std::string()>> following(Fresh<std::string>::Read read,
                                                     base::Clock& clock) {
  ASSIGN_OR_RETURN(auto fresh, Fresh<std::string>::begin(std::move(read), clock));
  return [fresh] { return fresh->value(); };
}

}  // namespace

base::Result<std::function<std::string()>> token_from_file(const std::string& path,
                                                           base::Clock& clock) {
  return following([path] { return read_token(path); }, clock);
}

base::Result<std::function<std::string()>> text_from_file(const std::string& path,
                                                          base::Clock& clock) {
  return following([path] { return read_text(path); }, clock);
}

base::Result<std::function<base::Result<Credential>()>> certificate_from_files(
    const std::string& certificate, const std::string& key, base::Clock& clock) {
  const auto read = [certificate, key]() -> base::Result<Credential> {
    Credential pair;
    ASSIGN_OR_RETURN(pair.certificate_pem, read_text(certificate));
    ASSIGN_OR_RETURN(pair.key_pem, read_text(key));
    return pair;
  };
  ASSIGN_OR_RETURN(auto fresh, Fresh<Credential>::begin(read, clock));
  return [fresh]() -> base::Result<Credential> { return fresh->value(); };
}

}  // namespace kube
