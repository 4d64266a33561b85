#include "runner/admission/rotation.h"

#include <algorithm>
#include <utility>

namespace runner::admission {
namespace {

using base::http::KeyPair;

// Whatever somebody wrote into the Secret, the bundle stays short.
constexpr size_t kMostTrusted = 4;

bool usable(const KeyPair& pair, base::WallTime now, const RotationRules& rules) {
  const auto validity = base::http::validity_of(pair.certificate);
  return validity && validity->from <= now && now < validity->until &&
         base::http::serves(pair, rules.hosts);
}

bool valid(const std::string& certificate, base::WallTime now) {
  const auto validity = base::http::validity_of(certificate);
  return validity && now < validity->until;
}

// The certificates that matter, then those that were trusted until now.
std::string bundle_of(const std::vector<std::string>& first, const std::string& before,
                      base::WallTime now) {
  std::vector<std::string> all;
  const auto add = [&all](const std::string& text) {
    for (std::string& one : base::http::split_certificates(text))
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
  };
  for (const std::string& one : first)
    add(one);
  for (const std::string& one : base::http::split_certificates(before))
    if (all.size() < kMostTrusted && valid(one, now)) add(one);
  std::string text;
  for (const std::string& one : all)
    text += one;
  return text;
}

}  // namespace

base::Result<CertificateState> rotate(base::WallTime now, const CertificateState& seen,
                                      Published published, const RotationRules& rules) {
  CertificateState state = seen;
  // A time to come is that of a clock that was wrong.
  const bool settled =
      published == Published::Yes && (seen.changed > now || now - seen.changed >= rules.overlap);
  if (state.next && !usable(*state.next, now, rules)) state.next.reset();

  if (!usable(state.current, now, rules)) {
    if (state.next) {
      state.current = *std::exchange(state.next, std::nullopt);
    } else {
      ASSIGN_OR_RETURN(state.current, base::http::make_certificate(rules.hosts, now, rules.life));
    }
    state.bundle = bundle_of({state.current.certificate}, seen.bundle, now);
  } else if (state.next) {
    if (settled) state.current = *std::exchange(state.next, std::nullopt);
    state.bundle =
        bundle_of({state.current.certificate, state.next ? state.next->certificate : std::string()},
                  seen.bundle, now);
  } else if (base::http::validity_of(state.current.certificate)->until - rules.renew_before <=
             now) {
    ASSIGN_OR_RETURN(state.next, base::http::make_certificate(rules.hosts, now, rules.life));
    state.bundle =
        bundle_of({state.current.certificate, state.next->certificate}, seen.bundle, now);
  } else {
    state.bundle =
        bundle_of({state.current.certificate}, settled ? std::string() : seen.bundle, now);
  }
  if (!(state == seen)) state.changed = now;
  return state;
}

}  // namespace runner::admission
