#include "client/cpp/cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>
#include <thread>

namespace weightinit::cli {

void ExitOnSignals(void (*before_exit)()) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action;
    // A blocked signal waits for sigwait even if it is ignored: as in a job
    // that a shell started in the background.
    if (sigaction(signal, nullptr, &action) == 0 &&
        action.sa_handler != SIG_IGN) {
      sigaddset(&signals, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, before_exit] {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    before_exit();
    _exit(128 + signal);
  }).detach();
}

}  // namespace weightinit::cli
