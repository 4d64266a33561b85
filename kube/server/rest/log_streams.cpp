#include "kube/server/rest/log_streams.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "base/guard.h"
#include "base/log.h"
#include "kube/server/machinery/status.h"
#include "kube/server/rest/api_request.h"

namespace kube::server::rest {
namespace {

constexpr size_t kMaxUnsent = 8;  // chunks

base::SteadyTime after(base::SteadyTime now, std::chrono::seconds length) {
  const auto end = base::SteadyTime::max();
  return length < std::chrono::floor<std::chrono::seconds>(end - now) ? now + length : end;
}

}  // namespace

// One log on its way. The server frees a chunk once it is sent, which makes room for the next.
struct LogStreams::Session : std::enable_shared_from_this<LogStreams::Session> {
  std::unique_ptr<kube::LogReader> reader;
  std::shared_ptr<base::http::Stream> stream;
  base::Clock& clock;
  const base::SteadyTime until;
  std::thread thread;
  Lasts lasts = Lasts::Shortly;
  bool begun = false;  // of the thread
  std::atomic<bool> finished = false;

  base::Mutex mutex;
  base::CondVar changed;
  size_t unsent GUARDED_BY(mutex) = 0;
  bool cancelled GUARDED_BY(mutex) = false;

  Session(base::Clock& time, base::SteadyTime end) : clock(time), until(end) {}

  void cancel() {
    {
      const base::MutexLock lock(mutex);
      cancelled = true;
      changed.notify_all();
    }
    reader->cancel();
  }

  // False: the client has gone, or is as good as gone.
  bool wait_for_room() {
    const base::SteadyTime patience = std::min(clock.steady_now() + kStall, until);
    base::MutexLock lock(mutex);
    while (unsent >= kMaxUnsent && !cancelled && clock.steady_now() < patience)
      clock.wait_until(lock, changed, patience);
    if (cancelled) return false;
    if (unsent >= kMaxUnsent || clock.steady_now() >= until) {
      base::log_warning("kube/server", "Gave up a reader of a log or list that is too slow", {});
      return false;
    }
    ++unsent;
    return true;
  }

  void release() {
    const base::MutexLock lock(mutex);
    --unsent;
    changed.notify_all();
  }

  // What throws (no memory for a chunk) ends this stream, like an error of its reader: entered anew
  // it only closes.
  void run() {
    if (!std::exchange(begun, true)) send_all();
    stream->close();
    finished = true;
  }

  void send_all() {
    while (wait_for_room()) {
      auto chunk = reader->read();
      if (!chunk) {
        if (chunk.error().code != base::Code::Cancelled) {
          base::log_warning("kube/server", "Could not go on reading a pod's log",
                            {{"error", chunk.error().message}});
        }
        break;
      }
      if (!*chunk) break;
      std::shared_ptr<const std::string> data(new std::string(std::move(**chunk)),
                                              [self = shared_from_this()](const std::string* text) {
                                                delete text;
                                                self->release();
                                              });
      if (!stream->write(std::move(data))) break;
    }
  }
};

LogStreams::~LogStreams() {
  stop();
}

base::Result<std::unique_ptr<kube::LogReader>> LogStreams::open(
    const kube::ObjectKey& pod, const std::string& uid, const kube::LogOptions& options) const {
  if (!source_) return base::failure(base::Code::NotFound, "no node here keeps logs");
  return source_->open(pod, uid, options);
}

void LogStreams::send(std::unique_ptr<kube::LogReader> reader,
                      std::shared_ptr<base::http::Responder> responder, const Sending& sending) {
  const base::MutexLock lock(mutex_);
  join_finished();
  // Follows may last for days: what ends by itself always finds room beside them.
  const auto follows = static_cast<size_t>(std::count_if(
      sessions_.begin(), sessions_.end(),
      [](const std::shared_ptr<Session>& one) { return one->lasts == Lasts::Follows; }));
  const bool full = sessions_.size() >= kMaxStreams ||
                    (sending.lasts == Lasts::Follows && follows >= kMaxFollows);
  if (stopping_ || full) {
    return answer(*responder,
                  machinery::too_many_requests("too many logs and long lists are being read", 1));
  }
  auto session = std::make_shared<Session>(clock_, after(clock_.steady_now(), sending.at_most));
  session->reader = std::move(reader);
  session->lasts = sending.lasts;
  session->stream = responder->stream(
      200, {{"Content-Type", sending.content_type}, {"Cache-Control", "no-cache, private"}});
  session->stream->on_close([weak = std::weak_ptr<Session>(session)] {
    if (const auto open = weak.lock()) open->cancel();
  });
  // On the list first: a thread that nobody could join would end the process.
  sessions_.push_back(session);
  const auto started = base::guarded("begin to send", [&] {
    session->thread = base::start_thread("sender", [session] { session->run(); });
  });
  if (started) return;
  sessions_.pop_back();
  session->stream->close();
}

void LogStreams::join_finished() {
  sessions_.remove_if([](const std::shared_ptr<Session>& session) {
    if (!session->finished) return false;
    session->thread.join();
    return true;
  });
}

void LogStreams::stop() {
  std::list<std::shared_ptr<Session>> sessions;
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
    sessions = std::exchange(sessions_, {});
  }
  for (const auto& session : sessions) {
    session->cancel();
    session->thread.join();
  }
}

}  // namespace kube::server::rest
