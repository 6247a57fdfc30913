package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.sluice.proxy.relay.ByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Writes one message after another of HTTP/1.1 to a channel. What it is given has been checked by
 * who read it. Event loop of the channel.
 */
final class Http1Writer {
  private static final byte[] CRLF = {'\r', '\n'};
  private static final byte[] LAST_CHUNK = "0\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final ByteBuf END_OF_CHUNK =
      Unpooled.unreleasableBuffer(Unpooled.directBuffer(2).writeBytes(CRLF)).asReadOnly();
  private static final int CHUNK_LINE_BYTES = 18;
  private static final int LINE_BYTES = 64; // more than enough for those of the framing

  private final ByteChannel channel;
  private final ByteBufAllocator allocator;
  private boolean chunked;

  Http1Writer(ByteChannel channel, ByteBufAllocator allocator) {
    this.channel = channel;
    this.allocator = allocator;
  }

  /** A request; with content of unknown length unless it is the last part. */
  void request(Head head, boolean last) {
    ByteBuf out = begin(head);
    text(out, head.method());
    out.writeByte(' ');
    text(out, head.path());
    text(out, head.query());
    ByteBufUtil.writeAscii(out, " HTTP/1.1\r\n");
    field(out, "Host", head.authority());
    boolean te = head.fields.first("TE") != null;
    if (head.upgrade != null) {
      field(out, "Connection", te ? "Upgrade, TE" : "Upgrade");
      field(out, "Upgrade", head.upgrade);
    } else if (te) {
      field(out, "Connection", "TE");
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
    ByteBuf out = begin(head);
    ByteBufUtil.writeAscii(out, "HTTP/1.1 ");
    ByteBufUtil.writeAscii(out, Integer.toString(head.status()));
    out.writeByte(' ');
    text(out, head.phrase);
    out.writeBytes(CRLF);
    if (head.upgrade != null) {
      field(out, "Connection", "Upgrade");
      field(out, "Upgrade", head.upgrade);
    } else if (!connection.isEmpty()) {
      field(out, "Connection", connection);
    }
    chunked = content && chunks && head.contentLength < 0;
    end(out, head, head.status() >= 200 && head.status() != 204);
  }

  private ByteBuf begin(Head head) {
    int octets = head.fields.octets() + head.path().length() + head.query().length();
    String upgrade = head.upgrade;
    return allocator.directBuffer(
        octets
            + head.authority().length()
            + head.phrase.length()
            + head.method().length()
            + (upgrade == null ? 0 : upgrade.length())
            + 3 * LINE_BYTES);
  }

  private void end(ByteBuf out, Head head, boolean mayHaveLength) {
    Fields fields = head.fields;
    for (int i = 0; i < fields.size(); i++) {
      field(out, fields.name(i), fields.value(i));
    }
    if (chunked) {
      field(out, "Transfer-Encoding", "chunked");
    } else if (head.contentLength >= 0 && mayHaveLength) {
      field(out, "Content-Length", Long.toString(head.contentLength));
    }
    out.writeBytes(CRLF);
    channel.write(out);
  }

  /** A piece of the content, which it owns. */
  void data(ByteBuf bytes, boolean last) {
    int length = bytes.readableBytes();
    if (!chunked) {
      pass(bytes);
      return;
    }
    if (length > 0) {
      ByteBuf line = allocator.directBuffer(CHUNK_LINE_BYTES, CHUNK_LINE_BYTES);
      ByteBufUtil.writeAscii(line, Integer.toHexString(length));
      line.writeBytes(CRLF);
      channel.write(line);
      channel.write(bytes);
      channel.write(END_OF_CHUNK.duplicate());
    } else {
      bytes.release();
    }
    if (last) {
      channel.write(allocator.directBuffer(8).writeBytes(LAST_CHUNK).writeBytes(CRLF));
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
      ByteBuf out = allocator.directBuffer(trailers.octets() + LINE_BYTES).writeBytes(LAST_CHUNK);
      for (int i = 0; i < trailers.size(); i++) {
        field(out, trailers.name(i), trailers.value(i));
      }
      channel.write(out.writeBytes(CRLF));
    }
  }

  private static void field(ByteBuf out, String name, String value) {
    text(out, name);
    out.writeByte(':').writeByte(' ');
    text(out, value);
    out.writeBytes(CRLF);
  }

  private static void text(ByteBuf out, String text) {
    out.writeCharSequence(text, StandardCharsets.ISO_8859_1);
  }
}
