package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;

/** One direction of an exchange, passed on to another stream as it is, with back-pressure. */
class Passage implements HttpStream.Listener {
  private final HttpStream source;
  private final HttpStream sink;
  private int owed;
  private Passage opposite = this;

  private Passage(HttpStream source, HttpStream sink) {
    this.source = source;
    this.sink = sink;
  }

  /** Joins two, from now on. */
  static void join(HttpStream near, HttpStream far) {
    var there = new Passage(near, far);
    var back = new Passage(far, near);
    there.opposite = back;
    back.opposite = there;
    near.listen(there);
    far.listen(back);
  }

  /** The same stream on both sides: what comes goes back. */
  static void echo(HttpStream stream) {
    stream.listen(
        new Passage(stream, stream) {
          @Override
          public void head(Head head, boolean last) {
            super.head(Head.response(200, head.fields), last);
          }
        });
  }

  @Override
  public void head(Head head, boolean last) {
    sink.head(head, last);
  }

  @Override
  public void data(ByteBuf bytes, boolean last) {
    owed += bytes.readableBytes();
    sink.data(bytes, last);
    giveBack();
  }

  private void giveBack() {
    if (owed > 0 && sink.isWritable()) {
      int some = owed;
      owed = 0;
      source.consumed(some);
    }
  }

  @Override
  public void trailers(Fields trailers) {
    sink.trailers(trailers);
  }

  @Override
  public void batchEnded() {
    sink.flush();
    giveBack();
  }

  @Override
  public void writable() {
    opposite.giveBack();
  }

  @Override
  public void aborted(HttpStream.Abort how) {
    if (sink != source) {
      sink.abort(how);
    }
  }
}
