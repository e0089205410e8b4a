#include "proto/cpp/spec_conversion.h"

#include <cstddef>
#include <vector>

#include "google/protobuf/repeated_field.h"
#include "weightinit/core/request.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit {

void ToProto(const SchemeParameters& parameters, v1::SchemeParameters* proto) {
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (parameters.name.has_value()) proto->set_##name(*parameters.name);
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  proto->set_##name(static_cast<v1::type>(parameters.name));
#include "weightinit/core/request.def"
}

SchemeParameters FromProto(const v1::SchemeParameters& proto) {
  SchemeParameters parameters;
#define WEIGHTINIT_PARAMETER(name, ...) \
  if (proto.has_##name()) parameters.name = proto.name();
#define WEIGHTINIT_CHOICE_PARAMETER(name, type, ...) \
  parameters.name = static_cast<type>(proto.name());
#include "weightinit/core/request.def"
  return parameters;
}

FanSpec FromProto(const v1::FanSpec& proto) {
  FanSpec fan;
  fan.layout = static_cast<Layout>(proto.layout());
  fan.groups = proto.groups();
  fan.transposed = proto.transposed();
  if (proto.has_fan_in()) fan.fan_in = proto.fan_in();
  if (proto.has_fan_out()) fan.fan_out = proto.fan_out();
  return fan;
}

// The depth of the recursion is bounded by the parser's.
Concatenation FromProto(const v1::Concatenation& proto) {
  Concatenation concatenation;
  concatenation.axis = proto.axis();
  concatenation.stacked = proto.stacked();
  concatenation.parts.reserve(static_cast<size_t>(proto.parts_size()));
  for (const v1::TensorPart& part_proto : proto.parts()) {
    TensorPart& part = concatenation.parts.emplace_back();
    part.name = part_proto.name();
    part.size = part_proto.size();
    part.scheme = static_cast<Scheme>(part_proto.scheme());
    part.activation = static_cast<Activation>(part_proto.activation());
    part.parameters = FromProto(part_proto.parameters());
    part.fan = FromProto(part_proto.fan());
    part.role = static_cast<TensorRole>(part_proto.role());
    part.concatenation = FromProto(part_proto.concatenation());
  }
  return concatenation;
}

TensorSpec FromProto(const v1::TensorSpec& proto) {
  TensorSpec tensor;
  tensor.name = proto.name();
  tensor.shape.assign(proto.shape().begin(), proto.shape().end());
  tensor.scheme = static_cast<Scheme>(proto.scheme());
  tensor.activation = static_cast<Activation>(proto.activation());
  tensor.dtype = static_cast<Dtype>(proto.dtype());
  tensor.parameters = FromProto(proto.parameters());
  tensor.fan = FromProto(proto.fan());
  tensor.concatenation = FromProto(proto.concatenation());
  tensor.role = static_cast<TensorRole>(proto.role());
  return tensor;
}

std::vector<DimensionRange> FromProto(
    const google::protobuf::RepeatedPtrField<v1::DimensionRange>& proto) {
  std::vector<DimensionRange> ranges;
  ranges.reserve(static_cast<size_t>(proto.size()));
  for (const v1::DimensionRange& range_proto : proto) {
    DimensionRange& range = ranges.emplace_back();
    range.start = range_proto.start();
    if (range_proto.has_stop()) range.stop = range_proto.stop();
  }
  return ranges;
}

}  // namespace weightinit
