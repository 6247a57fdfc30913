package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * One exchange between the two sides of a call within this process, of which this is one end: what
 * is given to it the other end's listener hears, as it is. Event loop of both.
 */
final class DirectStream implements HttpStream {
  private final @Nullable Exchanges answering; // until the request's head is given to it
  private final boolean version2;
  private @Nullable DirectStream peer;
  private HttpStream.@Nullable Listener listener;
  private int untaken; // octets that the peer's listener has not consumed

  /** The end of who asks; {@code answering} takes the other one with the head. */
  DirectStream(Exchanges answering, boolean version2) {
    this.answering = answering;
    this.version2 = version2;
  }

  private DirectStream(DirectStream asking) {
    this.answering = null;
    this.version2 = asking.version2;
    this.peer = asking;
  }

  @Override
  public void listen(HttpStream.Listener local) {
    listener = local;
  }

  private HttpStream.@Nullable Listener other() {
    DirectStream end = peer;
    return end == null ? null : end.listener;
  }

  @Override
  public void head(Head head, boolean last) {
    if (peer == null && answering != null) {
      DirectStream end = new DirectStream(this);
      peer = end;
      answering.take(end, head, last, version2);
    } else {
      HttpStream.Listener told = other();
      if (told != null) {
        told.head(head, last);
      }
    }
  }

  @Override
  public void data(ByteBuf bytes, boolean last) {
    HttpStream.Listener told = other();
    if (told == null) {
      bytes.release();
    } else {
      untaken += bytes.readableBytes();
      told.data(bytes, last);
    }
  }

  @Override
  public void trailers(Fields trailers) {
    HttpStream.Listener told = other();
    if (told != null) {
      told.trailers(trailers);
    }
  }

  @Override
  public void flush() {
    HttpStream.Listener told = other();
    if (told != null) {
      told.batchEnded();
    }
  }

  @Override
  public boolean isWritable() {
    return untaken == 0;
  }

  /** By the socket behind it, of the same version. */
  @Override
  public boolean countsContent() {
    return version2;
  }

  @Override
  public void consumed(int bytes) {
    DirectStream end = peer;
    if (end != null && bytes > 0) {
      end.untaken -= bytes;
      HttpStream.Listener told = end.listener;
      if (end.untaken == 0 && told != null) {
        told.writable();
      }
    }
  }

  @Override
  public void abort(Abort how) {
    listener = null;
    DirectStream end = peer;
    HttpStream.Listener told = other();
    if (end != null && told != null) {
      end.listener = null;
      told.aborted(how);
    }
  }
}
