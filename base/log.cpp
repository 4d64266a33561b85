#include "base/log.h"

#include <atomic>
#include <memory>

#include <nlohmann/json.hpp>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

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

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>();
    auto made = std::make_shared<spdlog::logger>("sparkcron", sink);
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
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

void log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  logger().log(to_spdlog(level), "{}",
               g_format == LogFormat::Json ? as_json(component, message, fields)
                                           : as_text(component, message, fields));
}

}  // namespace base
