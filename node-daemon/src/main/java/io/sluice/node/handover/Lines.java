package io.sluice.node.handover;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.linux.unix.UnixConnection;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Lines of JSON over a connection, some with a descriptor. For one thread. */
final class Lines {
  static final ObjectMapper JSON = new ObjectMapper();

  /** A thousand certificates with their chains fit in. */
  private static final int LONGEST_LINE = 16 << 20;

  private static final int READ_BYTES = 8_192;

  private final UnixConnection connection;
  private final ByteBuffer read = ByteBuffer.allocate(READ_BYTES).flip();

  Lines(UnixConnection connection) {
    this.connection = connection;
  }

  static long deadline(Duration patience) {
    return System.nanoTime() + patience.toNanos();
  }

  void send(ObjectNode line, long deadlineNanos) {
    connection.send(encoded(line), deadlineNanos);
  }

  /** With the descriptor, which stays the caller's too. */
  void send(ObjectNode line, int descriptor, long deadlineNanos) {
    connection.send(encoded(line), descriptor, deadlineNanos);
  }

  private static ByteBuffer encoded(ObjectNode line) {
    return ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** The next line; a missing node at the end of the stream. */
  JsonNode receive(long deadlineNanos) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      if (!read.hasRemaining()) {
        read.clear();
        int got = connection.receive(read, deadlineNanos);
        read.flip();
        if (got < 0) {
          return JSON.missingNode();
        }
      }
      byte next = read.get();
      if (next == '\n') {
        return parse(line);
      }
      if (line.size() == LONGEST_LINE) {
        throw new HandOverException("a line is longer than " + LONGEST_LINE + " bytes");
      }
      line.write(next);
    }
  }

  private static JsonNode parse(ByteArrayOutputStream line) {
    try {
      return JSON.readTree(line.toString(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new HandOverException("a line is no JSON: " + e.getOriginalMessage());
    }
  }

  /** The descriptor that came with the line that was received last. */
  int takeDescriptor() {
    return connection
        .takeDescriptor()
        .orElseThrow(() -> new HandOverException("a listener came without its descriptor"));
  }
}
