import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import io.grpc.CallCredentials;
import io.grpc.ChannelCredentials;
import io.grpc.CompositeChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executor;
import java.util.zip.CRC32;
import weightinit.v1.*;
import weightinit.v1.WeightInitServiceGrpc.WeightInitServiceBlockingStub;

/**
 * Fetches five tensors from a weightinit server, verifies every byte of them, and prints the name,
 * the standard deviation and the CRC-32 of each.
 */
public final class Example {
  // In Protocol Buffers' text format; builders do the same in more lines.
  private static final List<String> REQUESTS =
      List.of(
          "tensor { name: 'fc1.weight' shape: [512, 256] activation: ACTIVATION_RELU } seed: 42",
          "tensor { name: 'cut' shape: 4096 dtype: DTYPE_FLOAT64 scheme: SCHEME_TRUNCATED_NORMAL"
              + " parameters { mean: 0.5 stddev: 0.25 low: -1 high: 3 } }",
          "tensor { name: 'conv.weight' shape: [32, 16, 3, 3] dtype: DTYPE_BFLOAT16"
              + " scheme: SCHEME_XAVIER_UNIFORM } seed: 42",
          "tensor { name: 'conv3d' shape: [3, 4, 5, 8, 12] activation: ACTIVATION_RELU"
              + " fan { layout: LAYOUT_IN_OUT } }",
          "tensor { name: 'far' shape: [1048576, 1048576] scheme: SCHEME_NORMAL }"
              + " slice { start: 1048571 } slice { start: 1048273 stop: 1048574 }");

  private static int crc32(ByteString data) {
    var crc32 = new CRC32();
    crc32.update(data.toByteArray());
    return (int) crc32.getValue();
  }

  /** The tensor's bytes, little-endian, row-major; what the server says of it goes to `header`. */
  private static ByteString fetch(
      WeightInitServiceBlockingStub server,
      InitializeTensorRequest request,
      TensorDescription.Builder header)
      throws IOException {
    var trailer = TensorTrailer.getDefaultInstance();
    var data = ByteString.EMPTY;
    var elements = 0L;
    for (var parts = server.initializeTensor(request); parts.hasNext(); ) {
      var part = parts.next();
      var chunk = part.getChunk();
      if (part.hasHeader()) header.mergeFrom(part.getHeader().getDescription());
      if (part.hasTrailer()) trailer = part.getTrailer();
      if (!part.hasChunk()) continue;
      if (chunk.getFirstElement() != elements || chunk.getCrc32() != crc32(chunk.getData()))
        throw new IOException(header.getName() + ": damaged at element " + elements);
      data = data.concat(chunk.getData());
      elements = data.size() * header.getElements() / header.getBytes();
    }
    var delivered =
        TensorTrailer.newBuilder()
            .setElements(elements)
            .setBytes(data.size())
            .setCrc32(crc32(data));
    if (header.getElements() != elements || !delivered.build().equals(trailer))
      throw new IOException(header.getName() + ": incomplete or damaged");
    return data;
  }

  private static final class Token extends CallCredentials {
    private final Metadata metadata = new Metadata();

    Token(String token) {
      var key = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
      metadata.put(key, "Bearer " + token);
    }

    @Override
    public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
      applier.apply(metadata);
    }
  }

  /** TLS if WEIGHTINIT_CA names a file of authorities, over it the token in WEIGHTINIT_TOKEN. */
  private static ChannelCredentials credentials() throws IOException {
    var ca = System.getenv().getOrDefault("WEIGHTINIT_CA", "");
    var token = System.getenv().getOrDefault("WEIGHTINIT_TOKEN", "");
    if (ca.isEmpty()) return InsecureChannelCredentials.create();
    var tls = TlsChannelCredentials.newBuilder().trustManager(new File(ca)).build();
    return token.isEmpty() ? tls : CompositeChannelCredentials.create(tls, new Token(token));
  }

  public static void main(String[] args) throws IOException {
    var channel = Grpc.newChannelBuilder(args[0], credentials()).build();
    for (var text : REQUESTS) {
      var request = TextFormat.parse(text, InitializeTensorRequest.class);
      var header = TensorDescription.newBuilder();
      var data = fetch(WeightInitServiceGrpc.newBlockingStub(channel), request, header);
      System.out.printf(
          Locale.ROOT, "%s %.6f %08x%n", header.getName(), header.getStddev(), crc32(data));
    }
    channel.shutdown();
  }
}
