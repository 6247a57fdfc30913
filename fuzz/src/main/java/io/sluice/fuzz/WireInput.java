package io.sluice.fuzz;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.Version;
import java.nio.ByteBuffer;

/**
 * Resources in bytes that a fuzzer changes. Versions are worked out, not read: no fuzzer guesses a
 * hash, and all that lies behind the check of it would stay untried.
 */
final class WireInput {
  private final ByteBuffer in;

  /** From the beginning to the end of {@code input}. */
  WireInput(byte[] input) {
    this.in = ByteBuffer.wrap(input);
  }

  boolean isAtEnd() {
    return !in.hasRemaining();
  }

  /**
   * Kind and length of the name in a byte each, name, length of the content in two, content.
   *
   * @see Kind#ALL
   */
  Resource resource() {
    Kind<?> kind = kind();
    String name = name(kind);
    return resource(kind, name, bytes(number() << 8 | number()));
  }

  /** The same, but all that is left is the content. */
  Resource lastResource() {
    Kind<?> kind = kind();
    return resource(kind, name(kind), rest());
  }

  private Kind<?> kind() {
    return Kind.ALL.get(number() % Kind.ALL.size());
  }

  private String name(Kind<?> kind) {
    return kind.key(bytes(number()).toStringUtf8()).toString();
  }

  private static Resource resource(Kind<?> kind, String name, ByteString content) {
    return Resource.newBuilder()
        .setName(name)
        .setVersion(Version.text(content))
        .setResource(Any.newBuilder().setTypeUrl(kind.codec().typeUrl()).setValue(content))
        .build();
  }

  /** 0 to 255; 0 at the end. */
  int number() {
    return in.hasRemaining() ? Byte.toUnsignedInt(in.get()) : 0;
  }

  /** So many bytes, or those that are left. */
  ByteString bytes(int count) {
    return ByteString.copyFrom(in, Math.min(count, in.remaining()));
  }

  /** All that is left. */
  ByteString rest() {
    return ByteString.copyFrom(in);
  }
}
