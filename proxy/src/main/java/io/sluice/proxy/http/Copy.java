package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Mirror;
import io.sluice.proxy.limits.BufferBudget;
import java.util.List;
import java.util.random.RandomGenerator;

/** A request as mirrors are to get it, kept while the first one is led on. */
final class Copy {
  /** Of content: a request with more is not mirrored. */
  static final int MOST_BYTES = 32 << 10;

  final List<Mirror> mirrors;
  final Head head;
  private final ByteBufAllocator allocator;
  private final BufferBudget budget;
  private ByteBuf content = Unpooled.EMPTY_BUFFER;
  private int owners = 1;

  private Copy(List<Mirror> mirrors, Head head, ByteBufAllocator allocator, BufferBudget budget) {
    this.mirrors = mirrors;
    this.head = head;
    this.allocator = allocator;
    this.budget = budget;
  }

  /** Those of the mirrors that chance, and the kind of request, give a copy to. */
  static List<Mirror> chosen(Head sent, List<Mirror> mirrors, RandomGenerator random) {
    return sent.contentLength > MOST_BYTES
            || sent.upgrade != null
            || sent.method().equals("CONNECT")
        ? List.of()
        : mirrors.stream().filter(one -> random.nextInt(one.whole()) < one.parts()).toList();
  }

  /** Without content yet; {@code budget} counts what is kept. */
  static Copy of(Head sent, List<Mirror> chosen, ByteBufAllocator allocator, BufferBudget budget) {
    return new Copy(chosen, sent.changed(HttpFilters.NONE), allocator, budget);
  }

  /** Keeps a piece, which stays the caller's; false where there is no room for it. */
  boolean keep(ByteBuf piece) {
    int octets = piece.readableBytes();
    if (octets > MOST_BYTES - content.readableBytes() || budget.isExceeded()) {
      return false;
    }
    if (!content.isReadable()) {
      content = allocator.buffer(octets, MOST_BYTES);
    }
    content.writeBytes(piece, piece.readerIndex(), octets);
    budget.hold(octets);
    return true;
  }

  /** The content, which is the caller's from then on as it is this one's. */
  ByteBuf content() {
    return content.retainedDuplicate();
  }

  boolean hasContent() {
    return content.isReadable();
  }

  /** Has another owner, who is to {@link #drop} it too. */
  Copy shared() {
    owners++;
    return this;
  }

  void drop() {
    owners--;
    if (owners == 0) {
      budget.release(content.readableBytes());
      content.release();
    }
  }
}
