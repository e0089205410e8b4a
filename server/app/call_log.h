// The log of calls: one line each, at level info, when it is over.

#ifndef WEIGHTINIT_SERVER_APP_CALL_LOG_H_
#define WEIGHTINIT_SERVER_APP_CALL_LOG_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/logging.h"
#include "server/stream/call_observer.h"

namespace weightinit {

// Writes to `log`, which outlives it. Null where that hides the level info, so
// that calls are not even observed. Thread-safe.
std::unique_ptr<CallObserver> MakeCallLog(Log* log);

// What the line of a call says, after `seconds` seconds: as text, and as the
// members of a JSON object. `status` tells how it ended.
std::string CallText(const CallRecord& call, const absl::Status& status,
                     double seconds);
std::string CallJsonMembers(const CallRecord& call, const absl::Status& status,
                            double seconds);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_APP_CALL_LOG_H_
