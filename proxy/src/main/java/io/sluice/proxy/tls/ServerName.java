package io.sluice.proxy.tls;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The name of the host that a client of TLS asks for (RFC 6066 §3), read from its first octets,
 * which nobody has checked. Where it is encrypted, this is what stands outside.
 */
public final class ServerName {
  /** What no host is called: it is no ClientHello, or names none. */
  public static final String NONE = "";

  /** One of a client with large keys has some 2 KiB. */
  public static final int MOST_BYTES = 16_384;

  private static final int HANDSHAKE = 22; // RFC 8446 §5.1
  private static final int RECORD_HEADER_BYTES = 5;
  private static final int CLIENT_HELLO = 1;
  private static final int HELLO_HEADER_BYTES = 4;
  private static final int VERSION_AND_RANDOM_BYTES = 34;
  private static final int HOST_NAME = 0;

  private ServerName() {}

  /**
   * The name in lower case, or {@link #NONE}; null while more octets have to come. Leaves {@code
   * octets} as they are.
   */
  public static @Nullable String read(ByteBuf octets) {
    ByteBuf hello = Unpooled.buffer(octets.readableBytes());
    try {
      ByteBuf records = octets.duplicate();
      while (records.isReadable()) {
        if (records.getUnsignedByte(records.readerIndex()) != HANDSHAKE) {
          return NONE;
        }
        if (records.readableBytes() < RECORD_HEADER_BYTES) {
          break;
        }
        int length = records.getUnsignedShort(records.readerIndex() + 3);
        records.skipBytes(RECORD_HEADER_BYTES);
        hello.writeBytes(records, Math.min(length, records.readableBytes()));
      }
      return ofHello(hello, octets.readableBytes() >= MOST_BYTES);
    } catch (IndexOutOfBoundsException e) {
      return NONE; // a length inside says more than there is
    } finally {
      hello.release();
    }
  }

  private static @Nullable String ofHello(ByteBuf hello, boolean full) {
    if (hello.isReadable() && hello.getUnsignedByte(0) != CLIENT_HELLO) {
      return NONE;
    }
    if (hello.readableBytes() < HELLO_HEADER_BYTES
        || hello.readableBytes() - HELLO_HEADER_BYTES < hello.getUnsignedMedium(1)) {
      return full ? NONE : null;
    }
    ByteBuf body = hello.slice(HELLO_HEADER_BYTES, hello.getUnsignedMedium(1));
    body.skipBytes(VERSION_AND_RANDOM_BYTES);
    body.skipBytes(body.readUnsignedByte()); // session
    body.skipBytes(body.readUnsignedShort()); // cipher suites
    body.skipBytes(body.readUnsignedByte()); // compression
    ByteBuf extensions = body.readSlice(body.readUnsignedShort());
    while (extensions.isReadable()) {
      int type = extensions.readUnsignedShort();
      ByteBuf extension = extensions.readSlice(extensions.readUnsignedShort());
      if (type == HOST_NAME) {
        extension.skipBytes(2); // length of a list that has one name
        int kind = extension.readUnsignedByte();
        ByteBuf name = extension.readSlice(extension.readUnsignedShort());
        return kind == HOST_NAME
            ? name.toString(StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT)
            : NONE;
      }
    }
    return NONE;
  }
}
