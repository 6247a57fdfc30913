package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.sluice.await.Await;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What one stream is told, in order and in words; takes content unless it is to hold it. */
final class Heard implements HttpStream.Listener {
  final List<String> told = new CopyOnWriteArrayList<>();
  final AtomicInteger bytes = new AtomicInteger();
  final AtomicInteger writables = new AtomicInteger();
  volatile @Nullable Head head;
  volatile boolean holds;
  final HttpStream stream;

  Heard(HttpStream stream) {
    this.stream = stream;
    stream.listen(this);
  }

  private static String last(boolean last) {
    return last ? " last" : "";
  }

  @Override
  public void head(Head came, boolean last) {
    head = came;
    String what = came.status() > 0 ? "" + came.status() : came.method() + " " + came.path();
    told.add(what + last(last));
  }

  @Override
  public void data(ByteBuf came, boolean last) {
    int length = came.readableBytes();
    bytes.addAndGet(length);
    came.release();
    if (!holds) {
      stream.consumed(length);
    }
    if (last) {
      told.add("data last");
    }
  }

  @Override
  public void trailers(Fields trailers) {
    told.add("trailers " + trailers.name(0) + "=" + trailers.value(0));
  }

  @Override
  public void writable() {
    writables.incrementAndGet();
  }

  @Override
  public void aborted(HttpStream.Abort how) {
    told.add(how.name());
  }

  void awaits(String what) {
    Await.until(what + " in " + told, () -> told.contains(what));
  }
}
