#include "core/model/settings.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/plan/parameter_overlay.h"
#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

// The number of that name in `parameters`; null if none is called so.
std::optional<double>* FindNumber(const std::string& name,
                                  SchemeParameters& parameters) {
#define WEIGHTINIT_PARAMETER(parameter, ...) \
  if (name == #parameter) return &parameters.parameter;
#include "weightinit/core/request.def"
  return nullptr;
}

bool HasNumber(const std::string& name, const SchemeParameters& parameters) {
  SchemeParameters copy = parameters;
  const std::optional<double>* const number = FindNumber(name, copy);
  return number != nullptr && number->has_value();
}

std::vector<std::string> NumberNames() {
  return {
#define WEIGHTINIT_PARAMETER(parameter, ...) #parameter,
#include "weightinit/core/request.def"
  };
}

void Remove(const std::string& name, Expressions& expressions) {
  expressions.erase(std::remove_if(expressions.begin(), expressions.end(),
                                   [&](const auto& expression) {
                                     return expression.first == name;
                                   }),
                    expressions.end());
}

}  // namespace

void Overlay(const Settings& nearer, Settings& base) {
  if (nearer.activation != Activation::kUnspecified) {
    base.activation = nearer.activation;
  }
  if (nearer.scheme != Scheme::kUnspecified) {
    base.scheme = nearer.scheme;
    base.parameters = nearer.parameters;
    base.expressions = nearer.expressions;
    return;
  }
  OverlayParameters(nearer.parameters, base.parameters);
  if (!base.expressions.empty()) {
#define WEIGHTINIT_PARAMETER(parameter, ...)   \
  if (nearer.parameters.parameter.has_value()) \
    Remove(#parameter, base.expressions);
#include "weightinit/core/request.def"
  }
  for (const auto& expression : nearer.expressions) {
    Remove(expression.first, base.expressions);
    std::optional<double>* const number =
        FindNumber(expression.first, base.parameters);
    if (number != nullptr) number->reset();
    base.expressions.push_back(expression);
  }
}

void CheckExpressions(const Settings& settings, const std::string& field,
                      ViolationList& violations) {
  for (const auto& expression : settings.expressions) {
    const std::string& name = expression.first;
    SchemeParameters none;
    if (FindNumber(name, none) == nullptr) {
      AddViolation(violations, absl::StrCat(field, ".expressions"), "has \"",
                   name, "\"; must be for ", AnyOf(NumberNames()));
    } else if (HasNumber(name, settings.parameters)) {
      AddViolation(violations, absl::StrCat(field, ".expressions[", name, "]"),
                   "is set, and the number too; set one of them");
    }
  }
}

SchemeParameters EvaluateParameters(const Settings& settings,
                                    const std::vector<NamedNumber>& numbers,
                                    ViolationList& violations) {
  SchemeParameters parameters = settings.parameters;
  for (const auto& [name, expression] : settings.expressions) {
    const absl::StatusOr<double> value = Evaluate(expression, numbers);
    if (!value.ok()) {
      AddViolation(violations, absl::StrCat("expressions[", name, "]"), "is \"",
                   expression, "\": ", value.status().message());
      continue;
    }
    std::optional<double>* const number = FindNumber(name, parameters);
    if (number != nullptr) *number = *value;
  }
  return parameters;
}

}  // namespace weightinit
