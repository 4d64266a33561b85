#include "kube/token_file.h"

#include <memory>

#include "base/files.h"
#include "base/log.h"
#include "base/mutex.h"

namespace kube {
namespace {

constexpr std::chrono::seconds kFresh{60};
constexpr size_t kMaxToken = size_t{64} << 10;

base::Result<std::string> read_token(const std::string& path) {
  ASSIGN_OR_RETURN(std::string token, base::read_file(path, kMaxToken));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  if (token.empty()) return base::failure(base::Code::InvalidArgument, path + ": no token in it");
  return token;
}

class TokenFile {
 public:
  TokenFile(std::string path, std::string token, base::Clock& clock)
      : path_(std::move(path)),
        clock_(clock),
        token_(std::move(token)),
        read_at_(clock.steady_now()) {}

  std::string token() {
    const base::SteadyTime now = clock_.steady_now();
    base::MutexLock lock(mutex_);
    if (now - read_at_ >= kFresh) {
      read_at_ = now;
      if (auto token = read_token(path_)) {
        token_ = std::move(*token);
      } else {
        base::log_warning("kube", "Reading the token again failed",
                          {{"error", token.error().message}});
      }
    }
    return token_;
  }

 private:
  const std::string path_;
  base::Clock& clock_;
  base::Mutex mutex_;
  std::string token_ GUARDED_BY(mutex_);
  base::SteadyTime read_at_ GUARDED_BY(mutex_);
};

}  // namespace

base::Result<std::function<std::string()>> token_from_file(const std::string& path,
                                                           base::Clock& clock) {
  ASSIGN_OR_RETURN(std::string token, read_token(path));
  auto file = std::make_shared<TokenFile>(path, std::move(token), clock);
  return [file] { return file->token(); };
}

}  // namespace kube
