// What differs between two models.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_DIFFERENCE_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_DIFFERENCE_H_

#include <string>
#include <vector>

#include "weightinit/v1/model.pb.h"

namespace weightinit::cli {

// One of the two, resolved.
struct ResolvedModel {
  std::string path;
  std::vector<v1::ModelTensor> tensors;
  v1::ModelSummary summary;
};

// A field of a tensor, such as "shape" or "parts[0].stddev". Its values as
// JSON; "null" for a tensor that does not have it.
struct FieldDifference {
  std::string field;
  std::string a;
  std::string b;
};

struct TensorDifference {
  enum class Kind { kOnlyInA, kOnlyInB, kChanged };

  Kind kind = Kind::kChanged;
  std::string name;
  std::vector<FieldDifference> fields;  // Of one that is changed.
};

// The tensors of `a` that differ, in its order, then those that only `b` has,
// in its order; none for models that make the same tensors in whatever order.
// The seed is not compared.
std::vector<TensorDifference> Differences(const ResolvedModel& a,
                                          const ResolvedModel& b);

// All of it, as lines or as one JSON object and a line break.
std::string DifferenceText(const ResolvedModel& a, const ResolvedModel& b,
                           const std::vector<TensorDifference>& differences);
std::string DifferenceJson(const ResolvedModel& a, const ResolvedModel& b,
                           const std::vector<TensorDifference>& differences);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_DIFFERENCE_H_
