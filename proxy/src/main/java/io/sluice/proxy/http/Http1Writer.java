package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.FastThreadLocal;
import io.sluice.proxy.relay.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes one message after another of HTTP/1.1 to a channel. What it is given has been checked by
 * who read it. A head waits for the content behind it, so that a short message is one piece: one
 * buffer for the kernel, one frame and one record between nodes. Event loop of the channel.
 */
final class Http1Writer {
  private static final String END_OF_LINE = "\r\n";
  private static final String LAST_CHUNK = "0\r\n";
  private static final ByteBuf END_OF_CHUNK =
      Unpooled.unreleasableBuffer(
              Unpooled.directBuffer(2).writeBytes(END_OF_LINE.getBytes(StandardCharsets.US_ASCII)))
          .asReadOnly();
  private static final int USUAL_BYTES = 4_096;

  /** Content that goes into the same piece as its head; what is longer is not copied. */
  private static final int SHORT_BYTES = 2_048;

  /** A chunk's size, the ends of lines, and the last chunk. */
  private static final int CHUNK_OVERHEAD = 20;

  private static final FastThreadLocal<Lines> LINES =
      new FastThreadLocal<>() {
        @Override
        protected Lines initialValue() {
          return new Lines();
        }
      };

  private final ByteChannel channel;
  private final ByteBufAllocator allocator;
  private boolean chunked;
  private @Nullable ByteBuf waiting; // for content, or for the flush
  private boolean unflushed;

  Http1Writer(ByteChannel channel, ByteBufAllocator allocator) {
    this.channel = channel;
    this.allocator = allocator;
  }

  /** A request; with content of unknown length unless it is the last part. */
  void request(Head head, boolean last) {
    Lines out = LINES.get().begin();
    out.text(head.method()).text(" ").text(head.path()).text(head.query()).text(" HTTP/1.1\r\n");
    out.field("Host", head.authority());
    boolean te = head.fields.first("TE") != null;
    if (head.upgrade != null) {
      out.field("Connection", te ? "Upgrade, TE" : "Upgrade").field("Upgrade", head.upgrade);
    } else if (te) {
      out.field("Connection", "TE");
    }
    chunked = !last && head.contentLength < 0 && head.upgrade == null;
    end(out, head, true, !last);
  }

  /**
   * A response, or an interim one.
   *
   * @param content whether any follows
   * @param chunks whether the receiver knows chunks; else content of unknown length ends with the
   *     connection
   * @param connection what is said of it, empty for nothing
   */
  void response(Head head, boolean content, boolean chunks, String connection) {
    Lines out = LINES.get().begin();
    out.text("HTTP/1.1 ").text(Integer.toString(head.status())).text(" ").text(head.phrase);
    out.text(END_OF_LINE);
    if (head.upgrade != null) {
      String options = connection.isEmpty() ? "Upgrade" : "Upgrade, " + connection;
      out.field("Connection", options).field("Upgrade", head.upgrade);
    } else if (!connection.isEmpty()) {
      out.field("Connection", connection);
    }
    chunked = content && chunks && head.contentLength < 0;
    end(out, head, head.status() >= 200 && head.status() != 204, content);
  }

  private void end(Lines out, Head head, boolean mayHaveLength, boolean content) {
    out.fields(head.fields);
    if (chunked) {
      out.field("Transfer-Encoding", "chunked");
    } else if (head.contentLength >= 0 && mayHaveLength) {
      out.field("Content-Length", Long.toString(head.contentLength));
    }
    push();
    long expected = head.contentLength < 0 ? SHORT_BYTES : head.contentLength;
    boolean room = content && expected <= SHORT_BYTES;
    waiting = out.text(END_OF_LINE).to(allocator, room ? (int) expected + CHUNK_OVERHEAD : 0);
  }

  /** Sends what was written; false where that is nothing. */
  boolean flush() {
    push();
    boolean any = unflushed;
    unflushed = false;
    if (any) {
      channel.flush();
    }
    return any;
  }

  private void push() {
    ByteBuf bytes = waiting;
    if (bytes != null) {
      waiting = null;
      pass(bytes);
    }
  }

  private void pass(ByteBuf bytes) {
    unflushed = true;
    channel.write(bytes);
  }

  /** Nothing more is written. */
  void close() {
    ByteBuf bytes = waiting;
    if (bytes != null) {
      waiting = null;
      bytes.release();
    }
  }

  /** A piece of the content, which it owns. */
  void data(ByteBuf bytes, boolean last) {
    int length = bytes.readableBytes();
    if (length > 0 && chunked) {
      write(LINES.get().begin().text(Integer.toHexString(length)).text(END_OF_LINE));
      write(bytes);
      write(END_OF_CHUNK.duplicate());
    } else {
      write(bytes);
    }
    if (last && chunked) {
      write(LINES.get().begin().text(LAST_CHUNK).text(END_OF_LINE));
    }
  }

  private void write(ByteBuf bytes) {
    ByteBuf before = waiting;
    if (before != null && bytes.readableBytes() <= before.writableBytes()) {
      before.writeBytes(bytes);
      bytes.release();
    } else if (bytes.isReadable()) {
      push();
      pass(bytes);
    } else {
      bytes.release();
    }
  }

  private void write(Lines lines) {
    ByteBuf before = waiting;
    if (before != null && lines.length <= before.writableBytes()) {
      before.writeBytes(lines.octets, 0, lines.length);
    } else {
      push();
      pass(lines.to(allocator, 0));
    }
  }

  /** The end of the content, with trailers where they can be told. */
  void trailers(Fields trailers) {
    if (chunked) {
      write(LINES.get().begin().text(LAST_CHUNK).fields(trailers).text(END_OF_LINE));
    }
  }

  /** Text that becomes octets all at once; one for each thread. */
  private static final class Lines {
    private byte[] octets = new byte[USUAL_BYTES];
    private int length;

    Lines begin() {
      length = 0;
      return this;
    }

    /** ISO 8859-1 alone, as heads are. */
    @SuppressWarnings("deprecation") // copies those octets as they are, which no encoder does
    Lines text(String text) {
      int more = text.length();
      room(more);
      text.getBytes(0, more, octets, length);
      length += more;
      return this;
    }

    @SuppressWarnings("deprecation") // as above
    Lines field(String name, String value) {
      int named = name.length();
      int more = value.length();
      room(named + more + 4);
      byte[] to = octets;
      int at = length;
      name.getBytes(0, named, to, at);
      at += named;
      to[at++] = ':';
      to[at++] = ' ';
      value.getBytes(0, more, to, at);
      at += more;
      to[at++] = '\r';
      to[at++] = '\n';
      length = at;
      return this;
    }

    private void room(int more) {
      if (length + more > octets.length) {
        octets = Arrays.copyOf(octets, 2 * (length + more));
      }
    }

    Lines fields(Fields fields) {
      for (int i = 0; i < fields.size(); i++) {
        field(fields.name(i), fields.value(i));
      }
      return this;
    }

    /** With room for so much more. */
    ByteBuf to(ByteBufAllocator allocator, int more) {
      return allocator.directBuffer(length + more, length + more).writeBytes(octets, 0, length);
    }
  }
}
