#include "server/tensor_message_source.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "server/convert.h"
#include "server/stream/message_source.h"

namespace weightinit {

TensorMessageSource::TensorMessageSource(TensorReader reader,
                                         std::shared_ptr<BufferPool> buffers)
    : chunks_(std::move(reader), std::move(buffers)) {}

MessageSource::Effort TensorMessageSource::next_effort() const {
  if (!header_made_) return Effort::kQuick;
  const Effort of_chunk = chunks_.next_effort();
  if (of_chunk != Effort::kNone) return of_chunk;
  return trailer_made_ ? Effort::kNone : Effort::kQuick;
}

absl::StatusOr<StreamMessage> TensorMessageSource::Next() {
  const DeliveryTotals& totals = chunks_.totals();
  if (!header_made_) {
    header_made_ = true;
    return StreamMessage(SerializeHeader(chunks_.plan()), totals);
  }
  if (chunks_.next_effort() != Effort::kNone) {
    // The totals are read when the chunk has been made, and counts.
    return StreamMessage(chunks_.Next(), totals);
  }
  trailer_made_ = true;
  return StreamMessage(
      SerializeTrailer(totals.elements, totals.bytes, totals.crc32), totals);
}

int64_t TensorMessageSource::MaxBytesHeld(int messages) const {
  return chunks_.MaxBytesHeld(messages);
}

int64_t TensorMessageSource::elements() const {
  return chunks_.plan().elements;
}

void TensorMessageSource::LimitChunks(int64_t bytes) {
  chunks_.LimitChunks(bytes);
}

}  // namespace weightinit
