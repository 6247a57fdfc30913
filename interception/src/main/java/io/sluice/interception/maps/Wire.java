package io.sluice.interception.maps;

import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Members that several structs share: addresses, ports in network byte order, padded text. */
final class Wire {
  private Wire() {}

  static void putAddress(ByteBuffer struct, int offset, @Nullable InetAddress address) {
    if (address != null) {
      struct.put(offset, IpAddresses.common(address));
    }
  }

  /** The address at {@code offset}, or null when all its bytes are zero. */
  static @Nullable InetAddress address(ByteBuffer struct, int offset) {
    byte[] bytes = new byte[IpAddresses.COMMON_LENGTH];
    struct.get(offset, bytes);
    for (byte b : bytes) {
      if (b != 0) {
        return IpAddresses.of(bytes);
      }
    }
    return null;
  }

  /** The address at {@code offset}; all zero is {@code ::}. */
  static InetAddress rawAddress(ByteBuffer struct, int offset) {
    byte[] bytes = new byte[IpAddresses.COMMON_LENGTH];
    struct.get(offset, bytes);
    return IpAddresses.of(bytes);
  }

  static void putPort(ByteBuffer struct, int offset, int port) {
    struct.put(offset, (byte) (port >> 8)).put(offset + 1, (byte) port);
  }

  static int port(ByteBuffer struct, int offset) {
    return (unsignedByte(struct, offset) << 8) | unsignedByte(struct, offset + 1);
  }

  /** Address and port that lie apart; an all-zero address reads as {@code ::}. */
  static InetSocketAddress endpoint(ByteBuffer struct, int addressOffset, int portOffset) {
    return new InetSocketAddress(rawAddress(struct, addressOffset), port(struct, portOffset));
  }

  static int unsignedByte(ByteBuffer struct, int offset) {
    return struct.get(offset) & 0xff;
  }

  /** Writes at most {@code size - 1} bytes of UTF-8. */
  static void putText(ByteBuffer struct, int offset, int size, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    struct.put(offset, bytes, 0, Math.min(bytes.length, size - 1));
  }

  static String text(ByteBuffer struct, int offset, int size) {
    int length = 0;
    while (length < size && struct.get(offset + length) != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    struct.get(offset, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
