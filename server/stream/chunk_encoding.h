// The wire form of a chunk, encoded by hand so that its payload is not copied.

#ifndef WEIGHTINIT_SERVER_STREAM_CHUNK_ENCODING_H_
#define WEIGHTINIT_SERVER_STREAM_CHUNK_ENCODING_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "grpcpp/support/byte_buffer.h"
#include "server/stream/buffer_pool.h"

namespace weightinit {

// The serialized InitializeTensorResponse{chunk{first_element, crc32, data}},
// where data is the first `bytes` bytes of `buffer`: one small slice that this
// function writes, and one slice that is the buffer itself, which goes back to
// its pool when gRPC drops the slice. `data` is the last field of the chunk, so
// that nothing follows the payload. Byte for byte what the generated code
// makes. REQUIRES: first_element >= 0, 1 <= bytes <= buffer->capacity().
grpc::ByteBuffer EncodeChunk(int64_t first_element, uint32_t crc32,
                             std::unique_ptr<BufferPool::Buffer> buffer,
                             size_t bytes);

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_STREAM_CHUNK_ENCODING_H_
