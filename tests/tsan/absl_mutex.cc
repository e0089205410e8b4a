// Tells ThreadSanitizer of absl::Mutex, which it does not see in the packaged
// Abseil, built without it: the linker leads our calls of the functions below
// here (--wrap, CMakeLists.txt beside this file), and these call the real ones.
// Only what our code uses is here.

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

// WEIGHTINIT_ABSL is Abseil's namespace as it is mangled.
#define WEIGHTINIT_JOIN2(a, b, c) a##b##c
#define WEIGHTINIT_JOIN(a, b, c) WEIGHTINIT_JOIN2(a, b, c)
#define WEIGHTINIT_WRAP(name) WEIGHTINIT_JOIN(__wrap_, WEIGHTINIT_ABSL, name)
#define WEIGHTINIT_REAL(name) WEIGHTINIT_JOIN(__real_, WEIGHTINIT_ABSL, name)

// Methods of C++, called as functions whose first argument is the object.
extern "C" {

void WEIGHTINIT_REAL(5Mutex4LockEv)(absl::Mutex* mutex);
void WEIGHTINIT_WRAP(5Mutex4LockEv)(absl::Mutex* mutex) {
  WEIGHTINIT_REAL(5Mutex4LockEv)(mutex);
  __tsan_acquire(mutex);
}

void WEIGHTINIT_REAL(5Mutex6UnlockEv)(absl::Mutex* mutex);
void WEIGHTINIT_WRAP(5Mutex6UnlockEv)(absl::Mutex* mutex) {
  __tsan_release(mutex);
  WEIGHTINIT_REAL(5Mutex6UnlockEv)(mutex);
}

void WEIGHTINIT_REAL(7CondVar4WaitEPNS0_5MutexE)(absl::CondVar* changed,
                                                 absl::Mutex* mutex);
void WEIGHTINIT_WRAP(7CondVar4WaitEPNS0_5MutexE)(absl::CondVar* changed,
                                                 absl::Mutex* mutex) {
  __tsan_release(mutex);
  WEIGHTINIT_REAL(7CondVar4WaitEPNS0_5MutexE)(changed, mutex);
  __tsan_acquire(mutex);
}

bool WEIGHTINIT_REAL(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(
    absl::CondVar* changed, absl::Mutex* mutex, absl::Time deadline);
bool WEIGHTINIT_WRAP(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(
    absl::CondVar* changed, absl::Mutex* mutex, absl::Time deadline) {
  __tsan_release(mutex);
  const bool timed_out =
      WEIGHTINIT_REAL(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(
          changed, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

}  // extern "C"
