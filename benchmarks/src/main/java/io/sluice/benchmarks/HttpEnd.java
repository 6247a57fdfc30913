package io.sluice.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * As little of HTTP/1.1 as both ends of a load need: messages of a known length, one after the
 * other, on a connection that lasts. Not for several threads; may serve one connection after the
 * other, as long as each message was read to its end.
 */
final class HttpEnd {
  private static final int HEAD_BYTES = 8 * 1_024;
  private static final byte[] HEAD_END = {'\r', '\n', '\r', '\n'};
  private static final String LENGTH = "\r\ncontent-length:";

  /** Never written, so that all may share it. */
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(LoadServer.BULK_BYTES);

  /** Never read, so that all may share it: a connection costs no allocation of this size. */
  private static final ByteBuffer DISCARDED = ByteBuffer.allocateDirect(LoadServer.BULK_BYTES);

  private final ByteBuffer received = ByteBuffer.allocate(HEAD_BYTES).limit(0);
  private final ByteBuffer zeros = ZEROS.duplicate();
  private final ByteBuffer discarded = DISCARDED.duplicate();

  /**
   * What matters of a head.
   *
   * @param start the first line, as {@code HTTP/1.1 200 OK}
   * @param length bytes of the body
   */
  record Head(String start, long length) {
    /** The word behind the first blank: of a request its target, of an answer its status. */
    String second() {
      return start.split(" ", -1)[1];
    }
  }

  /** The next one; null where the peer has ended instead. */
  @Nullable Head readHead(SocketChannel connection) throws IOException {
    int end;
    while ((end = headEnd()) < 0) {
      received.compact();
      if (!received.hasRemaining()) {
        throw new IOException("a head of more than " + HEAD_BYTES + " bytes");
      }
      int read = connection.read(received);
      received.flip();
      if (read < 0 && received.hasRemaining()) {
        throw new EOFException("the other end closed within a head");
      }
      if (read < 0) {
        return null;
      }
    }
    String text = text(end - received.position());
    received.position(end);
    return new Head(text.substring(0, text.indexOf('\r')), length(text));
  }

  /** Where the head ends that has come; less than 0 when it has not yet. */
  private int headEnd() {
    byte[] bytes = received.array();
    int matched = 0;
    for (int i = received.position(); i < received.limit(); i++) {
      matched = bytes[i] == HEAD_END[matched] ? matched + 1 : bytes[i] == HEAD_END[0] ? 1 : 0;
      if (matched == HEAD_END.length) {
        return i + 1;
      }
    }
    return -1;
  }

  private String text(int length) {
    return new String(received.array(), received.position(), length, StandardCharsets.ISO_8859_1);
  }

  private static long length(String head) throws IOException {
    int field = head.toLowerCase(Locale.ROOT).indexOf(LENGTH);
    if (field < 0) {
      if (head.startsWith("GET ")) {
        return 0;
      }
      throw new IOException("a message without a length: " + head);
    }
    int value = field + LENGTH.length();
    return Long.parseLong(head.substring(value, head.indexOf('\r', value)).strip());
  }

  /** Reads so much of a body. */
  void skip(SocketChannel connection, long length) throws IOException {
    int came = (int) Math.min(length, received.remaining());
    received.position(received.position() + came);
    for (long left = length - came; left > 0; ) {
      int read =
          connection.read(discarded.clear().limit((int) Math.min(discarded.capacity(), left)));
      if (read < 0) {
        throw new EOFException(left + " bytes of a body did not arrive");
      }
      left -= read;
    }
  }

  /** Sends one whole message with a body of so many zeros. */
  void write(SocketChannel connection, ByteBuffer head, long length) throws IOException {
    ByteBuffer[] both = {head.rewind(), zeros};
    long left = head.remaining() + length;
    zeros.limit(0);
    while (left > 0) {
      if (!zeros.hasRemaining()) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), left - head.remaining()));
      }
      left -= connection.write(both);
    }
  }
}
