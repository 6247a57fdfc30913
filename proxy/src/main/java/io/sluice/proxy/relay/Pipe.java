package io.sluice.proxy.relay;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Two channels of one event loop, each the other's peer: the buffers written to one are handed to
 * the listener of the other, which owns them then. That may happen before {@code flush}, {@code
 * read}, {@code endOutput} or {@code reset} returns. Unbounded: who writes heeds {@code
 * isWritable}, which is false until the peer has taken what was flushed.
 */
public final class Pipe {
  private final End near;
  private final End far = new End(null);

  /** Nothing has been written. */
  public Pipe() {
    this(null);
  }

  /** The same, where what is behind the far end can be given more than bytes. */
  public Pipe(@Nullable DirectPeer directOrNull) {
    near = new End(directOrNull);
    near.peer = far;
    far.peer = near;
  }

  /** What is behind the other end of {@code channel} and takes more than bytes, if that is so. */
  public static @Nullable DirectPeer directPeer(ByteChannel channel) {
    return channel instanceof End end ? end.direct : null;
  }

  /** The end of who dials. */
  public ByteChannel near() {
    return near;
  }

  /** The end of who answers. */
  public ByteChannel far() {
    return far;
  }

  /** Hands out what has arrived each time it is asked to. */
  private static final class End implements ByteChannel {
    private final ArrayDeque<ByteBuf> arrived = new ArrayDeque<>(1);
    private final @Nullable DirectPeer direct;
    private End peer = this;
    private @Nullable Listener listener;
    private int waiting; // bytes of what has arrived
    private boolean started;
    private boolean readRequested;
    private boolean delivering;
    private boolean inputEnded; // and the listener knows
    private boolean outputEnded;
    private boolean blocked; // until the peer has taken what was flushed
    private @Nullable ChannelEnd end;

    End(@Nullable DirectPeer direct) {
      this.direct = direct;
    }

    @Override
    public void listen(Listener local) {
      listener = local;
    }

    @Override
    public void start() {
      started = true;
      if (end == null) {
        read();
      } else {
        tell(end);
      }
    }

    // --- from the peer -----------------------------------------------------------------------

    @Override
    public boolean hasWindow() {
      return false;
    }

    @Override
    public void consumed(int bytes) {}

    @Override
    public void read() {
      readRequested = true;
      deliver();
    }

    /** To whoever listens at that moment: the first bytes may tell who is to have the others. */
    private void deliver() {
      if (!started || delivering || listener == null) {
        return;
      }
      delivering = true;
      while (readRequested && !arrived.isEmpty()) {
        readRequested = false;
        waiting = 0;
        for (ByteBuf bytes = arrived.poll(); bytes != null; bytes = arrived.poll()) {
          Objects.requireNonNull(listener).bytes(bytes); // a reset would have dropped them
        }
        Listener local = listener;
        if (local != null) {
          local.batchEnded();
        }
        peer.taken();
      }
      delivering = false;
      Listener local = listener;
      if (local != null && end == null && peer.outputEnded && arrived.isEmpty() && !inputEnded) {
        inputEnded = true;
        local.inputEnded();
        finish();
      }
    }

    // --- to the peer -------------------------------------------------------------------------

    @Override
    public void write(ByteBuf bytes) {
      if (end == null && peer.end == null) {
        peer.waiting += bytes.readableBytes();
        peer.arrived.add(bytes);
      } else {
        bytes.release();
      }
    }

    @Override
    public void flush() {
      peer.deliver();
      blocked = peer.waiting > 0;
    }

    private void taken() {
      Listener local = listener;
      if (blocked && peer.waiting == 0) {
        blocked = false;
        if (end == null && local != null) {
          local.writable();
        }
      }
    }

    @Override
    public boolean isWritable() {
      return !blocked;
    }

    @Override
    public void waitForAll(boolean all) {}

    @Override
    public int unsentBytes() {
      return peer.waiting;
    }

    @Override
    public void endOutput() {
      if (!outputEnded && end == null) {
        outputEnded = true;
        peer.deliver();
        finish();
      }
    }

    // --- the end -----------------------------------------------------------------------------

    private void finish() {
      if (inputEnded && outputEnded && end == null) {
        end = ChannelEnd.FINISHED;
        tell(end);
      }
    }

    private void tell(ChannelEnd how) {
      Listener local = listener;
      if (started && local != null) {
        local.closed(how);
      }
    }

    @Override
    public void reset() {
      listener = null;
      drop(ChannelEnd.RESET_BY_US);
      if (peer.end == null) {
        peer.drop(ChannelEnd.RESET_BY_PEER);
        peer.tell(ChannelEnd.RESET_BY_PEER);
      }
    }

    private void drop(ChannelEnd how) {
      if (end == null) {
        end = how;
      }
      waiting = 0;
      for (ByteBuf bytes = arrived.poll(); bytes != null; bytes = arrived.poll()) {
        bytes.release();
      }
    }
  }
}
