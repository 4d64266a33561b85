// Replays the corpus of fuzz_submission, and the corpus with every value replaced once by others.

#include <cstdint>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/yaml_documents.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using nlohmann::json;

void run(const std::string& text) {
  CHECK(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size()) == 0);
}

// Every place of the document, leaf or not.
void places(const json& value, const json::json_pointer& at,
            std::vector<json::json_pointer>& found) {
  found.push_back(at);
  if (value.is_object()) {
    for (const auto& [key, member] : value.items())
      places(member, at / key, found);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      places(value[i], at / i, found);
  }
}

}  // namespace

TEST_CASE("the fuzz corpus holds") {
  const json replacements[] = {nullptr,
                               true,
                               -1,
                               "",
                               "{{ .X }}",
                               "${x}\n=:#!\\",
                               json::array(),
                               json::object(),
                               {{"name", {{"a", 1}}}}};
  size_t files = 0;
  const std::string folder = "tests/fuzz/corpus/submission";
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(SPARKCRON_SOURCE_DIR) + "/" + folder)) {
    const std::string name = file.path().filename().string();
    const std::string text = runner::submission::test::read_project_file(folder + "/" + name);
    run(text);
    ++files;
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) continue;
    std::vector<json::json_pointer> all;
    places(document, json::json_pointer(), all);
    for (const json::json_pointer& place : all) {
      for (const json& replacement : replacements) {
        json changed = document;
        changed[place] = replacement;
        run(changed.dump());
      }
    }
  }
  CHECK(files >= 12);
}
