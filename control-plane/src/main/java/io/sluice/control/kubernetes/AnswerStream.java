package io.sluice.control.kubernetes;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The body of one answer, read while it arrives: no more of it is taken from the connection than is
 * read here. Read by one thread; {@link #close} by any.
 */
final class AnswerStream extends InputStream {
  private final Duration silence;
  private final CompletableFuture<AsyncBody> body = new CompletableFuture<>();
  private final LinkedBlockingQueue<Part> parts = new LinkedBlockingQueue<>();
  private final Queue<ByteBuffer> buffers = new ArrayDeque<>();
  private boolean ended;
  private long allowance = Long.MAX_VALUE;
  private IntConsumer counter = _ -> {};

  /**
   * @param silence longest wait for the next byte
   */
  AnswerStream(Duration silence) {
    this.silence = silence;
  }

  /** Takes what has arrived; on a thread of the client. */
  void arrived(List<ByteBuffer> arrived) {
    parts.add(new Part(arrived, null));
  }

  /** The headers of the answer have arrived. */
  void began(AsyncBody answered) {
    body.complete(answered);
    answered.done().whenComplete((_, failed) -> parts.add(new Part(List.of(), end(failed))));
  }

  private static IOException end(@Nullable Throwable failed) {
    return failed == null ? END : new IOException("the connection broke: " + failed, failed);
  }

  /** Allows so many bytes from here on; reading more fails. Bounds what one object may take. */
  void allow(long bytes) {
    allowance = bytes;
  }

  /** Tells {@code next} of how many bytes each read is. */
  void countBy(IntConsumer next) {
    counter = next;
  }

  /** Waits whether anything comes, its end too. Returns true where nothing did. */
  boolean isQuietFor(Duration wait) throws IOException {
    return !ended && buffers.isEmpty() && !takePart(wait);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (!ended && (buffers.isEmpty() || !buffers.element().hasRemaining())) {
      if (!buffers.isEmpty()) {
        buffers.remove();
      } else {
        if (!takePart(silence)) {
          throw new SocketTimeoutException("nothing came for " + silence);
        }
      }
    }
    if (ended) {
      return -1;
    }
    ByteBuffer next = buffers.element();
    int count = Math.min(length, next.remaining());
    if (count > allowance) {
      throw new IOException("one object is longer than the limit");
    }
    allowance -= count;
    counter.accept(count);
    next.get(target, offset, count);
    return count;
  }

  /** Returns false where nothing came. */
  private boolean takePart(Duration wait) throws IOException {
    Part part = parts.poll();
    if (part == null) {
      body.join().consume();
      try {
        part = parts.poll(wait.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("the wait was interrupted");
      }
    }
    if (part == null) {
      return false;
    }
    if (part.endOrNull() == END) {
      ended = true;
    } else if (part.endOrNull() != null) {
      throw part.endOrNull();
    }
    buffers.addAll(part.buffers());
    return true;
  }

  /** Ends the request; a read that waits ends too. */
  @Override
  public void close() {
    body.thenAccept(AsyncBody::cancel);
    parts.add(new Part(List.of(), END));
  }

  private static final IOException END = new IOException("the end of the answer");

  private record Part(List<ByteBuffer> buffers, @Nullable IOException endOrNull) {}
}
