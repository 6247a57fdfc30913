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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Asks name servers for hosts outside the mesh, again when an answer has run out. An address counts
 * for a while after its answer: pods may have had it from one of those before, and of several
 * answers each has a part. Hosts are asked for side by side, few at a time: one virtual thread
 * keeps what is known, and one for each of those asks.
 */
public final class NameFinder implements AutoCloseable {
  private static final Logger LOG = System.getLogger(NameFinder.class.getName());

  /**
   * Hosts that are asked for, shared by those who name them; and addresses of one of them: what is
   * more opens nothing.
   */
  private static final int MOST_HOSTS = 1_024;

  private static final int MOST_ADDRESSES = 256;
  private static final int MOST_SERVERS = 4;

  /** Hosts that are asked for at once, and those of them that one namespace wants. */
  private static final int MOST_ASKED = 8;

  private static final int MOST_OF_ONE = 4;

  /** For one answer of one server. */
  static final Duration WAIT = Duration.ofSeconds(2);

  private static final Duration SHORTEST = Duration.ofSeconds(5);
  private static final Duration LONGEST = Duration.ofMinutes(5);

  /** Between two tries for a host that gives no answer; a quarter more or less by chance. */
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  /** How long an address counts beyond the life of its answer. */
  static final Duration GRACE = Duration.ofMinutes(5);

