package io.sluice.node.names;

import io.sluice.mesh.HostNames;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Asks name servers for hosts outside the mesh, again when an answer has run out. An address counts
 * for a while after its answer: pods may have had it from one of those before, and of several
 * answers each has a part. One virtual thread, which works while there is a host to ask for.
 */
public final class NameFinder implements AutoCloseable {
  private static final Logger LOG = System.getLogger(NameFinder.class.getName());

  /** Hosts that are asked for, and addresses of one of them: what is more opens nothing. */
  private static final int MOST_HOSTS = 1_024;

  private static final int MOST_ADDRESSES = 256;
  private static final int MOST_SERVERS = 4;
  private static final Duration WAIT = Duration.ofSeconds(2);
  private static final Duration SHORTEST = Duration.ofSeconds(5);
  private static final Duration LONGEST = Duration.ofMinutes(5);

  /** How long an address counts beyond the life of its answer. */
  static final Duration GRACE = Duration.ofMinutes(5);

  private final SecureRandom random = new SecureRandom();
  private final Semaphore signals = new Semaphore(0);
  private final Thread thread = Thread.ofVirtual().name("sluice-host-names").unstarted(this::run);
  private final Map<String, Host> hosts = new HashMap<>(); // the thread's
  private volatile Wanted wanted = new Wanted(Set.of(), List.of());
  private volatile HostNames found = HostNames.NONE;
  private volatile Runnable changed = () -> {};
  private volatile boolean closed;

  private record Wanted(Set<String> hosts, List<InetSocketAddress> servers) {}

  /** What is known of a host: until when each address counts, and when to ask again. */
  private static final class Host {
    final Map<InetAddress, Long> until = new HashMap<>();
    long nextNanos = System.nanoTime();
  }

  /** Asks for nothing yet; {@code listener} hears, on the finder's thread, of every change. */
  public void start(Runnable listener) {
    changed = listener;
    thread.start();
  }

  /**
   * What to ask for from now on, and whom. Any thread.
   *
   * @param names in lower case
   */
  public void want(Set<String> names, List<InetSocketAddress> servers) {
    Wanted next =
        new Wanted(
            names.size() <= MOST_HOSTS
                ? Set.copyOf(names)
                : Set.copyOf(names.stream().sorted().limit(MOST_HOSTS).toList()),
            servers.stream().distinct().limit(MOST_SERVERS).toList());
    if (!next.equals(wanted)) {
      wanted = next;
      signals.release();
    }
  }

  /** What has been found and counts. Any thread. */
  public HostNames found() {
    return found;
  }

  private void run() {
    try {
      while (!closed) {
        long pause = round();
        if (signals.tryAcquire(pause, TimeUnit.NANOSECONDS)) {
          signals.drainPermits();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed
    }
  }

  /** Returns the pause until the next, in nanoseconds. */
  private long round() {
    Wanted now = wanted;
    hosts.keySet().retainAll(now.hosts());
    for (String name : now.hosts()) {
      Host host = hosts.computeIfAbsent(name, _ -> new Host());
      if (!closed && host.nextNanos - System.nanoTime() <= 0) {
        ask(name, host, now.servers());
        publish();
      }
    }
    publish();
    long begin = System.nanoTime();
    return hosts.values().stream()
        .mapToLong(host -> Math.max(0, host.nextNanos - begin))
        .min()
        .orElse(LONGEST.toNanos());
  }

  private void ask(String name, Host host, List<InetSocketAddress> servers) {
    Duration life = LONGEST;
    for (int type : new int[] {DnsMessage.A, DnsMessage.AAAA}) {
      Optional<DnsMessage.Answer> answer = ask(name, type, servers);
      boolean hasNone = answer.filter(said -> said.addresses().isEmpty()).isPresent();
      Duration own = hasNone ? LONGEST : answer.map(DnsMessage.Answer::life).orElse(SHORTEST);
      answer.ifPresent(said -> {
        long end = System.nanoTime() + bounded(said.life()).plus(GRACE).toNanos();
        for (InetAddress address : said.addresses()) {
          if (host.until.size() < MOST_ADDRESSES || host.until.containsKey(address)) {
            host.until.put(address, end);
          }
        }
      });
      life = own.compareTo(life) < 0 ? own : life;
    }
    if (host.until.isEmpty()) {
      life = SHORTEST;
    }
    host.nextNanos = System.nanoTime() + bounded(life).toNanos();
  }

  private static Duration bounded(Duration life) {
    return life.compareTo(SHORTEST) < 0 ? SHORTEST : life.compareTo(LONGEST) > 0 ? LONGEST : life;
  }

  private Optional<DnsMessage.Answer> ask(String name, int type, List<InetSocketAddress> servers) {
    for (InetSocketAddress server : servers) {
      try (DatagramSocket socket = new DatagramSocket()) {
        socket.connect(server);
        int id = random.nextInt(1 << 16);
        byte[] question = DnsMessage.question(id, name, type);
        socket.send(new DatagramPacket(question, question.length));
        Optional<DnsMessage.Answer> answer = receive(socket, id, name, type);
        if (answer.isPresent()) {
          return answer;
        }
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.DEBUG, "name_server_failed server={0} {1}", server, e.getMessage());
      }
    }
    return Optional.empty();
  }

  /** The first answer to the question; others are somebody's guess, and cost no more time. */
  private static Optional<DnsMessage.Answer> receive(
      DatagramSocket socket, int id, String name, int type) throws IOException {
    long end = System.nanoTime() + WAIT.toNanos();
    byte[] buffer = new byte[DnsMessage.MAX_BYTES];
    for (long left = WAIT.toMillis(); left > 0; left = (end - System.nanoTime()) / 1_000_000) {
      socket.setSoTimeout((int) left);
      DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
      try {
        socket.receive(packet);
      } catch (SocketTimeoutException e) {
        return Optional.empty();
      }
      Optional<DnsMessage.Answer> answer =
          DnsMessage.answer(Arrays.copyOf(buffer, packet.getLength()), id, name, type);
      if (answer.isPresent()) {
        return answer;
      }
    }
    return Optional.empty();
  }

  private void publish() {
    long now = System.nanoTime();
    Map<String, Set<InetAddress>> addresses = new HashMap<>();
    hosts.forEach((name, host) -> {
      host.until.values().removeIf(end -> end - now <= 0);
      if (!host.until.isEmpty()) {
        addresses.put(name, new HashSet<>(host.until.keySet()));
      }
    });
    HostNames next = new HostNames(addresses);
    if (!next.equals(found)) {
      found = next;
      try {
        changed.run();
      } catch (RuntimeException e) {
        LOG.log(Level.ERROR, "host_names_not_published", e); // the next change says all anew
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
