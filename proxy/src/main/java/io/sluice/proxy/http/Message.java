package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.sluice.proxy.relay.ByteQueue;
import org.jspecify.annotations.Nullable;

/** What is counted of one message on its way, and held while it has no way yet. */
final class Message {
  private static final int GRPC_PREFIX = 5;

  private final boolean grpc;
  private @Nullable ByteQueue held; // while there is no way
  private long bytes;
  private long messages;
  private int prefix; // octets of the prefix of a message of gRPC that have come
  private long length; // that it tells, then what of that is left
  private int unconfirmed;
  boolean whole;

  Message(boolean grpc) {
    this.grpc = grpc;
  }

  /** Octets of content. */
  long bytes() {
    return bytes;
  }

  /** Messages of gRPC (its PROTOCOL-HTTP2.md, Length-Prefixed-Message). */
  long messages() {
    return messages;
  }

  /** Counts a piece that is passed on, or held. */
  void count(ByteBuf piece) {
    int octets = piece.readableBytes();
    bytes += octets;
    unconfirmed += octets;
    if (grpc) {
      countMessages(piece);
    }
  }

  private void countMessages(ByteBuf piece) {
    int i = piece.readerIndex();
    while (i < piece.writerIndex()) {
      if (prefix < GRPC_PREFIX) {
        if (prefix > 0) {
          length = length << 8 | piece.getUnsignedByte(i);
        }
        prefix++;
        i++;
      } else {
        int take = (int) Math.min(length, piece.writerIndex() - i);
        i += take;
        length -= take;
      }
      if (prefix == GRPC_PREFIX && length == 0) {
        messages++;
        prefix = 0;
      }
    }
  }

  /** Keeps it; it is this one's. */
  void hold(ByteBuf piece) {
    ByteQueue pieces = held;
    if (pieces == null) {
      pieces = new ByteQueue();
      held = pieces;
    }
    pieces.add(piece, false);
  }

  /** What was held, of which the caller becomes the owner; null when there is none. */
  @Nullable ByteBuf nextHeld() {
    ByteQueue pieces = held;
    return pieces == null ? null : pieces.poll();
  }

  boolean holdsAny() {
    ByteQueue pieces = held;
    return pieces != null && !pieces.isEmpty();
  }

  /** Octets that the sender may replace now. */
  int confirm() {
    int octets = unconfirmed;
    unconfirmed = 0;
    return octets;
  }

  /** Octets passed on that the sender may not replace yet. */
  int unconfirmed() {
    return unconfirmed;
  }

  void drop() {
    for (ByteBuf piece = nextHeld(); piece != null; piece = nextHeld()) {
      piece.release();
    }
  }
}
