package io.sluice.proxy.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.socket.Timers;
import org.jspecify.annotations.Nullable;

/**
 * One unary call of a {@link GrpcClient}: a message there and a message back, as gRPC's
 * PROTOCOL-HTTP2.md has them. Event loop of the client.
 */
final class GrpcCall implements HttpStream.Listener {
  /** Octets of an answer: one that has more is none. */
  static final int MOST_ANSWER = 32 << 10;

  private static final int PREFIX = 5; // of a message: whether it is compressed, and its length

  /** Who asks; hears of one of the two, on the event loop, and never before the call is made. */
  interface Listener {
    /** The server's message. */
    void answered(ByteString message);

    /**
     * There is none that can be used, for that reason.
     *
     * @param answered whether the server has said something all the same, rather than nobody
     */
    void failed(String why, boolean answered);
  }

  final GrpcClient.Asker asker;
  private final GrpcClient owner;
  private final ByteBufAllocator allocator;
  private final String path;
  private final Listener listener;
  private final long timeoutMillis;
  private final ByteBuf message; // as it is sent
  final int octets; // of it
  private @Nullable HttpStream stream;
  private ByteBuf answer = Unpooled.EMPTY_BUFFER;
  private boolean begun; // to be answered
  private boolean over;
  long sentNanos;
  boolean repeated;
  @Nullable Future<?> timer;

  GrpcCall(
      GrpcClient owner,
      GrpcClient.Asker asker,
      ByteBufAllocator allocator,
      String path,
      MessageLite message,
      long timeoutMillis,
      Listener listener) {
    this.timeoutMillis = timeoutMillis;
    this.owner = owner;
    this.asker = asker;
    this.allocator = allocator;
    this.path = path;
    this.listener = listener;
    byte[] bytes = message.toByteArray();
    this.octets = PREFIX + bytes.length;
    this.message = allocator.buffer(octets, octets).writeByte(0).writeInt(bytes.length);
    this.message.writeBytes(bytes);
  }

  /** Asks on that stream, which was opened for it. */
  void send(HttpStream opened, String authority) {
    stream = opened;
    sentNanos = System.nanoTime();
    owner.startTime(this, timeoutMillis); // what it waited is not the server's
    opened.listen(this);
    Fields fields = new Fields();
    fields.add("te", "trailers");
    fields.add("content-type", "application/grpc");
    fields.add("user-agent", "sluice");
    fields.add("grpc-timeout", timeoutMillis + "m");
    opened.head(Head.request("POST", "http", authority, path, "", fields), false);
    opened.data(message.retainedDuplicate(), true);
    opened.flush();
  }

  @Override
  public void head(Head head, boolean last) {
    if (over || head.isInterim()) {
      return;
    }
    owner.heardFrom(this);
    String type = head.fields.first("content-type");
    if (head.status() != 200 || type == null || !type.startsWith("application/grpc")) {
      fail("HTTP status " + head.status() + ", and no gRPC");
    } else if (last) {
      end(head.fields);
    } else {
      begun = true;
    }
  }

  @Override
  public void data(ByteBuf bytes, boolean last) {
    int length = bytes.readableBytes();
    HttpStream from = stream;
    if (!over && from != null) {
      if (answer.readableBytes() + length > PREFIX + MOST_ANSWER) {
        fail("an answer of more than " + MOST_ANSWER + " octets", true);
      } else if (last) {
        fail("an answer without a status", true);
      } else {
        answer = answer.isReadable() ? answer : allocator.buffer(length, PREFIX + MOST_ANSWER);
        answer.writeBytes(bytes);
      }
    }
    bytes.release();
    if (from != null) {
      from.consumed(length);
    }
  }

  @Override
  public void trailers(Fields trailers) {
    if (!over) {
      end(trailers);
    }
  }

  private void end(Fields trailers) {
    String status = trailers.first("grpc-status");
    if (!"0".equals(status)) {
      fail("gRPC status " + (status == null || status.length() > 2 ? "unknown" : status));
    } else if (answer.readableBytes() < PREFIX
        || answer.readByte() != 0
        || answer.readInt() != answer.readableBytes()) {
      fail("an answer that is not one message without compression", true);
    } else {
      byte[] bytes = new byte[answer.readableBytes()];
      answer.readBytes(bytes);
      stream = null; // it has ended
      settle();
      listener.answered(ByteString.copyFrom(bytes));
    }
  }

  @Override
  public void aborted(HttpStream.Abort how) {
    stream = null;
    if (!over && (begun || !owner.repeats(this))) {
      fail("the call was reset (" + how + ")", begun);
    }
  }

  /** It has been waited for long enough. */
  void late() {
    if (stream != null) {
      fail("no answer in time");
      owner.suspect(sentNanos);
    } else if (owner.isConnected()) {
      // Callers bring this about, so that it must open nothing.
      fail("too many others were asked meanwhile", true);
    } else {
      fail("no connection in time");
    }
  }

  /** There will be no answer; who asks hears of it. */
  void fail(String why) {
    fail(why, false);
  }

  private void fail(String why, boolean answered) {
    if (!over) {
      cancel();
      listener.failed(why, answered);
    }
  }

  /** Nobody waits for the answer any more. */
  void cancel() {
    if (!over) {
      settle();
      HttpStream open = stream;
      stream = null;
      if (open != null) {
        open.abort(HttpStream.Abort.CANCELLED);
      }
    }
  }

  private void settle() {
    over = true;
    Timers.cancel(timer);
    message.release();
    answer.release();
    owner.ended(this);
  }
}