  private final SecureRandom random = new SecureRandom();
  private final Semaphore signals = new Semaphore(0);
  private final Thread thread = Thread.ofVirtual().name("sluice-host-names").unstarted(this::run);
  private final ExecutorService asking =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("sluice-host-name-", 0).factory());
  private final Queue<Asked> asked = new ConcurrentLinkedQueue<>();

  // The thread's.
  private final Map<String, Host> hosts = new HashMap<>();
  private List<InetSocketAddress> serversAsked = List.of();
  private final Map<String, Integer> busy = new HashMap<>(); // by who wants them

  private volatile Wanted wanted = new Wanted(Map.of(), List.of());
  private volatile HostNames found = HostNames.NONE;
  private volatile Runnable changed = () -> {};
  private volatile boolean closed;

  /** Hosts with who wants them. */
  private record Wanted(Map<String, String> hosts, List<InetSocketAddress> servers) {}

  private record Asked(Host host, String owner, List<Optional<DnsMessage.Answer>> answers) {}

  /** What is known of a host: until when each address counts, and when to ask again. */
  private static final class Host {
    final Map<InetAddress, Long> until = new HashMap<>();
    String name = "";
    String owner = "";
    long nextNanos = System.nanoTime();
    boolean isAsked;
    int failures; // since the last answer
  }

  /** Asks for nothing yet; {@code listener} hears, on the finder's thread, of every change. */
  public void start(Runnable listener) {
    changed = listener;
    thread.start();
  }

  /**
   * What to ask for from now on, and whom. Any thread.
   *
   * @param names by who wants them, in lower case; of too many each has an equal part
   */
  public void want(Map<String, Set<String>> names, List<InetSocketAddress> servers) {
    Wanted next =
        new Wanted(shared(names), servers.stream().distinct().limit(MOST_SERVERS).toList());
    if (!next.equals(wanted)) {
      wanted = next;
      signals.release();
    }
  }

  /**
   * One of each in turn, for as long as there are some; who wants the fewest owns what is shared.
   */
  private static Map<String, String> shared(Map<String, Set<String>> names) {
    Map<String, Iterator<String>> turns = new TreeMap<>();
    names.forEach((owner, each) -> turns.put(owner, new TreeSet<>(each).iterator()));
    Map<String, String> shared = new HashMap<>();
    while (!turns.isEmpty()) {
      turns.values().removeIf(turn -> !turn.hasNext());
      for (Map.Entry<String, Iterator<String>> turn : turns.entrySet()) {
        if (shared.size() == MOST_HOSTS) {
          return owned(shared, names);
        }
        shared.putIfAbsent(turn.getValue().next(), turn.getKey());
      }
    }
    return owned(shared, names);
  }

  private static Map<String, String> owned(
      Map<String, String> shared, Map<String, Set<String>> names) {
    List<Map.Entry<String, Set<String>>> owners = new ArrayList<>(names.entrySet());
    owners.sort(
        Comparator.<Map.Entry<String, Set<String>>>comparingInt(each -> each.getValue().size())
            .thenComparing(Map.Entry::getKey));
    Map<String, String> owned = new HashMap<>();
    owners.forEach(owner ->
        owner.getValue().stream()
            .filter(shared::containsKey)
            .forEach(host -> owned.putIfAbsent(host, owner.getKey())));
    return Map.copyOf(owned);
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
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "host_names_closed");
    }
  }

  /** Returns the pause until the next, in nanoseconds; an answer ends it. */
  private long round() {
    Wanted now = wanted;
    hosts.keySet().retainAll(now.hosts().keySet());
    for (Asked one = asked.poll(); one != null; one = asked.poll()) {
      learn(one);
    }
    publish();
    long begin = System.nanoTime();
    if (!now.servers().equals(serversAsked)) {
      serversAsked = now.servers();
      hosts.values().stream()
          .filter(host -> host.failures > 0)
          .forEach(host -> host.nextNanos = begin);
    }
    List<Host> due = new ArrayList<>();
    long pause = LONGEST.toNanos();
    for (Map.Entry<String, String> each : now.hosts().entrySet()) {
      Host host = hosts.computeIfAbsent(each.getKey(), _ -> new Host());
      if (!host.isAsked && host.nextNanos - begin > 0) {
        pause = Math.min(pause, host.nextNanos - begin);
      } else if (!host.isAsked) {
        host.name = each.getKey();
        host.owner = each.getValue();
        due.add(host);
      }
    }
    due.sort(
        Comparator.<Host>comparingInt(host -> Math.min(1, host.failures))
            .thenComparingLong(host -> host.nextNanos - begin));
    beginSome(due, now.servers());
    return pause;
  }

  /** In turn for those who want them, so that hosts that take long are in nobody else's way. */
  private void beginSome(List<Host> due, List<InetSocketAddress> servers) {
    for (int free = MOST_ASKED - busy.values().stream().mapToInt(each -> each).sum();
        free > 0;
        free--) {
      Optional<Host> next =
          due.stream()
              .filter(host -> !host.isAsked && busyFor(host) < MOST_OF_ONE)
              .min(Comparator.comparingInt(this::busyFor));
      if (next.isEmpty()) {
        return;
      }
      Host host = next.get();
      String name = host.name;
      String owner = host.owner;
      host.isAsked = true;
      busy.merge(owner, 1, Integer::sum);
      asking.execute(() -> {
        asked.add(new Asked(host, owner, ask(name, servers)));
        signals.release();
      });
    }
  }

  private int busyFor(Host host) {
    return busy.getOrDefault(host.owner, 0);
  }

  private List<Optional<DnsMessage.Answer>> ask(String name, List<InetSocketAddress> servers) {
    Optional<DnsMessage.Answer> first = ask(name, DnsMessage.A, servers);
    return first.isEmpty() ? List.of(first) : List.of(first, ask(name, DnsMessage.AAAA, servers));
  }

  /** What is known stays where there is no answer. */
  private void learn(Asked one) {
    busy.computeIfPresent(one.owner(), (_, count) -> count == 1 ? null : count - 1);
    Host host = one.host();
    host.isAsked = false;
    long now = System.nanoTime();
    Duration life = LONGEST;
    boolean failed = false;
    for (Optional<DnsMessage.Answer> answer : one.answers()) {
      failed |= answer.isEmpty();
      if (answer.isPresent() && !answer.get().addresses().isEmpty()) {
        Duration own = bounded(answer.get().life());
        life = own.compareTo(life) < 0 ? own : life;
        for (InetAddress address : answer.get().addresses()) {
          if (host.until.size() < MOST_ADDRESSES || host.until.containsKey(address)) {
            host.until.put(address, now + own.plus(GRACE).toNanos());
          }
        }
      }
    }
    host.failures = failed || host.until.isEmpty() ? host.failures + 1 : 0;
    if (host.failures > 0) {
      Duration pause = pause(host.failures, random.nextDouble());
      life = pause.compareTo(life) < 0 ? pause : life;
    }
    host.nextNanos = now + life.toNanos();
  }

  /**
   * Before a host is asked for again.
   *
   * @param failures at least 1
   * @param chance from 0 to 1
   */
  static Duration pause(int failures, double chance) {
    long millis =
        Math.min(LONGEST_PAUSE.toMillis(), SHORTEST.toMillis() << Math.min(failures - 1, 10));
    return Duration.ofMillis((long) (millis * (0.75 + chance / 2)));
  }

  private static Duration bounded(Duration life) {
    return life.compareTo(SHORTEST) < 0 ? SHORTEST : life.compareTo(LONGEST) > 0 ? LONGEST : life;
  }

  private Optional<DnsMessage.Answer> ask(String name, int type, List<InetSocketAddress> servers) {
    for (InetSocketAddress server : servers) {
      if (closed) {
        return Optional.empty();
      }
      try (DatagramSocket socket = new DatagramSocket()) {
        socket.connect(server);
        int id = random.nextInt(1 << 16);
        byte[] question = DnsMessage.question(id, name, type);
        socket.send(new DatagramPacket(question, question.length));
        Optional<DnsMessage.Answer> answer = receive(socket, id, name, type);
        if (answer.isPresent() && answer.get().tells()) {
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
    asking.shutdownNow();
  }
}
