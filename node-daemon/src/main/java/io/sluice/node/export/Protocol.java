package io.sluice.node.export;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A version of HTTP, for one call after the other of one connection: makes octets of calls and
 * answers of octets, and has no socket of its own. One thread.
 */
sealed interface Protocol extends AutoCloseable permits Http1, Http2, OverTls {
  /** What it is called in the handshake of TLS (RFC 7301). */
  String alpn();

  /**
   * Whether calls may begin; until then what is read and written is a handshake.
   *
   * @throws IOException where they never may, and why
   */
  default boolean isReady() throws IOException {
    return true;
  }

  /** What is said from now on is this call. */
  void begin(String authority, Delivery.Call call);

  /** What is to be written next, which the caller releases; null where there is nothing now. */
  @Nullable ByteBuf toWrite();

  /**
   * What the collector has said.
   *
   * @throws IOException where that breaks a rule, or ends without an answer
   */
  void read(ByteBuffer octets) throws IOException;

  /** The collector says nothing any more. */
  void end();

  /** Its answer, once that is whole. */
  Optional<Answer> answer();

  /** What the beginning of its answer decides already, should no more of it come. */
  Optional<Answer> begun();

  /** Whether another call may follow, while nothing of the last one is left to be written. */
  boolean isReusable();

  @Override
  void close();
}
