// What the subcommands of `weightinit model` found out, and how it reads.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_REPORT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "client/cpp/cli/preset_options.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// Of one `weightinit model init`.
struct ModelReport {
  ModelFetchResult result;
  std::string output;
  std::vector<std::string> files;  // Of a directory.
  int64_t file_bytes = 0;
  double seconds = 0;
};

std::string ModelInitText(const ModelReport& report);
// One JSON object, ending in a line break.
std::string ModelInitJson(const ModelReport& report);

// Of one `weightinit model verify` that found the file equal.
std::string ModelVerifyJson(const std::string& file,
                            const ModelFetchResult& result);

// "advisory: ..." lines about the model as a whole; empty for none.
std::string ModelAdvisoryText(const v1::ModelSummary& summary);

// The tensors of a model: a table for people, or JSON for programs.
class ModelTable {
 public:
  // `presets` must outlive it.
  ModelTable(bool json, const PresetRules& presets)
      : json_(json), presets_(presets) {}

  // The next tensor.
  void Add(const v1::ModelTensor& tensor);

  // "advisory: ..." lines about tensors that no preset starts, the first 20.
  std::string advisories() const;

  // All of it: with JSON one object, its tensors one to a line.
  std::string Finish(const v1::ModelSummary& summary);

 private:
  const bool json_;
  const PresetRules& presets_;
  std::string rows_;
  std::string advisories_;
  int advisory_count_ = 0;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_REPORT_H_
