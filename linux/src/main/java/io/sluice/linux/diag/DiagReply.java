package io.sluice.linux.diag;

import io.sluice.linux.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** What the kernel has answered to one request so far: netlink(7) messages, some to a datagram. */
final class DiagReply {
  private static final int NOOP = 1;
  private static final int ERROR = 2;
  private static final int DONE = 3;
  private static final int OVERRUN = 4;
  private static final int FLAG_DUMP_INTERRUPTED = 0x10;

  private final int sequence;
  private boolean complete;
  private boolean interrupted;
  private int error;

  DiagReply(int sequence) {
    this.sequence = sequence;
  }

  /** Whether the last message has come. */
  boolean isComplete() {
    return complete;
  }

  /** Whether the table changed so much meanwhile that the dump may lack sockets. */
  boolean wasInterrupted() {
    return interrupted;
  }

  /** The (positive) error number the request ended with, 0 for success. */
  int error() {
    return error;
  }

  /** Reads one datagram and hands the bodies of its socket messages to {@code sockets}. */
  void read(ByteBuffer datagram, Consumer<ByteBuffer> sockets) {
    ByteBuffer in = datagram.order(ByteOrder.nativeOrder());
    int at = in.position();
    while (!complete && at + DiagMessages.HEADER_BYTES <= in.limit()) {
      int length = in.getInt(at);
      if (length < DiagMessages.HEADER_BYTES || length > in.limit() - at) {
        finish(Errno.EBADMSG.number()); // cut off
        return;
      }
      if (in.getInt(at + 8) == sequence) {
        ByteBuffer body =
            in.slice(at + DiagMessages.HEADER_BYTES, length - DiagMessages.HEADER_BYTES)
                .order(ByteOrder.nativeOrder());
        interrupted |= (in.getShort(at + 6) & FLAG_DUMP_INTERRUPTED) != 0;
        message(Short.toUnsignedInt(in.getShort(at + 4)), body, sockets);
      }
      at += (length + 3) & ~3;
    }
  }

  private void message(int type, ByteBuffer body, Consumer<ByteBuffer> sockets) {
    switch (type) {
      case NOOP -> {}
      case OVERRUN -> finish(Errno.ENOBUFS.number());
      case ERROR -> finish(body.limit() < Integer.BYTES ? Errno.EBADMSG.number() : -body.getInt(0));
      case DONE -> finish(body.limit() < Integer.BYTES ? 0 : -body.getInt(0));
      default -> {
        if (body.limit() < DiagMessages.MESSAGE_BYTES) {
          finish(Errno.EBADMSG.number());
        } else {
          sockets.accept(body);
        }
      }
    }
  }

  private void finish(int number) {
    complete = true;
    error = Math.max(number, 0);
  }
}
