package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.Http2Error;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One stream of HTTP/2. Event loop of the connection. */
final class Http2Exchange implements HttpStream {
  private final Http2Codec codec;
  private @Nullable Listener listener;
  private String method = ""; // of the request, once it is known
  private @Nullable String upgrade;
  private int id; // 0 until the stream is open
  private long expected = Head.UNKNOWN_LENGTH;
  private int pending;
  private int elsewhere; // of that, counted for the budget where it came from
  private int counted; // the rest
  private int unread;
  private boolean headSeen;
  private boolean inBatch;
  private boolean waits;
  private boolean inputEnded;
  private boolean outputEnded;
  private boolean ended;
  private @Nullable List<Runnable> awaiting; // what is to be sent, once it is known if it may be

  Http2Exchange(Http2Codec codec, int id) {
    this.codec = codec;
    this.id = id;
  }

  int id() {
    return id;
  }

  @Override
  public void listen(Listener told) {
    listener = told;
  }

  // --- from the peer -------------------------------------------------------------------------

  /** A request, whose stream was opened by it. */
  void request(Head head, boolean last) {
    method = head.method();
    seen(head, last);
  }

  /** A response, an interim one, or trailers of either message; false where it is malformed. */
  boolean received(ReceivedHead list, boolean last) {
    if (ended) {
      return true;
    }
    if (headSeen) {
      Fields trailers = last && isWhole(0, true) ? list.trailers() : null;
      if (trailers == null) {
        return false;
      }
      inputEnded = true;
      if (listener != null) {
        touched();
        listener.trailers(trailers);
      }
      return true;
    }
    Head head = list.response(method, last);
    if (head == null) {
      return false;
    }
    if (head.status() >= 200 && head.status() < 300) {
      head.upgrade = upgrade;
    }
    seen(head, last);
    return true;
  }

  private void seen(Head head, boolean last) {
    headSeen = !head.isInterim();
    expected = head.contentLength;
    inputEnded = last;
    if (listener != null) {
      touched();
      listener.head(head, last);
    }
  }

  /** Whether the content keeps to the length that the head names (RFC 9113 §8.1.1). */
  private boolean isWhole(int bytes, boolean last) {
    if (expected == Head.UNKNOWN_LENGTH) {
      return true;
    }
    expected -= bytes;
    return last ? expected == 0 : expected >= 0;
  }

  /**
   * Content came, which is not owned; false where it is malformed.
   *
   * @param padding bytes that count for the windows only
   */
  boolean received(ByteBuf bytes, int padding, boolean last) {
    int length = bytes.readableBytes();
    unread += length + padding;
    codec.windows().came(length + padding);
    consumed(padding);
    Listener told = listener;
    if (ended) {
      consumed(length);
      return true;
    }
    if (!headSeen || !isWhole(length, last)) {
      consumed(length); // or Netty would do so
      return false;
    }
    inputEnded = last;
    if (told == null) {
      consumed(length);
    } else if (length > 0 || last) {
      touched();
      told.data(bytes.retain(), last);
    }
    return true;
  }

  private void touched() {
    if (!inBatch) {
      inBatch = true;
      codec.touched(this);
    }
  }

  void batchEnded() {
    inBatch = false;
    if (listener != null && !ended) {
      listener.batchEnded();
    }
  }

  // --- to the peer ---------------------------------------------------------------------------

  @Override
  public void head(Head head, boolean last) {
    if (ended) {
      return;
    }
    if (id == 0) {
      if (head.upgrade != null && codec.awaitsSettings(this)) {
        awaiting = new ArrayList<>(1);
        awaiting.add(() -> head(head, last));
        return;
      }
      if (head.upgrade != null && !codec.takesConnect()) {
        aborted(Abort.NOT_OFFERED);
        codec.roomMade();
        return;
      }
      method = head.method();
      upgrade = head.upgrade;
      id = codec.opened(this);
      if (id == 0) {
        aborted(Abort.NOT_PROCESSED);
        return;
      }
    }
    outputEnded = last;
    codec.writeHead(id, codec.isServer() ? SentHead.response(head) : SentHead.request(head), last);
  }

