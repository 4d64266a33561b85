#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>

#include <nlohmann/json.hpp>
#include <spdlog/details/os.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "base/log_writer.h"

namespace base {
namespace {

std::atomic<LogFormat> g_format{LogFormat::Text};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warning:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
    case LogLevel::Off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

constexpr std::chrono::milliseconds kLastWords{1'000};

// Never destroyed: other threads may log until the very end.
LogWriter& writer() {
  static LogWriter* const instance = [] {
    auto* made = new LogWriter({.on_dropped = [](uint64_t lines) {
      log_warning("base", "Dropped log lines: nobody read them in time",
                  {{"lines", std::to_string(lines)}});
    }});
    std::atexit([] { flush_log(kLastWords); });
    return made;
  }();
  return *instance;
}

// Formats a line and hands it on; colors it for a person.
class QueueSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t buffer;
    formatter_->format(message, buffer);
    std::string line(buffer.data(), buffer.size());
    if (colored_ && message.color_range_end > message.color_range_start) {
      line.insert(message.color_range_end, "\033[m");
      line.insert(message.color_range_start, color_of(message.level));
    }
    writer().push(std::move(line));
  }
  void flush_() override {}

  static const char* color_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::warn:
        return "\033[33m\033[1m";
      case spdlog::level::err:
        return "\033[31m\033[1m";
      case spdlog::level::debug:
        return "\033[36m";
      default:
        return "\033[32m";
    }
  }

  const bool colored_ =
      spdlog::details::os::in_terminal(stderr) && spdlog::details::os::is_color_terminal();
};

spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    auto* made = new spdlog::logger("sparkcron", std::make_shared<QueueSink>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *instance;
}

// Values are quoted when they hold anything that would break `key=value` apart; control bytes are
// escaped, so a hostile name cannot forge a line.
std::string quoted(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of(" \"=\\") == std::string::npos &&
                     std::all_of(value.begin(), value.end(),
                                 [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
  if (plain) return value;
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string as_text(std::string_view component, std::string_view message,
                    std::initializer_list<LogField> fields) {
  std::string line = "[" + std::string(component) + "] " + std::string(message);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += quoted(field.value);
  }
  return line;
}

std::string as_json(std::string_view component, std::string_view message,
                    std::initializer_list<LogField> fields) {
  nlohmann::ordered_json line;
  line["component"] = component;
  line["message"] = message;
  for (const LogField& field : fields)
    line[std::string(field.key)] = field.value;
  // The pattern writes the opening brace with time and level.
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(1);
}

}  // namespace

void configure_log(LogFormat format, LogLevel level) {
  g_format = format;
  logger().set_level(to_spdlog(level));
  if (format == LogFormat::Json) {
    logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)",
                         spdlog::pattern_time_type::utc);
  }
}

void set_log_level(LogLevel level) {
  logger().set_level(to_spdlog(level));
}

bool flush_log(std::chrono::milliseconds at_most) {
  return writer().flush(at_most);
}

uint64_t dropped_log_lines() {
  return writer().dropped();
}

void log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  logger().log(to_spdlog(level), "{}",
               g_format == LogFormat::Json ? as_json(component, message, fields)
                                           : as_text(component, message, fields));
}

}  // namespace base
