package io.sluice.proxy.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** The first message that one end writes, read as RFC 8446 §4.1 has it. Stands in front of TLS. */
final class Hello extends ChannelOutboundHandlerAdapter {
  static final int KEY_SHARE = 51;
  static final int PRE_SHARED_KEY = 41;
  private static final int CLIENT_HELLO = 1;
  private static final int RECORD_HEADER_BYTES = 5;
  private static final int MAX_RECORDED_BYTES = 16 * 1_024;

  private final ByteArrayOutputStream written = new ByteArrayOutputStream();

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    ByteBuf bytes = (ByteBuf) message;
    synchronized (written) {
      if (written.size() < MAX_RECORDED_BYTES) {
        byte[] copy = new byte[bytes.readableBytes()];
        bytes.getBytes(bytes.readerIndex(), copy);
        written.writeBytes(copy);
      }
    }
    context.write(message, promise);
  }

  /** Content by number of the extension. */
  Map<Integer, byte[]> extensions() {
    ByteBuffer hello;
    synchronized (written) {
      hello = ByteBuffer.wrap(written.toByteArray());
    }
    hello.position(RECORD_HEADER_BYTES);
    boolean client = hello.get() == CLIENT_HELLO;
    hello.position(hello.position() + 3 + 2 + 32); // length, version, random
    skip(hello, Byte.toUnsignedInt(hello.get())); // session
    if (client) {
      skip(hello, Short.toUnsignedInt(hello.getShort())); // cipher suites
      skip(hello, Byte.toUnsignedInt(hello.get())); // compression methods
    } else {
      skip(hello, 2 + 1);
    }
    int end = Short.toUnsignedInt(hello.getShort()) + hello.position();
    Map<Integer, byte[]> extensions = new HashMap<>();
    while (hello.position() < end) {
      int number = Short.toUnsignedInt(hello.getShort());
      byte[] content = new byte[Short.toUnsignedInt(hello.getShort())];
      hello.get(content);
      extensions.put(number, content);
    }
    return extensions;
  }

  private static void skip(ByteBuffer bytes, int count) {
    bytes.position(bytes.position() + count);
  }
}
