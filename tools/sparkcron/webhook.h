#pragma once

// Webhook: the HTTPS listener of the admission webhook, with its certificate. Every replica serves
// it, leader or not; the controllers need nothing of it.
//
//   POST /validate   ScheduledSparkApplications, SparkApplications
//   POST /mutate     SparkApplications, pods
//
// It listens as soon as there is a certificate, and tries for ever to have one: a webhook that
// cannot be served never keeps a controller from starting. Threads: any; stop() once.

#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/http/server.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/api.h"
#include "runner/admission/certificate_keeper.h"
#include "runner/admission/review.h"
#include "runner/telemetry.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

class Webhook {
 public:
  // `folder`: where the files of a certificate of our own are kept. `telemetry` hears of each
  // answer, and may be null. All must outlive it.
  Webhook(const WebhookOptions& options, const std::string& ns, const std::string& folder,
          runner::admission::Rules rules, kube::Api& api, base::Clock& clock,
          runner::Telemetry* telemetry = nullptr);
  ~Webhook();  // as stop()
  void start();
  void stop();
  // Why it is not served, or its certificate not kept: `the webhook is not served: …`.
  [[nodiscard]] base::Status ready() const;
  // "0.0.0.0:9443"; empty while it is not served.
  [[nodiscard]] std::string address() const;

 private:
  void run();
  base::Status step();
  base::Status listen();
  void handle(const base::http::Request& request, base::http::Responder& responder) const;

  const WebhookOptions options_;
  const runner::admission::Rules rules_;
  base::Clock& clock_;
  runner::Telemetry* const telemetry_;
  std::string certificate_file_;
  std::string key_file_;
  std::unique_ptr<runner::admission::CertificateKeeper> keeper_;  // null: the certificate is given
  std::unique_ptr<base::http::Server> server_;                    // of run() alone, until stop()

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  base::Status state_ GUARDED_BY(mutex_) = base::failure(base::Code::Unavailable,
                                                         "it has not been started");
  std::string address_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace sparkcron
