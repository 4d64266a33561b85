#include "monitor/ledger.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "monitor/ledger_rows.h"
#include "monitor/set_aside.h"

namespace monitor {

using base::Code;
using base::Error;
using base::failure;
using base::Result;
using base::Status;
using runner::RunCounts;
using runner::RunRecord;
using runner::SkipRecord;

namespace {

// A disk that damages every new file must not be filled with them.
constexpr std::chrono::minutes kBetweenNewFiles{1};

// While the service runs, a ledger that cannot be used is no mistake of anybody who asks: whatever
// stands in the way, the same call works once it is gone.
Error passing(Error error) {
  if (error.code == Code::InvalidArgument || error.code == Code::Corrupt ||
      error.code == Code::Forbidden)
    error.code = Code::Unavailable;
  return error;
}

bool covers(const RunCounts& counts, const RunCounts& floor) {
  return counts.started >= floor.started && counts.succeeded >= floor.succeeded &&
         counts.failed >= floor.failed && counts.skipped >= floor.skipped;
}

}  // namespace

Ledger::Ledger(LedgerOptions options, base::Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(LedgerOptions options, base::Clock& clock) {
  std::unique_ptr<Ledger> ledger(new Ledger(std::move(options), clock));
  News news;
  {
    base::MutexLock lock(ledger->writer_mutex_);
    RETURN_IF_ERROR(ledger->connect(news));
  }
  ledger->tell(news);
  return ledger;
}

// --- The file ------------------------------------------------------------------------------------

Status Ledger::open_connections() {
  ASSIGN_OR_RETURN(writer_,
                   LedgerWriter::open(options_.path, options_.keep, options_.notices, clock_));
  ++generation_;
  for (ReadSide* side : {&lookups_, &questions_}) {
    auto reader = LedgerReader::open(options_.path);
    if (!reader) {
      disconnect();
      return failure(reader.error());
    }
    base::MutexLock lock(side->mutex);
    side->reader.emplace(std::move(*reader));
    side->generation = generation_;
  }
  return {};
}

void Ledger::disconnect() {
  writer_.reset();
  for (ReadSide* side : {&lookups_, &questions_}) {
    base::MutexLock lock(side->mutex);
    side->reader.reset();
  }
}

Status Ledger::connect(News& news) {
  Status opened = open_connections();
  if (opened || opened.error().code != Code::Corrupt) return opened;
  return begin_anew(opened.error(), news);
}

// A crash after the old file was set aside: the next start finds none and makes a new one.
Status Ledger::begin_anew(const Error& damage, News& news) {
  disconnect();
  const base::SteadyTime now = clock_.steady_now();
  if (set_aside_at_ && now - *set_aside_at_ < kBetweenNewFiles)
    return failure(Code::Unavailable,
                   damage.message + "; it was begun anew less than a minute ago");
  ASSIGN_OR_RETURN(const std::string old, set_aside(options_.path, clock_.now()));
  set_aside_at_ = now;
  base::log_error("monitor", "The ledger was damaged, was set aside and is begun anew",
                  {{"path", options_.path}, {"set_aside", old}, {"error", damage.message}});
  news.begun_anew = "the ledger was damaged (" + damage.message + "), was set aside as " + old +
                    " and is begun anew";
  {
    base::MutexLock lock(condition_mutex_);
    ++condition_.corruptions;
    condition_.last_set_aside = old;
  }
  return open_connections();
}

// --- Writing -------------------------------------------------------------------------------------

Status Ledger::write_once(const WriteStep& step, News& news) {
  if (writer_ && !writer_->still_there()) {
    base::log_error("monitor", "The ledger's file was removed or replaced while in use",
                    {{"path", options_.path}});
    news.begun_anew = "the ledger's file " + options_.path +
                      " was removed or replaced while in use; it goes on with what is there now";
    disconnect();
    base::MutexLock lock(condition_mutex_);
    ++condition_.vanished;
  }
  if (!writer_) RETURN_IF_ERROR(connect(news));
  news.dropped.clear();
  return step(*writer_, news.dropped);
}

Status Ledger::write(const WriteStep& step) {
  News news;
  Status written;
  {
    base::MutexLock lock(writer_mutex_);
    written = write_once(step, news);
    if (!written && written.error().code == Code::Corrupt) {
      written = begin_anew(written.error(), news);
      if (written) written = write_once(step, news);
    }
    if (writer_) news.noticed = writer_->take_noticed() && written.has_value();
  }
  if (!written) {
    news.dropped.clear();  // rolled back
    written = failure(passing(std::move(written).error()));
  }
  note(written);
  tell(news);
  return written;
}

void Ledger::note(const Status& written) {
  base::MutexLock lock(condition_mutex_);
  condition_.last_write = written;
}

void Ledger::tell(const News& news) const {
  if (options_.on_dropped)
    for (const DroppedRun& gone : news.dropped)
      options_.on_dropped(gone.run, gone.uid);
  if (options_.on_begun_anew && !news.begun_anew.empty()) options_.on_begun_anew(news.begun_anew);
  if (options_.on_notice && news.noticed) options_.on_notice();
}

// Controllers record what they see whenever they look, so that a ledger that lost something has it
// again; most of the time that is nothing new and needs no write.
Status Ledger::record_run(const RunRecord& run) {
  const auto known = read<std::optional<RunRecord>>(
      lookups_, [&](LedgerReader& reader) { return reader.run_of(run.uid); });
  if (known && *known && adds_nothing(**known, run)) return {};
  return write([&run](LedgerWriter& writer, std::vector<DroppedRun>& dropped) {
    return writer.record_run(run, dropped);
  });
}

Status Ledger::seed_run(const RunRecord& run) {
  const auto known = find_run(run.schedule_uid, run.name);
  if (known && *known) return {};
  return write([&run](LedgerWriter& writer, std::vector<DroppedRun>& dropped) {
    return writer.seed_run(run, dropped);
  });
}

Status Ledger::record_skip(const SkipRecord& skip) {
  return write([&skip](LedgerWriter& writer, std::vector<DroppedRun>& dropped) {
    return writer.record_skip(skip, dropped);
  });
}

Result<RunCounts> Ledger::counts(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                                 const RunCounts& floor, const std::string& trigger) {
  std::optional<std::string> handled;
  const auto known = read<RunCounts>(lookups_, [&](LedgerReader& reader) -> Result<RunCounts> {
    ASSIGN_OR_RETURN(handled, reader.trigger(schedule_uid));
    return reader.counts(schedule_uid);
  });
  if (known && covers(*known, floor) && handled == trigger) return known;
  RunCounts counts;
  RETURN_IF_ERROR(write([&](LedgerWriter& writer, std::vector<DroppedRun>&) -> Status {
    ASSIGN_OR_RETURN(counts, writer.counts(schedule, schedule_uid, floor, trigger));
    return {};
  }));
  return counts;
}

Status Ledger::handled(const std::string& schedule_uid, const std::string& trigger) {
  return write([&](LedgerWriter& writer, std::vector<DroppedRun>&) {
    return writer.handled(schedule_uid, trigger);
  });
}

// --- Reading -------------------------------------------------------------------------------------

template <class T>
Result<T> Ledger::read(ReadSide& side, const std::function<Result<T>(LedgerReader&)>& step) {
  std::optional<Error> damage;
  uint64_t generation = 0;
  {
    base::MutexLock lock(side.mutex);
    if (side.reader) {
      auto answer = step(*side.reader);
      if (answer || answer.error().code != Code::Corrupt) return answer;
      damage = answer.error();
    }
    generation = side.generation;
  }
  RETURN_IF_ERROR(repair(damage, generation));
  base::MutexLock lock(side.mutex);
  if (!side.reader) return failure(Code::Unavailable, options_.path + " is not open");
  auto answer = step(*side.reader);
  if (!answer) return failure(passing(std::move(answer).error()));
  return answer;
}

// After a reader met damage in that generation's file, or found none open.
Status Ledger::repair(const std::optional<Error>& damage, uint64_t generation) {
  News news;
  Status repaired;
  {
    base::MutexLock lock(writer_mutex_);
    if (!writer_)
      repaired = connect(news);
    else if (damage && generation == generation_)  // else somebody was faster
      repaired = begin_anew(*damage, news);
  }
  if (!repaired) {
    repaired = failure(passing(std::move(repaired).error()));
    note(repaired);
  }
  tell(news);
  return repaired;
}

Result<std::optional<RunRecord>> Ledger::find_run(const std::string& schedule_uid,
                                                  const std::string& name) {
  return read<std::optional<RunRecord>>(
      lookups_, [&](LedgerReader& reader) { return reader.find_run(schedule_uid, name); });
}

Result<std::vector<RunRecord>> Ledger::runs_after(const std::string& schedule_uid,
                                                  base::WallTime slot) {
  return read<std::vector<RunRecord>>(
      lookups_, [&](LedgerReader& reader) { return reader.runs_after(schedule_uid, slot); });
}

Result<std::optional<runner::Remembered>> Ledger::remembered(const std::string& schedule_uid,
                                                             std::chrono::sys_seconds until) {
  return read<std::optional<runner::Remembered>>(
      lookups_, [&](LedgerReader& reader) { return reader.remembered(schedule_uid, until); });
}

Result<std::map<std::string, uint64_t>> Ledger::skip_counts(const std::string& schedule_uid) {
  return read<std::map<std::string, uint64_t>>(
      lookups_, [&](LedgerReader& reader) { return reader.skip_counts(schedule_uid); });
}

Result<History> Ledger::history(const HistoryQuery& query) {
  return read<History>(questions_, [&](LedgerReader& reader) { return reader.history(query); });
}

Result<Summary> Ledger::summary(const SummaryQuery& query) {
  return read<Summary>(questions_, [&](LedgerReader& reader) { return reader.summary(query); });
}

Result<RunCounts> Ledger::totals() {
  return read<RunCounts>(questions_, [](LedgerReader& reader) { return reader.counts(kAllRuns); });
}

Result<std::vector<Notice>> Ledger::notices(size_t limit) {
  return read<std::vector<Notice>>(questions_,
                                   [&](LedgerReader& reader) { return reader.notices(limit); });
}

Status Ledger::drop_notice(int64_t id) {
  return write(
      [id](LedgerWriter& writer, std::vector<DroppedRun>&) { return writer.drop_notice(id); });
}

Result<uint64_t> Ledger::drop_notices_before(base::WallTime time) {
  uint64_t dropped = 0;
  RETURN_IF_ERROR(write([&](LedgerWriter& writer, std::vector<DroppedRun>&) -> Status {
    ASSIGN_OR_RETURN(dropped, writer.drop_notices_before(time));
    return {};
  }));
  return dropped;
}

void Ledger::try_write() {
  if (condition().last_write) return;
  // How it ended is noted, like the outcome of any other.
  (void)write([](LedgerWriter& writer, std::vector<DroppedRun>&) { return writer.try_write(); });
}

uint64_t Ledger::file_bytes() const {
  uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(options_.path + suffix, error);
    if (!error) bytes += size;
  }
  return bytes;
}

LedgerCondition Ledger::condition() const {
  base::MutexLock lock(condition_mutex_);
  return condition_;
}

}  // namespace monitor
