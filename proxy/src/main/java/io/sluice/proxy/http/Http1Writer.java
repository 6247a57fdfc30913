package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.FastThreadLocal;
import io.sluice.proxy.relay.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes one message after another of HTTP/1.1 to a channel. What it is given has been checked by
 * who read it. Event loop of the channel.
 */
final class Http1Writer {
  private static final String END_OF_LINE = "\r\n";
  private static final String LAST_CHUNK = "0\r\n";
  private static final ByteBuf END_OF_CHUNK =
      Unpooled.unreleasableBuffer(
              Unpooled.directBuffer(2).writeBytes(END_OF_LINE.getBytes(StandardCharsets.US_ASCII)))
          .asReadOnly();
  private static final int USUAL_BYTES = 4_096;

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
    end(out, head, true);
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
      out.field("Connection", "Upgrade").field("Upgrade", head.upgrade);
    } else if (!connection.isEmpty()) {
      out.field("Connection", connection);
    }
    chunked = content && chunks && head.contentLength < 0;
    end(out, head, head.status() >= 200 && head.status() != 204);
  }

  private void end(Lines out, Head head, boolean mayHaveLength) {
    out.fields(head.fields);
    if (chunked) {
      out.field("Transfer-Encoding", "chunked");
    } else if (head.contentLength >= 0 && mayHaveLength) {
      out.field("Content-Length", Long.toString(head.contentLength));
    }
    channel.write(out.text(END_OF_LINE).to(allocator));
  }

  /** A piece of the content, which it owns. */
  void data(ByteBuf bytes, boolean last) {
    int length = bytes.readableBytes();
    if (!chunked) {
      pass(bytes);
      return;
    }
    if (length > 0) {
      channel.write(
          LINES.get().begin().text(Integer.toHexString(length)).text(END_OF_LINE).to(allocator));
      channel.write(bytes);
      channel.write(END_OF_CHUNK.duplicate());
    } else {
      bytes.release();
    }
    if (last) {
      channel.write(LINES.get().begin().text(LAST_CHUNK).text(END_OF_LINE).to(allocator));
    }
  }

  private void pass(ByteBuf bytes) {
    if (bytes.isReadable()) {
      channel.write(bytes);
    } else {
      bytes.release();
    }
  }

  /** The end of the content, with trailers where they can be told. */
  void trailers(Fields trailers) {
    if (chunked) {
      channel.write(
          LINES.get().begin().text(LAST_CHUNK).fields(trailers).text(END_OF_LINE).to(allocator));
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
      int end = length + text.length();
      if (end > octets.length) {
        octets = Arrays.copyOf(octets, 2 * end);
      }
      text.getBytes(0, text.length(), octets, length);
      length = end;
      return this;
    }

    Lines field(String name, String value) {
      return text(name).text(": ").text(value).text(END_OF_LINE);
    }

    Lines fields(Fields fields) {
      for (int i = 0; i < fields.size(); i++) {
        field(fields.name(i), fields.value(i));
      }
      return this;
    }

    ByteBuf to(ByteBufAllocator allocator) {
      return allocator.directBuffer(length, length).writeBytes(octets, 0, length);
    }
  }
}
