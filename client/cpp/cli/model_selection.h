// Parts of the tensors of a model, as typed.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_SELECTION_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_SELECTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// Text as typed.
struct SelectionOptions {
  // "[PATTERN=]INDEX/COUNT[:AXIS]" each; without a pattern all tensors.
  std::vector<std::string> shards;
  // Of the shards that do not say theirs.
  std::optional<std::string> axis;
  // "PATTERN=START:STOP,START:STOP" each.
  std::vector<std::string> slices;
};

// The selections of a request, and which option each is.
struct Selections {
  // The shards, then the slices, so that a slice holds where both match.
  std::vector<v1::TensorSelection> messages;
  std::vector<std::string> options;  // Such as "--shard 3/8".

  // The option that made the field "selections[2].shard.axis" of a request,
  // and the rest of the field: "--shard 3/8: shard.axis". Another field as it
  // is.
  std::string NameOf(const std::string& field) const;
};

// INVALID_ARGUMENT names every option that does not read, and what would;
// whether the model has such parts is for the service to say.
absl::StatusOr<Selections> ParseSelections(const SelectionOptions& options);

// "INDEX/COUNT", also with ":AXIS" behind it. Nothing if it does not read.
struct ShardText {
  int64_t index = 0;
  int64_t count = 0;
  std::optional<int64_t> axis;
};
std::optional<ShardText> ParseShardText(absl::string_view text);

// Notes which tensors the part has nothing of.
class EmptyParts {
 public:
  void Add(const v1::ModelTensor& tensor);
  // A line for the user; empty if every tensor has something.
  std::string text() const;

 private:
  int64_t count_ = 0;
  std::vector<std::string> names_;  // The first ones.
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_SELECTION_H_
