#include "proto/cpp/description_conversion.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/cpp/spec_conversion.h"
#include "weightinit/core/catalogue.h"
#include "weightinit/core/framework_schemes.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/names.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/request.h"
#include "weightinit/core/simd_target.h"
#include "weightinit/core/version.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {
namespace {

void ToProto(const DistributionParameters& parameters,
             v1::DistributionParameters* proto) {
  proto->set_distribution(
      static_cast<v1::Distribution>(parameters.distribution));
  switch (parameters.distribution) {
    case Distribution::kUnspecified:
      break;
    case Distribution::kConstant:
      proto->set_mean(parameters.mean);
      break;
    case Distribution::kUniform:
      proto->set_low(parameters.low);
      proto->set_high(parameters.high);
      break;
    case Distribution::kNormal:
      proto->set_mean(parameters.mean);
      proto->set_stddev(parameters.stddev);
      break;
    case Distribution::kTruncatedNormal:
      proto->set_mean(parameters.mean);
      proto->set_stddev(parameters.stddev);
      proto->set_low(parameters.low);
      proto->set_high(parameters.high);
      break;
  }
}

// Nothing if the slice is the whole tensor.
void AddSlice(const TensorPlan& plan, v1::TensorDescription* proto) {
  bool whole = true;
  for (size_t d = 0; d < plan.slice.size(); ++d) {
    whole = whole && plan.slice[d].start == 0 &&
            plan.slice[d].stop == plan.shape[d];
  }
  if (whole) return;
  for (const ResolvedRange& range : plan.slice) {
    v1::DimensionRange* added = proto->add_slice();
    added->set_start(range.start);
    added->set_stop(range.stop);
  }
}

void AddScheme(const SchemeInfo& info, v1::SchemeInfo* proto) {
  proto->set_scheme(static_cast<v1::Scheme>(info.scheme));
  proto->set_name(std::string(NameOf(info.scheme)));
  for (const std::string_view alias : info.aliases) {
    proto->add_aliases(std::string(alias));
  }
  proto->set_formula(std::string(info.formula));
  proto->set_source(std::string(info.source));
  proto->set_tensors(info.tensors);
  proto->set_all_slices_are_cheap(info.all_slices_are_cheap);
  proto->set_cheap_slices(std::string(info.cheap_slices));
  for (const SchemeInfo::Taken& taken : info.parameters) {
    v1::SchemeParameterInfo* parameter = proto->add_parameters();
    parameter->set_name(std::string(taken.parameter->name));
    parameter->set_default_value(taken.default_value);
    parameter->set_range(taken.parameter->range);
    for (const std::string& choice : taken.parameter->choices) {
      parameter->add_choices(choice);
    }
    parameter->set_what(std::string(taken.parameter->what));
  }
}

void AddFrameworkScheme(const FrameworkScheme& scheme,
                        v1::FrameworkScheme* proto) {
  proto->set_name(std::string(scheme.name));
  ToProto(scheme.defaults, proto->mutable_defaults());
  proto->set_absolute_bounds(scheme.absolute_bounds);
}

template <typename Core, typename Repeated>
void AddAllNamed(Repeated* repeated) {
  for (const Named<Core>& named : AllNamed<Core>()) {
    repeated->Add(static_cast<int>(named.value));
  }
}

}  // namespace

void ToProto(const TensorPlan& plan, v1::TensorDescription* proto) {
  proto->set_name(plan.name);
  const std::vector<int64_t> slice_shape = plan.SliceShape();
  proto->mutable_shape()->Add(plan.shape.begin(), plan.shape.end());
  proto->mutable_slice_shape()->Add(slice_shape.begin(), slice_shape.end());
  AddSlice(plan, proto);
  proto->set_scheme(static_cast<v1::Scheme>(plan.scheme));
  proto->set_activation(static_cast<v1::Activation>(plan.activation));
  proto->set_dtype(static_cast<v1::Dtype>(plan.dtype));
  proto->set_layout(static_cast<v1::Layout>(plan.layout));
  proto->set_generator(static_cast<v1::Generator>(plan.generator));
  proto->set_seed(plan.seed);
  proto->set_seed_name(plan.seed_name);
  if (plan.fan_in.has_value()) proto->set_fan_in(*plan.fan_in);
  if (plan.fan_out.has_value()) proto->set_fan_out(*plan.fan_out);
  if (plan.gain.has_value()) proto->set_gain(*plan.gain);
  if (plan.drawn()) {
    ToProto(plan.parameters, proto->mutable_parameters());
  }
  proto->set_mean(plan.mean);
  proto->set_stddev(plan.stddev);
  if (plan.low.has_value()) proto->set_low(*plan.low);
  if (plan.high.has_value()) proto->set_high(*plan.high);
  proto->set_tensor_elements(plan.tensor_elements);
  proto->set_elements(plan.elements);
  proto->set_bytes(plan.bytes);
  proto->set_key(plan.stream_key.key);
  proto->set_stream(plan.stream_key.stream);
  for (const Advisory& advisory : plan.advisories) {
    v1::Advisory* added = proto->add_advisories();
    added->set_code(static_cast<v1::AdvisoryCode>(advisory.code));
    added->set_message(advisory.message);
  }
  proto->set_axis(static_cast<int32_t>(plan.axis));
  proto->set_stacked(plan.stacked);
  for (const TensorPlan& part : plan.parts) ToProto(part, proto->add_parts());
  proto->set_operations(plan.operations);
  proto->set_role(static_cast<v1::TensorRole>(plan.role));
  proto->set_zeros_per_column(plan.zeros_per_column);
}

void DescribeServer(const Limits& limits, int max_streams,
                    v1::GetServerInfoResponse* response) {
  response->set_version(kVersion);
  response->set_simd_target(SimdTargetInUse());
  AddAllNamed<Generator>(response->mutable_generators());
  AddAllNamed<Scheme>(response->mutable_schemes());
  AddAllNamed<Dtype>(response->mutable_dtypes());
  for (const SchemeInfo& info : AllSchemes()) {
    AddScheme(info, response->add_catalogue());
  }
  for (const FrameworkScheme& scheme : AllFrameworkSchemes()) {
    // The catalogue has all schemes, by their numbers from 1 on.
    AddFrameworkScheme(
        scheme, response->mutable_catalogue(static_cast<int>(scheme.scheme) - 1)
                    ->add_framework_schemes());
  }
  v1::ServerLimits* proto = response->mutable_limits();
  proto->set_max_elements(limits.max_elements);
  proto->set_max_streams(max_streams);
  proto->set_max_rank(kMaxRank);
  proto->set_max_name_bytes(kMaxNameBytes);
  proto->set_min_chunk_bytes(static_cast<int32_t>(kMinChunkBytes));
  proto->set_max_chunk_bytes(static_cast<int32_t>(kMaxChunkBytes));
  proto->set_default_chunk_bytes(static_cast<int32_t>(kDefaultChunkBytes));
  proto->set_max_tensors(limits.max_tensors);
  proto->set_max_operations(limits.max_operations);
}

}  // namespace weightinit
