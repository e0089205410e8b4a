// Where flags that are not on the command line come from, and which value each
// has in the end. The command line comes before the environment, that before
// the file of settings.

#ifndef WEIGHTINIT_SERVER_APP_FLAG_SOURCES_H_
#define WEIGHTINIT_SERVER_APP_FLAG_SOURCES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/app/config_file.h"

namespace CLI {
class App;
}  // namespace CLI

namespace weightinit {

// Declares all flags of an application, which write somewhere.
using FlagDeclaration = std::function<void(CLI::App*)>;

// Sets those flags of `app` from `settings` that have no value yet; a key is
// the name of a flag. Nothing is set where any setting is in error, which one
// that is overridden may be too: INVALID_ARGUMENT, with the place. `declare`
// declares the same flags, which write to where nobody looks.
absl::Status ApplySettings(const std::vector<ConfigSetting>& settings,
                           const FlagDeclaration& declare, CLI::App* app);

// All flags that a file may set, as such a file: each with the value that it
// has in `app`, and where that is from. `argv` is what `app` was given.
std::string SettingsText(const CLI::App& app, int argc, char** argv,
                         const std::vector<ConfigSetting>& settings,
                         const FlagDeclaration& declare);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_FLAG_SOURCES_H_