  @Override
  public void data(ByteBuf bytes, boolean last) {
    if (awaiting != null) {
      awaiting.add(() -> data(bytes, last));
      return;
    }
    if (ended || outputEnded) {
      bytes.release();
      return;
    }
    outputEnded = last;
    if (bytes.isReadable() || last) {
      codec.writeData(id, bytes, last);
    } else {
      bytes.release();
    }
  }

  @Override
  public void trailers(Fields trailers) {
    if (awaiting != null) {
      awaiting.add(() -> trailers(trailers));
      return;
    }
    if (ended || outputEnded) {
      return;
    }
    outputEnded = true;
    if (trailers.size() == 0) {
      codec.writeData(id, Unpooled.EMPTY_BUFFER, true);
    } else {
      codec.writeHead(id, SentHead.trailers(trailers), true);
    }
  }

  @Override
  public void flush() {
    codec.flush();
  }

  /** What waited goes, or is dropped where it has ended. */
  void settled() {
    List<Runnable> sent = awaiting;
    awaiting = null;
    if (sent != null) {
      sent.forEach(Runnable::run);
      pending(pending);
    }
  }

  /** So many bytes wait for windows or for the connection. */
  void pending(int bytes) {
    pending = bytes;
    count();
    if (waits && isWritable()) {
      codec.writable(this);
    }
  }

  @Override
  public boolean countsContent() {
    return true;
  }

  @Override
  public void countedElsewhere(int bytes) {
    if (bytes != elsewhere) {
      elsewhere = bytes;
      count();
      codec.account();
    }
  }

  private void count() {
    int now = Math.max(0, pending - elsewhere);
    codec.pending(now - counted);
    counted = now;
  }

  @Override
  public boolean isWritable() {
    boolean writable = pending <= codec.mostPending() && awaiting == null;
    waits = !writable;
    return writable;
  }

  void tellWritable() {
    if (listener != null && !ended && isWritable()) {
      listener.writable();
    }
  }

  @Override
  public void consumed(int bytes) {
    int some = Math.min(bytes, unread);
    if (some > 0) {
      unread -= some;
      codec.windows().taken(id, some);
    }
  }

  /** Bytes that came and were neither passed on nor dropped. */
  int unread() {
    return unread;
  }

  // --- the end -------------------------------------------------------------------------------

  @Override
  public void abort(Abort how) {
    if (!ended) {
      end();
      if (id != 0 && !isFinished()) {
        codec.reset(id, error(how).code());
      }
    }
  }

  private Http2Error error(Abort how) {
    return switch (how) {
      case NOT_PROCESSED, NOT_OFFERED -> Http2Error.REFUSED_STREAM;
      case PROTOCOL_ERROR -> Http2Error.PROTOCOL_ERROR;
      case FAILED -> Http2Error.INTERNAL_ERROR;
      // RFC 9113 §8.1: after a whole response the rest of a request is not wanted, and no error.
      case CANCELLED -> codec.isServer() && outputEnded ? Http2Error.NO_ERROR : Http2Error.CANCEL;
      case RESET -> codec.isServer() ? Http2Error.INTERNAL_ERROR : Http2Error.CANCEL;
    };
  }

  /** The peer ended it with an error code. */
  static Abort reason(long code) {
    if (code == Http2Error.REFUSED_STREAM.code()) {
      return Abort.NOT_PROCESSED;
    }
    boolean cancelled = code == Http2Error.CANCEL.code() || code == Http2Error.NO_ERROR.code();
    return cancelled ? Abort.CANCELLED : Abort.RESET;
  }

  private boolean isFinished() {
    return inputEnded && outputEnded && pending == 0;
  }

  /** Nothing moves any more. */
  void aborted(Abort how) {
    if (!ended && !isFinished()) {
      end();
      if (listener != null) {
        listener.aborted(how);
      }
    }
  }

  private void end() {
    ended = true;
    if (awaiting != null) {
      codec.awaitsNothing(this);
      settled();
    }
    consumed(unread);
  }
}
