package io.sluice.node.handover;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.unix.UnixConnection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Lines of JSON over a connection, some with a descriptor. For one thread. */
final class Lines {
  static final ObjectMapper JSON = new ObjectMapper();

  private static final System.Logger LOG = System.getLogger(Lines.class.getName());

  /** A thousand certificates with their chains fit in. */
  private static final int LONGEST_LINE = 16 << 20;

  private static final int READ_BYTES = 65_536;

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

  /**
   * The next line; a missing node at the end of the stream.
   *
   * @throws LinuxException ETIMEDOUT when it has not come by the deadline, whatever goes on coming
   */
  JsonNode receive(long deadlineNanos) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    while (true) {
      if (!read.hasRemaining()) {
        if (System.nanoTime() - deadlineNanos > 0) {
          throw new LinuxException(
              "recvmsg", Errno.ETIMEDOUT, "a line", "it goes on after its deadline");
        }
        read.clear();
        int got = connection.receive(read, deadlineNanos);
        read.flip();
        if (got < 0) {
          return JSON.missingNode();
        }
      }
      int end = read.position();
      while (end < read.limit() && read.get(end) != '\n') {
        end++;
      }
      // What is longer than a line may be goes by, so that the next line is one.
      int kept = Math.clamp(LONGEST_LINE + 1L - line.size(), 0, end - read.position());
      line.write(read.array(), read.position(), kept);
      boolean ended = end < read.limit();
      read.position(ended ? end + 1 : end);
      if (ended) {
        return parse(line.toByteArray());
      }
    }
  }

  private static JsonNode parse(byte[] line) {
    if (line.length > LONGEST_LINE) {
      return before(line, "a line is longer than " + LONGEST_LINE + " bytes");
    }
    try {
      return JSON.readTree(new String(line, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      return before(line, "a line is no JSON: " + e.getOriginalMessage());
    }
  }

  /** What stands before that which a daemon can do without, where only that is at fault. */
  private static JsonNode before(byte[] line, String problem) {
    ObjectNode whole = JSON.createObjectNode();
    try (JsonParser parser = JSON.createParser(line)) {
      if (parser.nextToken() == JsonToken.START_OBJECT) {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          if (name.equals(RememberedFormat.FIELD)) {
            LOG.log(
                System.Logger.Level.WARNING,
                "remembered_not_taken_over problem=\"{0}\"; limits, circuit breakers and checks"
                    + " begin anew",
                problem);
            return whole;
          }
          parser.nextToken();
          whole.set(name, JSON.<JsonNode>readTree(parser));
        }
      }
    } catch (IOException e) {
      throw new HandOverException(problem);
    }
    throw new HandOverException(problem);
  }

  /** The descriptor that came with the line that was received last. */
  int takeDescriptor() {
    return connection
        .takeDescriptor()
        .orElseThrow(() -> new HandOverException("a listener came without its descriptor"));
  }
}
