// What SIGINT and SIGTERM do to the command line.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_INTERRUPT_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_INTERRUPT_H_

namespace weightinit::cli {

// From now on SIGINT or SIGTERM calls `before_exit` on a thread of its own and
// ends the process with status 128 + signal, without any destructor. A signal
// that the parent process chose to ignore stays ignored. Call it once, before
// any other thread starts.
void ExitOnSignals(void (*before_exit)());

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_INTERRUPT_H_
