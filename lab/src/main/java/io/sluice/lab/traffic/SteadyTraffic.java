package io.sluice.lab.traffic;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * New connections at an even rate, each with one request and an end in order, and beside them
 * connections that are held and say a word every second. Goes on until {@link #end}.
 */
public final class SteadyTraffic implements AutoCloseable {
  private static final int WORKERS = 8;
  private static final int FAILURES_KEPT = 10;
  private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final NetnsHandle client;
  private final List<InetSocketAddress> servers;
  private final long intervalNanos;
  private final long beginNanos = System.nanoTime();
  private final AtomicLong started = new AtomicLong();
  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong heldFailed = new AtomicLong();
  private final AtomicLong words = new AtomicLong();
  private final AtomicLong longestNanos = new AtomicLong();
  private final List<String> failures = new ArrayList<>(); // guarded by itself
  private final List<EchoConnection> held = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean ended;

  /**
   * What has happened so far.
   *
   * @param answered new connections that were answered and ended in order
   * @param failed new connections that were not
   * @param perSecond answered, as a mean since the beginning
   * @param held connections that were held from the beginning on
   * @param heldFailed those of them that broke
   * @param words answers on held connections
   * @param longestMillis the slowest new connection, from the call to its end
   * @param failures the first few, for people
   */
  public record Counts(
      long answered,
      long failed,
      double perSecond,
      int held,
      long heldFailed,
      long words,
      long longestMillis,
      List<String> failures) {
    public Counts {
      failures = List.copyOf(failures);
    }

    /** Whether nothing failed, and something was tried. */
    public boolean isFlawless() {
      return answered > 0 && failed == 0 && heldFailed == 0;
    }
  }

  private SteadyTraffic(NetnsHandle client, List<InetSocketAddress> servers, int perSecond) {
    this.client = client;
    this.servers = List.copyOf(servers);
    this.intervalNanos = SECOND_NANOS / perSecond;
  }

  /**
   * Begins: {@code perSecond} new connections to {@code servers} in turn, as far as the machine
   * allows, and {@code holding} that stay. The caller owns {@code client}, and keeps it open.
   *
   * @throws IOException when one of those that stay cannot be opened
   */
  public static SteadyTraffic begin(
      NetnsHandle client, List<InetSocketAddress> servers, int perSecond, int holding)
      throws IOException {
    SteadyTraffic traffic = new SteadyTraffic(client, servers, perSecond);
    try {
      for (int i = 0; i < holding; i++) {
        EchoConnection connection = EchoConnection.open(client, servers.get(i % servers.size()));
        traffic.held.add(connection);
        connection.echo("first word of " + i);
      }
    } catch (IOException | RuntimeException e) {
      traffic.close();
      throw e;
    }
    for (int i = 0; i < WORKERS; i++) {
      traffic.start("traffic-" + i, traffic::callUntilEnded);
    }
    traffic.start("traffic-held", traffic::talkUntilEnded);
    return traffic;
  }

  private void start(String name, Runnable body) {
    threads.add(Thread.ofPlatform().daemon().name(name).start(body));
  }

  private void callUntilEnded() {
    while (true) {
      long number = started.getAndIncrement();
      waitUntil(beginNanos + number * intervalNanos);
      if (ended) {
        return;
      }
      call(number);
    }
  }

  private void call(long number) {
    InetSocketAddress server = servers.get((int) (number % servers.size()));
    long begin = System.nanoTime();
    try (EchoConnection connection = EchoConnection.open(client, server)) {
      connection.echo("call " + number);
      connection.finish();
      answered.incrementAndGet();
      longestNanos.accumulateAndGet(System.nanoTime() - begin, Math::max);
    } catch (IOException | RuntimeException e) {
      failed.incrementAndGet();
      note("call " + number + " to " + server + ": " + e);
    }
  }

  private void talkUntilEnded() {
    List<EchoConnection> alive = new ArrayList<>(held);
    for (long second = 1; ; second++) {
      waitUntil(beginNanos + second * SECOND_NANOS);
      if (ended) {
        return;
      }
      String word = "word " + second;
      alive.removeIf(connection -> !talk(connection, word));
    }
  }

  private boolean talk(EchoConnection connection, String word) {
    try {
      connection.echo(word);
      words.incrementAndGet();
      return true;
    } catch (IOException | RuntimeException e) {
      heldFailed.incrementAndGet();
      note("a held connection, " + word + ": " + e);
      return false;
    }
  }

  private void waitUntil(long nanos) {
    for (long left = nanos - System.nanoTime();
        left > 0 && !ended;
        left = nanos - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private void note(String failure) {
    synchronized (failures) {
      if (failures.size() < FAILURES_KEPT) {
        failures.add(failure);
      }
    }
  }

  /** What has happened so far. */
  public Counts counts() {
    double seconds = (System.nanoTime() - beginNanos) / (double) SECOND_NANOS;
    synchronized (failures) {
      return new Counts(
          answered.get(),
          failed.get(),
          answered.get() / seconds,
          held.size(),
          heldFailed.get(),
          words.get(),
          TimeUnit.NANOSECONDS.toMillis(longestNanos.get()),
          failures);
    }
  }

  /** Lets the calls under way come to their end, and ends the connections that were held. */
  public Counts end() throws InterruptedException {
    ended = true;
    threads.forEach(LockSupport::unpark);
    for (Thread thread : threads) {
      thread.join();
    }
    Counts counts = counts();
    close();
    return counts;
  }

  /** Ends it as it stands. */
  @Override
  public void close() {
    ended = true;
    threads.forEach(LockSupport::unpark);
    for (EchoConnection connection : held) {
      try {
        connection.close();
      } catch (IOException e) {
        // It is closed all the same.
      }
    }
  }

  /**
   * A client's connection to a server that sends lines back, perhaps after a greeting of its own.
   * For one platform thread at a time.
   */
  private static final class EchoConnection implements AutoCloseable {
    /** A peer that is silent for so long has failed. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final int LONGEST_ANSWER = 1_024;
    private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

    private final SocketChannel channel;

    private EchoConnection(SocketChannel channel) {
      this.channel = channel;
    }

    /** Connects with a socket of {@code client}'s namespace. */
    static EchoConnection open(NetnsHandle client, InetSocketAddress server) throws IOException {
      StandardProtocolFamily family = Family.of(server.getAddress()).protocol();
      SocketChannel channel = NAMESPACES.callIn(client, () -> SocketChannel.open(family));
      try {
        channel.socket().setSoTimeout((int) PATIENCE.toMillis());
        channel.socket().connect(server, (int) PATIENCE.toMillis());
        return new EchoConnection(channel);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    }

    /** Sends a line and reads until it has come back. */
    void echo(String line) throws IOException {
      channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.US_ASCII)));
      InputStream in = channel.socket().getInputStream();
      StringBuilder answer = new StringBuilder();
      byte[] chunk = new byte[LONGEST_ANSWER];
      while (!answer.toString().endsWith(line + "\n")) {
        int got = in.read(chunk);
        if (got < 0 || answer.length() + got > LONGEST_ANSWER) {
          throw new IOException(
              got < 0 ? "closed before the answer" : "another answer than was sent: " + answer);
        }
        answer.append(new String(chunk, 0, got, StandardCharsets.US_ASCII));
      }
    }

    /** Sends the end, and waits for the server's. */
    void finish() throws IOException {
      channel.shutdownOutput();
      if (channel.socket().getInputStream().read() >= 0) {
        throw new IOException("bytes behind the answer");
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
