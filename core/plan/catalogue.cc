#include "weightinit/core/catalogue.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/plan/scheme_table.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"

namespace weightinit {
namespace {

template <typename E>
std::string ChoiceName(double number) {
  return std::string(NameOf(static_cast<E>(static_cast<int>(number))));
}

// `taken.number` as help texts say it.
std::string NumberText(const TakenParameter& taken) {
  switch (taken.parameter) {
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  case Parameter::name:                              \
    return ChoiceName<type>(taken.number);
#include "weightinit/core/request.def"
    default:
      return absl::StrCat(taken.number);
  }
}

std::string DefaultText(const TakenParameter& taken) {
  switch (taken.kind) {
    case TakenParameter::Default::kNumber:
      return NumberText(taken);
    case TakenParameter::Default::kActivation:
      return "that of the activation";
    case TakenParameter::Default::kNone:
      break;
  }
  return "";
}

ParameterInfo InfoOf(Parameter parameter, const char* name, const char* what,
                     std::vector<std::string> choices) {
  ParameterInfo info{name, what, "", std::move(choices), {}};
  for (const ParameterRow& row : ParameterRows()) {  // Numbers alone.
    if (row.parameter == parameter) info.range = RangeText(row.range);
  }
  for (const SchemeRow& row : SchemeRows()) {
    const TakenParameter* const taken = row.Find(parameter);
    if (taken != nullptr) {
      info.uses.push_back({row.scheme, DefaultText(*taken)});
    }
  }
  return info;
}

std::string TensorsText(const TensorsOfScheme& tensors) {
  if (tensors.least_rank == 0) return "any";
  return absl::StrCat("rank ", RankText(tensors),
                      tensors.grouped ? "" : ", without groups");
}

std::string_view SlicesText(CheapSlices slices) {
  switch (slices) {
    case CheapSlices::kAny:
      break;
    case CheapSlices::kShorterSide:
      return "those that take part of the vectors along the shorter side of "
             "the matrix";
    case CheapSlices::kColumns:
      return "those that take part of the columns";
  }
  return "all";
}

SchemeInfo InfoOf(const SchemeRow& row) {
  SchemeInfo info;
  info.scheme = row.scheme;
  info.aliases = AliasesOf(row.scheme);
  info.formula = row.formula;
  info.source = row.source;
  info.tensors = TensorsText(row.tensors);
  info.all_slices_are_cheap = row.cheap_slices == CheapSlices::kAny;
  info.cheap_slices = SlicesText(row.cheap_slices);
  for (const ParameterInfo& parameter : AllParameters()) {
    for (const ParameterInfo::Use& use : parameter.uses) {
      if (use.scheme != row.scheme) continue;
      info.parameters.push_back({&parameter, use.default_value});
    }
  }
  return info;
}

}  // namespace

const std::vector<ParameterInfo>& AllParameters() {
#define WEIGHTINIT_PARAMETER(name, range, what) \
  InfoOf(Parameter::name, #name, what, {}),
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, what) \
  InfoOf(Parameter::name, #name, what, OfferedNames<type>()),
  static const auto* const parameters = new std::vector<ParameterInfo>{
#include "weightinit/core/request.def"
  };
  return *parameters;
}

const std::vector<SchemeInfo>& AllSchemes() {
  static const auto* const schemes = [] {
    auto* const all = new std::vector<SchemeInfo>;
    for (const SchemeRow& row : SchemeRows()) all->push_back(InfoOf(row));
    return all;
  }();
  return *schemes;
}

}  // namespace weightinit
