// How the values of a tensor are chosen, from several places.

#ifndef WEIGHTINIT_CORE_MODEL_SETTINGS_H_
#define WEIGHTINIT_CORE_MODEL_SETTINGS_H_

#include <string_view>
#include <vector>

#include "core/plan/violation_list.h"
#include "weightinit/core/expression.h"
#include "weightinit/core/model.h"
#include "weightinit/core/request.h"

namespace weightinit {

// What one place says: defaults, an entry, a layer, a rule. A parameter has a
// number or an expression.
struct Settings {
  Activation activation = Activation::kUnspecified;
  Scheme scheme = Scheme::kUnspecified;
  SchemeParameters parameters;
  Expressions expressions;
};

// The settings in TensorDefaults, ModelRule, or whatever has the same members.
template <typename T>
Settings SettingsOf(const T& place) {
  return {place.activation, place.scheme, place.parameters, place.expressions};
}

// Lets `nearer` decide over `base`. A scheme brings its parameters and
// expressions, and drops those that were there.
void Overlay(const Settings& nearer, Settings& base);

// Adds a violation, under `field`, for each expression that names no parameter
// or one that has a number too, or a parameter that is no number.
void CheckExpressions(const Settings& settings, const std::string& field,
                      ViolationList& violations);

// The parameters with all expressions evaluated. Adds a violation, whose field
// is that of the expression, where one has no value. REQUIRES: CheckExpressions
// added none to what the settings are made of.
SchemeParameters EvaluateParameters(const Settings& settings,
                                    const std::vector<NamedNumber>& numbers,
                                    ViolationList& violations);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_MODEL_SETTINGS_H_
