#include "monitor/dashboard/login.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "base/constant_time.h"

namespace monitor::dashboard {
namespace {

constexpr std::string_view kPurpose = "sparkcron: sessions of the dashboard";
constexpr size_t kSecretBytes = 32;

std::string hex(const unsigned char* bytes, size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const void* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  CHECK(done != nullptr);
  return hex(digest.data(), size);
}

base::Result<std::string> random_text() {
  std::array<unsigned char, kSecretBytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return base::failure(base::Code::Internal, "no randomness for a login");
  return hex(bytes.data(), bytes.size());
}

int64_t seconds_of(base::WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Login::Login(std::string_view token, base::Clock& clock)
    : key_(hmac(token, kPurpose)), clock_(clock) {
  CHECK(!token.empty());
}

base::Result<std::string> Login::new_code() {
  ASSIGN_OR_RETURN(std::string code, random_text());
  const base::MutexLock lock(mutex_);
  if (codes_.size() >= kMaxCodes) codes_.pop_front();
  codes_.push_back({.text = code, .until = clock_.steady_now() + kCodeLife});
  return code;
}

bool Login::use_code(std::string_view code) {
  const base::MutexLock lock(mutex_);
  std::erase_if(codes_, [now = clock_.steady_now()](const Code& one) { return one.until <= now; });
  return std::erase_if(codes_, [&](const Code& one) {
           return base::equal_in_constant_time(one.text, code);
         }) > 0;
}

// "<end, seconds since the epoch>.<random>.<signature of both>"
base::Result<std::string> Login::new_session() {
  ASSIGN_OR_RETURN(const std::string nonce, random_text());
  const std::string text = std::to_string(seconds_of(clock_.now() + kSessionLife)) + "." + nonce;
  return text + "." + signature_of(text);
}

bool Login::knows(std::string_view session) const {
  const size_t dot = session.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view text = session.substr(0, dot);
  if (!base::equal_in_constant_time(session.substr(dot + 1), signature_of(text))) return false;
  int64_t until = 0;
  std::from_chars(text.data(), text.data() + text.size(), until);
  return seconds_of(clock_.now()) < until;
}

// "t<what, in hex>.<end, seconds since the epoch>.<signature of both>": no session begins with a t.
std::string Login::ticket(std::string_view what) const {
  const std::string text = "t" +
                           hex(reinterpret_cast<const unsigned char*>(what.data()), what.size()) +
                           "." + std::to_string(seconds_of(clock_.now() + kTicketLife));
  return text + "." + signature_of(text);
}

std::optional<std::string> Login::opened(std::string_view ticket) const {
  const size_t dot = ticket.rfind('.');
  if (dot == std::string_view::npos || !ticket.starts_with('t')) return std::nullopt;
  const std::string_view text = ticket.substr(0, dot);
  if (!base::equal_in_constant_time(ticket.substr(dot + 1), signature_of(text)))
    return std::nullopt;
  const size_t end = text.find('.');
  int64_t until = 0;
  std::from_chars(text.data() + end + 1, text.data() + text.size(), until);
  if (seconds_of(clock_.now()) >= until) return std::nullopt;
  std::string what;
  for (size_t i = 1; i + 1 < end; i += 2) {
    int byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    what += static_cast<char>(byte);
  }
  return what;
}

size_t Login::waiting() const {
  const base::MutexLock lock(mutex_);
  return codes_.size();
}

std::string Login::signature_of(std::string_view text) const {
  return hmac(key_, text);
}

}  // namespace monitor::dashboard
