package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that wait. Small pieces are copied together: a piece keeps the whole buffer it was cut
 * from, so a peer that sends single bytes would otherwise hold thousands of times its window.
 */
public final class ByteQueue {
  private static final int SMALL_BYTES = 4_096;
  private static final int BLOCK_BYTES = 8_192;

  private final Deque<ByteBuf> pieces = new ArrayDeque<>(2);
  private @Nullable ByteBuf block;
  private @Nullable ByteBuf lent; // a piece that was not copied
  private int size;

  /**
   * Takes ownership.
   *
   * @param sparing copies what is large too, where more may be kept with it than its bytes
   */
  public void add(ByteBuf bytes, boolean sparing) {
    int length = bytes.readableBytes();
    size += length;
    if (length >= SMALL_BYTES) {
      pieces.add(sparing ? copy(bytes) : bytes);
      block = null;
      return;
    }
    ByteBuf tail = block;
    if (tail == null || tail.writableBytes() < length) {
      tail = bytes.alloc().directBuffer(BLOCK_BYTES, BLOCK_BYTES);
      block = tail;
      pieces.add(tail);
    }
    tail.writeBytes(bytes);
    bytes.release();
  }

  /**
   * Takes ownership of what is likely to be polled at once: it is not copied before {@link #keep}
   * is called, which is to be soon.
   */
  public void lend(ByteBuf bytes) {
    if (pieces.isEmpty()) {
      size += bytes.readableBytes();
      pieces.add(bytes);
      lent = bytes;
    } else {
      keep();
      add(bytes, false);
    }
  }

  /** What was lent stays: it is as if it had been added. */
  public void keep() {
    ByteBuf bytes = lent;
    lent = null;
    if (bytes != null && pieces.size() == 1 && bytes.readableBytes() < SMALL_BYTES) {
      pieces.clear();
      size -= bytes.readableBytes();
      add(bytes, false);
    }
  }

  private ByteBuf copy(ByteBuf bytes) {
    int length = bytes.readableBytes();
    ByteBuf copied = bytes.alloc().directBuffer(length, length).writeBytes(bytes);
    bytes.release();
    return copied;
  }

  /** Bytes that wait. */
  public int size() {
    return size;
  }

  /** Whether there is no piece, not even one without bytes. */
  public boolean isEmpty() {
    return pieces.isEmpty();
  }

  /** The next piece, which the caller then owns; null when there is none. */
  public @Nullable ByteBuf poll() {
    ByteBuf piece = pieces.poll();
    if (piece != null) {
      size -= piece.readableBytes();
      if (piece == block) {
        block = null;
      }
      if (piece == lent) {
        lent = null;
      }
    }
    return piece;
  }

  /** The same, but no more than so many bytes of it. */
  @Nullable ByteBuf poll(int most) {
    ByteBuf piece = pieces.peek();
    if (piece == null || piece.readableBytes() <= most) {
      return poll();
    }
    size -= most;
    return piece.readRetainedSlice(most);
  }

  /** The next piece again, of which something was taken; it is lent, where it was no copy. */
  public void putBack(ByteBuf bytes) {
    size += bytes.readableBytes();
    pieces.addFirst(bytes);
    lent = bytes.maxCapacity() == BLOCK_BYTES ? null : bytes;
  }

  /** Releases all of it. */
  public void clear() {
    for (ByteBuf piece = poll(); piece != null; piece = poll()) {
      piece.release();
    }
  }
}
