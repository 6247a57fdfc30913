package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** Answers every request with a few bytes, once it has ended. */
final class Greeting implements HttpStream.Listener {
  private static final byte[] GREETING = "hello".getBytes(StandardCharsets.US_ASCII);
  private final HttpStream stream;

  Greeting(HttpStream stream) {
    this.stream = stream;
    stream.listen(this);
  }

  private void answer() {
    stream.head(Head.response(200, new Fields()), false);
    stream.data(Unpooled.wrappedBuffer(GREETING), true);
  }

  @Override
  public void head(Head head, boolean last) {
    if (last) {
      answer();
    }
  }

  @Override
  public void data(ByteBuf bytes, boolean last) {
    int length = bytes.readableBytes();
    bytes.release();
    stream.consumed(length);
    if (last) {
      answer();
    }
  }

  @Override
  public void trailers(Fields trailers) {
    answer();
  }

  @Override
  public void batchEnded() {
    stream.flush();
  }

  @Override
  public void aborted(HttpStream.Abort how) {}
}
