// Manifests: models written as YAML or JSON.
//
// A manifest is the JSON mapping of weightinit.v1.ModelSpec
// (proto/weightinit/v1/model.proto), written as JSON or as YAML:
//
//   version: 1
//   defaults: {scheme: he_normal}
//   entries:
//     - {name: fc1, dense: {in_features: 784, out_features: 128}}
//
// A file whose name ends in ".json" is JSON, one in ".yaml" or ".yml" is YAML;
// any other is JSON if "{" is its first character that is not white space.
//
// What a value may be is decided by its field, never by how YAML 1.1 or 1.2
// would resolve it:
//   - A field is named as in the proto, in_features, or as in JSON, inFeatures.
//   - A number is written as in JSON, with quotes or without. For a whole
//     number 64.0 and 1e3 do, 1.5 does not. Refused are 010, 0x10, 1_000, 1:30,
//     .5 and +1, which YAML 1.1, YAML 1.2 and people read differently, and
//     numbers that are not finite.
//   - A bool is true or false, without quotes; not yes, no, on, off or True.
//   - An enum is a value of the proto (SCHEME_HE_NORMAL) or a name as on the
//     command line (he_normal, keras.he_normal, relu, bf16, in_out); of an enum
//     that the command line does not have, the value without its prefix in
//     lower case (keras).
//   - A text is what is written: no is "no", 1_000 is "1_000". So an expression
//     may be a number.
//   - null, ~ or nothing leaves a field out; in a list or a map it is an error.
// Anchors and aliases of YAML may be used; merge keys ("<<"), tags and a second
// document may not. A manifest has at most 4 MiB, 1000000 values (what aliases
// repeat is counted each time) and 100 levels.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_CLIENT_MANIFEST_H_
#define WEIGHTINIT_CLIENT_MANIFEST_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {

// Bytes of a manifest.
inline constexpr size_t kMaxManifestBytes = size_t{4} << 20;

// The model that `text` says. `file_name` tells YAML from JSON, see above, and
// stands in errors. INVALID_ARGUMENT has one line for each thing that is wrong,
// at most 16, of the form
//
//   FILE:LINE:COLUMN: FIELD: what is wrong; what is allowed
//
// where lines and columns (in characters) count from 1, and an error of syntax
// has no field. Only what a manifest alone can tell is checked: names, types,
// `version`. Whether the model is a good one is for the service, or for
// ModelPlan::Make.
absl::StatusOr<v1::ModelSpec> ParseManifest(absl::string_view text,
                                            const std::string& file_name);

// The model in a file; "-" is standard input. Errors of ReadManifestText and of
// ParseManifest.
absl::StatusOr<v1::ModelSpec> ReadManifest(const std::string& path);

// The text of the same file, for ParseManifest and PlaceInManifest.
// INVALID_ARGUMENT for a file above 4 MiB; what the system says of one that
// cannot be read, for example NOT_FOUND.
absl::StatusOr<std::string> ReadManifestText(const std::string& path);

// "FILE:LINE:COLUMN" of a field as a violation of the service or of
// ModelPlan::Make names it, such as "model.entries[2].dense.in_features". Of a
// field that is not there, of the innermost one around it; of a text that is no
// YAML or JSON, of what is wrong with it.
std::string PlaceInManifest(absl::string_view text,
                            const std::string& file_name,
                            absl::string_view field);

// YAML that ParseManifest reads back as an equal message. REQUIRES: `model` has
// version 1, known enum values, finite numbers, texts that are UTF-8, and keys
// of at most 256 bytes.
std::string WriteManifest(const v1::ModelSpec& model);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_MANIFEST_H_
