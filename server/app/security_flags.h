// The flags of TLS and of who may call.

#ifndef WEIGHTINIT_SERVER_APP_SECURITY_FLAGS_H_
#define WEIGHTINIT_SERVER_APP_SECURITY_FLAGS_H_

#include "server/security/security_options.h"

namespace CLI {
class App;
}  // namespace CLI

namespace weightinit {

// Declares them; they write to `security`, which outlives the parsing.
void DeclareSecurityFlags(CLI::App* app, SecurityOptions* security);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_SECURITY_FLAGS_H_
