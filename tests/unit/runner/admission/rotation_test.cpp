#include "runner/admission/rotation.h"

#include <algorithm>
#include <random>

#include "tests/support/catch.h"

using namespace runner::admission;
using base::http::KeyPair;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

const base::WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 11 / 28}};
const RotationRules kRules{.hosts = {"sparkcron-webhook.sparkcron.svc"}};

CertificateState must_rotate(base::WallTime now, const CertificateState& seen,
                             Published published = Published::Yes) {
  auto state = rotate(now, seen, published, kRules);
  REQUIRE(state.has_value());
  return *std::move(state);
}

size_t trusted(const CertificateState& state) {
  return base::http::split_certificates(state.bundle).size();
}

bool trusts(const std::string& bundle, const KeyPair& pair) {
  return bundle.find(pair.certificate) != std::string::npos;
}

}  // namespace

TEST_CASE("a certificate is made where there is none, and kept") {
  const CertificateState first = must_rotate(kNow, {}, Published::NotYet);
  CHECK(base::http::serves(first.current, kRules.hosts));
  CHECK(first.bundle == first.current.certificate);
  CHECK(first.changed == kNow);
  CHECK_FALSE(first.next);
  for (const auto later : {hours(0), hours(1), hours(24 * 300)})
    CHECK(must_rotate(kNow + later, first) == first);
}

TEST_CASE("a certificate is exchanged in steps, each of which waits for the one before") {
  const CertificateState first = must_rotate(kNow, {});
  base::WallTime now = kNow + days(336);
  const CertificateState made = must_rotate(now, first);
  REQUIRE(made.next);
  CHECK(made.current == first.current);
  CHECK(trusts(made.bundle, first.current));
  CHECK(trusts(made.bundle, *made.next));

  CHECK(must_rotate(now + minutes(59), made) == made);
  CHECK(must_rotate(now + days(3), made, Published::NotYet) == made);
  now += hours(1);
  const CertificateState moved = must_rotate(now, made);
  CHECK(moved.current == *made.next);
  CHECK_FALSE(moved.next);
  CHECK(trusts(moved.bundle, first.current));
  CHECK(trusts(moved.bundle, moved.current));

  CHECK(must_rotate(now + minutes(59), moved) == moved);
  CHECK(must_rotate(now + hours(5), moved, Published::NotYet) == moved);
  const CertificateState done = must_rotate(now + hours(1), moved);
  CHECK(done.current == moved.current);
  CHECK(trusted(done) == 1);
  CHECK(must_rotate(now + hours(9), done) == done);
}

TEST_CASE("what cannot be served is made anew at once") {
  const CertificateState good = must_rotate(kNow, {});
  struct Case {
    const char* what;
    CertificateState state;
    base::WallTime now;
  };
  CertificateState other_key = good;
  other_key.current.key = must_rotate(kNow, {}).current.key;
  CertificateState garbage = good;
  garbage.current.certificate = "hello";
  CertificateState other_name = good;
  other_name.current =
      base::http::make_certificate({"elsewhere.example.com"}, kNow, days(10)).value();
  const Case cases[] = {{"a key that is not its own", other_key, kNow},
                        {"no certificate", garbage, kNow},
                        {"another name", other_name, kNow},
                        {"one that has ended", good, kNow + days(366)},
                        {"one that has not begun", good, kNow - days(2)}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.what) {
      const CertificateState state = must_rotate(c.now, c.state, Published::NotYet);
      CHECK(base::http::serves(state.current, kRules.hosts));
      CHECK_FALSE(state.current == c.state.current);
      CHECK(trusts(state.bundle, state.current));
    }
  }
  SECTION("the next one, where there is one") {
    CertificateState late = must_rotate(kNow + days(336), good);
    const CertificateState state = must_rotate(kNow + days(365), late, Published::NotYet);
    CHECK(state.current == *late.next);
  }
}

TEST_CASE("a bundle with anything in it stays short") {
  CertificateState state = must_rotate(kNow, {});
  for (int i = 0; i < 20; ++i)
    state.bundle +=
        base::http::make_certificate({"x.example.com"}, kNow, days(9)).value().certificate;
  state.bundle += "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN CERT";
  CHECK(trusted(must_rotate(kNow, state)) == 4);
  CHECK(trusted(must_rotate(kNow + hours(2), state)) == 1);
}

TEST_CASE("a clock that was in the future does not stop the rotation") {
  CertificateState made = must_rotate(kNow + days(336), must_rotate(kNow, {}));
  made.changed = kNow + days(3000);
  CHECK(must_rotate(kNow + days(337), made).current == *made.next);
}

// Two replicas, each of which serves what it read last; the bundle reaches API servers late, if at
// all for a while. Whatever is served is trusted, over years.
TEST_CASE("no replica ever serves what the API servers do not trust") {
  std::mt19937 random(20261128);
  const RotationRules rules{.hosts = kRules.hosts, .life = days(10), .renew_before = days(2)};
  const auto step = [&rules](base::WallTime now, const CertificateState& seen,
                             Published published) {
    return rotate(now, seen, published, rules).value();
  };
  CertificateState secret = step(kNow, {}, Published::Yes);
  std::string told = secret.bundle;
  KeyPair served[] = {secret.current, secret.current};
  int exchanged = 0;
  for (base::WallTime now = kNow; now < kNow + days(40); now += minutes(20)) {
    const bool api_answers = random() % 4 != 0;
    const size_t replica = random() % 2;
    const CertificateState before = secret;
    if (api_answers) {
      secret = step(now, secret, told == secret.bundle ? Published::Yes : Published::NotYet);
      served[replica] = secret.current;
      // A crash here leaves the API servers with what they had.
      if (random() % 4 != 0) told = secret.bundle;
    }
    if (!(before.current == secret.current)) ++exchanged;
    // Each replica looks every few seconds, so within two of these steps.
    served[1 - replica] = before.current;
    for (const KeyPair& pair : served)
      if (!trusts(told, pair)) FAIL("not trusted");
  }
  CHECK(exchanged == 4);
}
