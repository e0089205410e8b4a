// Parameters given by a formula.

#ifndef WEIGHTINIT_CORE_EXPRESSION_H_
#define WEIGHTINIT_CORE_EXPRESSION_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weightinit {

// A name that an expression may use.
struct NamedNumber {
  std::string_view name;
  double value;
};

// The value of an expression, in binary64, as core/DETERMINISM.md defines it:
//
//   expression = product { ("+" | "-") product }
//   product    = factor { ("*" | "/") factor }
//   factor     = [ "+" | "-" ] ( number | name | "sqrt" "(" expression ")"
//                              | "(" expression ")" )
//
// Of several numbers of one name the last is taken. INVALID_ARGUMENT says what
// is wrong and at which character, counted from 1; also where the value is not
// finite.
absl::StatusOr<double> Evaluate(std::string_view expression,
                                const std::vector<NamedNumber>& numbers);

// Whether an expression may use `text` as a name: a letter or "_", then
// letters, digits and "_", and not "sqrt".
bool IsExpressionName(std::string_view text);

}  // namespace weightinit

#endif  // WEIGHTINIT_CORE_EXPRESSION_H_
