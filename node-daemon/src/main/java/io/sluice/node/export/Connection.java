package io.sluice.node.export;

import io.netty.buffer.ByteBuf;
import io.sluice.node.export.Delivery.Call;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a collector, which is asked one thing after the other. What it says is heard
 * before all that it is told is written: a collector that wants no more of it answers and hangs up.
 * One thread, which it blocks until the deadline at most.
 */
final class Connection implements AutoCloseable {
  static final String NO_ANSWER = "it ended the connection without an answer";

  private static final long LOOK_MILLIS = 100; // so soon it sees that nothing is waited for
  private static final int READ_OCTETS = 16 * 1_024;
  private static final int WRITE_OCTETS = 128 * 1_024; // before it listens again

  /** Of an answer, which takes some hundred, and of a handshake, which takes some thousand. */
  static final int MOST_ANSWER_OCTETS = 16 * 1_024;

  private final InetSocketAddress address;
  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private final Protocol protocol;
  private final LongConsumer gone; // hears of octets, either way
  private final ByteBuffer buffer = ByteBuffer.allocate(READ_OCTETS);
  private @Nullable ByteBuf out; // of which a part may be written
  private int answerOctets;

  /**
   * Until when something is waited for.
   *
   * @param nanos of the system's clock
   * @param isOver whether nothing is to be waited for any longer, whatever the time
   */
  record Deadline(long nanos, BooleanSupplier isOver) {
    /** At each turn: who always has something to say would have the thread for ever. */
    void require() throws SocketTimeoutException {
      if (System.nanoTime() - nanos > 0 || isOver.getAsBoolean()) {
        throw new SocketTimeoutException("it does not answer in time");
      }
    }
  }

  private Connection(InetSocketAddress address, Protocol protocol, LongConsumer gone)
      throws IOException {
    this.address = address;
    this.protocol = protocol;
    this.gone = gone;
    channel = SocketChannel.open();
    try {
      channel.configureBlocking(false);
      // Else the end of each batch but the first waits for what is acknowledged late: 40 ms.
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      selector = Selector.open();
      key = channel.register(selector, SelectionKey.OP_CONNECT);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Connects for calls by {@code protocol}, which it owns.
   *
   * @param gone hears of octets that go either way, also where nothing comes of it
   */
  static Connection open(
      InetSocketAddress address, Protocol protocol, Deadline deadline, LongConsumer gone)
      throws IOException {
    Connection opened;
    try {
      opened = new Connection(address, protocol, gone);
    } catch (IOException | RuntimeException e) {
      protocol.close();
      throw e;
    }
    try {
      for (boolean connected = opened.channel.connect(address); !connected; ) {
        opened.await(deadline);
        connected = opened.channel.finishConnect();
      }
      opened.shakeHands(deadline);
      return opened;
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  private void shakeHands(Deadline deadline) throws IOException {
    answerOctets = 0;
    while (!protocol.isReady()) {
      deadline.require();
      int read = read();
      int written = write();
      if (protocol.isReady()) {
        return;
      }
      if (read < 0) {
        throw new EOFException("it ended the connection in the handshake of TLS");
      }
      if (read == 0 && written == 0) {
        await(deadline, out != null);
      }
    }
  }

  private void await(Deadline deadline, boolean hasMore) throws IOException {
    key.interestOps(SelectionKey.OP_READ | (hasMore ? SelectionKey.OP_WRITE : 0));
    await(deadline);
  }

  private void await(Deadline deadline) throws IOException {
    deadline.require();
    selector.select(LOOK_MILLIS);
    selector.selectedKeys().clear();
  }

  /** Whether what is to be sent there goes by it. */
  boolean leadsTo(InetSocketAddress other) {
    return address.equals(other);
  }

  /**
   * Whether the collector has neither ended it nor said what nobody asked for, as far as is known
   * here. Between calls.
   */
  boolean isUsable() {
    try {
      answerOctets = 0;
      int come = read();
      while (come > 0) {
        come = read();
      }
      return come == 0 && isReusable();
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether another call may follow the one that was answered. */
  boolean isReusable() {
    return out == null && protocol.isReusable();
  }

  /**
   * What the collector answers to that call.
   *
   * @throws IOException where it does not answer, or not in time, or in too many octets
   */
  Answer exchange(String authority, Call call, Deadline deadline) throws IOException {
    answerOctets = 0;
    protocol.begin(authority, call);
    try {
      return answered(deadline);
    } catch (IOException e) {
      return protocol.begun().orElseThrow(() -> e);
    }
  }

  private Answer answered(Deadline deadline) throws IOException {
    @Nullable IOException unwritten = null;
    while (true) {
      deadline.require();
      int read = read();
      int written = 0;
      if (unwritten == null) {
        try {
          written = write();
        } catch (IOException e) {
          unwritten = e; // it has hung up, after it has answered maybe
        }
      }
      Optional<Answer> answer = protocol.answer();
      if (answer.isPresent()) {
        return answer.get();
      }
      if (read < 0) {
        throw unwritten == null ? new EOFException(NO_ANSWER) : unwritten;
      }
      if (read == 0 && written == 0) {
        await(deadline, out != null && unwritten == null);
      }
    }
  }

  /** What is there; negative at its end. */
  private int read() throws IOException {
    int come = channel.read(buffer.clear());
    if (come < 0) {
      protocol.end();
    } else if (come > 0) {
      gone.accept(come);
      answerOctets += come;
      if (answerOctets > MOST_ANSWER_OCTETS) {
        throw new IOException("its answer has more than " + MOST_ANSWER_OCTETS + " octets");
      }
      protocol.read(buffer.flip());
    }
    return come;
  }

  /** As much as goes now. */
  private int write() throws IOException {
    int written = 0;
    ByteBuf next = out == null ? protocol.toWrite() : out;
    while (next != null) {
      out = next;
      int some = next.readBytes(channel, Math.min(next.readableBytes(), WRITE_OCTETS));
      written += some;
      gone.accept(some);
      if (next.isReadable()) {
        return written;
      }
      next.release();
      out = null;
      next = protocol.toWrite();
    }
    return written;
  }

  /** No octet of it is waited for. */
  @Override
  public void close() throws IOException {
    if (out != null) {
      out.release();
      out = null;
    }
    try (channel;
        selector) {
      protocol.close();
    }
  }
}
