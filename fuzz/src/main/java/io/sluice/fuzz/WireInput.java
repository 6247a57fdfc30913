package io.sluice.fuzz;

import com.google.protobuf.ByteString;
import io.sluice.api.discovery.v1.Resource;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

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

  /** Type and length of the name in a byte each, name, length of the content in two, content. */
  Resource resource() {
    Resource.Builder resource = Resource.newBuilder().setTypeValue(number());
    resource.setName(bytes(number()).toStringUtf8());
    return withContent(resource, bytes(number() << 8 | number()));
  }

  /** The same, but all that is left is the content. */
  Resource lastResource() {
    Resource.Builder resource = Resource.newBuilder().setTypeValue(number());
    resource.setName(bytes(number()).toStringUtf8());
    return withContent(resource, rest());
  }

  private static Resource withContent(Resource.Builder resource, ByteString content) {
    return resource.setContent(content).setVersion(sha256(content.toByteArray()).getLong()).build();
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

  /** 32 bytes, at their beginning. */
  static ByteBuffer sha256(byte[] bytes) {
    try {
      return ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
