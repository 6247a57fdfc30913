package io.sluice.process;

import io.sluice.mesh.svid.SiteTime;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The one clock that a process judges by. While the machine's wall clock is believed it is that;
 * otherwise the latest moment that was ever believed, which a file keeps, and what has passed since
 * by the monotonic clock: a lower bound. Any thread; {@link #instant} reads a file only when the
 * wall clock has jumped.
 */
public final class SiteClock implements SiteTime, AutoCloseable {
  /** Earlier than any release of this software. */
  public static final Instant MADE = Instant.parse("2026-01-01T00:00:00Z");

  /** No certificate names a later moment (RFC 5280 §4.1.2.5), and no clock that works shows one. */
  private static final Instant END = Instant.parse("9999-12-31T23:59:59Z");

  /** How far a right clock may be behind one that was believed before it was set right. */
  static final Duration BACK = Duration.ofMinutes(5);

  /** Longest time without power after which a clock is believed that nobody vouches for. */
  static final Duration AHEAD_ALONE = Duration.ofDays(31);

  /** The same of a clock that a time service keeps: beyond that one word is not enough. */
  static final Duration AHEAD_KEPT = Duration.ofDays(366);

  /** Certificates begin up to so much before their authority signs them. */
  static final Duration BACKDATED = Duration.ofMinutes(10);

  /** The clocks disagree by more only where the wall clock was set, or the machine slept. */
  private static final Duration STEP = Duration.ofSeconds(10);

  private static final Duration STEP_BACK = STEP.negated();

  private static final Duration LOOK = Duration.ofSeconds(5);
  private static final Duration KEEP = Duration.ofMinutes(10);
  private static final String FORMAT = "sluice-clock-1";
  private static final System.Logger LOG = System.getLogger(SiteClock.class.getName());

  /** The clocks of a machine. */
  interface Machine {
    Instant wall();

    /** Only differences mean anything. */
    long nanos();

    /** Since the boot, sleep included. */
    Duration uptime();

    /** Another one after each boot. */
    String boot();

    /** Whether a time service keeps the wall clock. */
    boolean isKept();
  }

  /**
   * How it stands.
   *
   * @param doubt why the wall clock is not believed; empty while it is
   * @param known what time it was at {@code nanos}
   * @param floor the latest moment believed
   * @param proven the latest one that a time service vouched for
   * @param vouched whether the wall clock is believed for a better reason than that it may be right
   */
  private record State(
      String doubt, Instant known, long nanos, Instant floor, Instant proven, boolean vouched) {
    Instant at(long now) {
      return known.plusNanos(now - nanos);
    }
  }

  /** What the authority's clock showed at least, when the monotonic one showed that. */
  private record Word(Instant begin, long nanos) {}

  private final DurableFile file;
  private final Machine machine;
  private volatile State state;

  // Guarded by this.
  private boolean isFirst;
  private @Nullable Word authority;
  private boolean isDue = true;
  private Instant kept = Instant.EPOCH;

  private volatile @Nullable Thread thread;

  /** Goes by the file at once; looks and keeps nothing by itself before {@link #start}. */
  SiteClock(Path file, Machine machine) {
    this.file = new DurableFile(file, PosixFilePermissions.fromString("rw-------"));
    this.machine = machine;
    this.state = read();
    look();
  }

  /**
   * The clock of a state folder, for who only looks: nothing is written before {@link #start}.
   *
   * @param isKept whether a time service keeps the wall clock of this machine
   */
  public static SiteClock open(Path stateDirectory, BooleanSupplier isKept) {
    return new SiteClock(file(stateDirectory), new RealMachine(isKept));
  }

  /** Where it keeps what it has believed. */
  public static Path file(Path stateDirectory) {
    return stateDirectory.resolve("clock");
  }

  /** Looks every five seconds from now on, and keeps the floor every ten minutes. */
  public synchronized SiteClock start() {
    if (!state.doubt.isEmpty()) {
      tell(state.doubt);
    }
    Thread looking = Thread.ofVirtual().name("sluice-clock").unstarted(this::run);
    thread = looking; // before it runs: whoever looks from now on tells changes
    looking.start();
    return this;
  }

  private void run() {
    while (!Thread.currentThread().isInterrupted()) {
      look();
      keep(false);
      LockSupport.parkNanos(LOOK.toNanos());
    }
  }

  @Override
  public Instant instant() {
    State now = state;
    Instant expected = now.at(machine.nanos());
    if (!now.doubt.isEmpty()) {
      return expected;
    }
    Instant wall = machine.wall();
    return isStep(expected, wall) ? look() : wall;
  }

  private static boolean isStep(Instant expected, Instant wall) {
    Duration step = Duration.between(expected, wall);
    return step.compareTo(STEP) > 0 || step.compareTo(STEP_BACK) < 0; // abs() goes by decimals
  }

  @Override
  public String doubt() {
    return state.doubt;
  }

  /** Also where nobody vouches: a clock that stood still without power looks like a right one. */
  @Override
  public boolean isLowerBound() {
    return !state.vouched;
  }

  /** By how much the wall clock is ahead of what is judged by; negative where it is behind. */
  public Duration difference() {
    return Duration.between(instant(), machine.wall());
  }

  /**
   * The mesh's authority has just signed for a key that was made here, in a certificate that begins
   * then: so it is that late at least, and a wall clock that agrees is right.
   */
  public synchronized void heard(Instant begin) {
    State now = state;
    long nanos = machine.nanos();
    authority = new Word(begin, nanos);
    if (begin.isAfter(now.at(nanos))) {
      state = new State(now.doubt, begin, nanos, later(begin, now.floor), now.proven, false);
      isDue = true;
    }
    look();
  }

  /** Decides again whether the wall clock is believed. What time it is. */
  synchronized Instant look() {
    State before = state;
    long nanos = machine.nanos();
    Instant wall = machine.wall();
    Instant expected = before.at(nanos);
    boolean kept = machine.isKept();
    boolean agreed = isAgreed(wall, nanos);
    String doubt = doubt(wall, expected, kept, agreed, before);
    if (doubt.isEmpty()) {
      isFirst = false;
      boolean vouched = kept || agreed;
      Instant floor = vouched ? wall : later(wall, before.floor);
      Instant proven = kept ? later(wall, before.proven) : before.proven;
      state = new State("", wall, nanos, floor, proven, vouched);
    } else {
      state = new State(doubt, expected, nanos, before.floor, before.proven, false);
    }
    boolean changes = doubt.isEmpty() != before.doubt.isEmpty();
    isDue |= changes;
    if (changes && thread != null) {
      tell(doubt);
    }
    return doubt.isEmpty() ? wall : expected;
  }

  private boolean isAgreed(Instant wall, long nanos) {
    Word word = authority;
    if (word == null) {
      return false;
    }
    Instant least = word.begin.plusNanos(nanos - word.nanos);
    return !wall.isBefore(least.minus(STEP)) && !wall.isAfter(least.plus(BACKDATED));
  }

  private String doubt(Instant wall, Instant expected, boolean kept, boolean agreed, State before) {
    if (wall.isBefore(MADE)) {
      return "the wall clock shows " + text(wall) + ", before this software was made";
    }
    Instant least = (kept || agreed ? before.proven : before.floor).minus(BACK);
    if (wall.isBefore(least)) {
      return "the wall clock shows "
          + text(wall)
          + ", before "
          + text(least.plus(BACK))
          + ", which has passed";
    }
    Duration most = kept ? AHEAD_KEPT : AHEAD_ALONE;
    if (!isFirst && !agreed && wall.isAfter(expected.plus(most))) {
      return "the wall clock shows "
          + text(wall)
          + ", more than "
          + most.toDays()
          + " days after what is known, and "
          + (kept ? "a time service alone vouches for it" : "nobody vouches for it");
    }
    return "";
  }

  private void tell(String doubt) {
    if (doubt.isEmpty()) {
      LOG.log(System.Logger.Level.INFO, "time_trusted it is {0}", text(state.known));
    } else {
      LOG.log(
          System.Logger.Level.WARNING,
          "time_not_trusted it is {0} at least: {1}",
          text(state.known),
          doubt);
    }
  }

  private static Instant later(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }

  private static String text(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** What the file says; the moment before which nothing was made, where it says nothing. */
  private State read() {
    long nanos = machine.nanos();
    try {
      List<String> words =
          Arrays.asList(
              Files.readString(file.path(), StandardCharsets.US_ASCII).strip().split(" "));
      if (words.size() != 5 || !words.getFirst().equals(FORMAT)) {
        throw new IOException("it is not what this software writes");
      }
      Instant floor = later(MADE, Instant.ofEpochMilli(Long.parseLong(words.get(1))));
      Instant vouched = Instant.ofEpochMilli(Long.parseLong(words.get(2)));
      Instant proven = later(MADE, vouched);
      if (later(floor, proven).isAfter(END)) {
        throw new IOException("it names a moment that no clock shows");
      }
      Duration then = Duration.ofMillis(Long.parseLong(words.get(3)));
      Duration up = machine.uptime();
      isFirst = vouched.equals(Instant.EPOCH);
      boolean sameBoot = words.get(4).equals(machine.boot()) && up.compareTo(then) >= 0;
      return new State("", floor.plus(sameBoot ? up.minus(then) : up), nanos, floor, proven, false);
    } catch (NoSuchFileException e) {
      // The first start: nothing is known that a clock could contradict.
    } catch (IOException | DateTimeException | ArithmeticException | NumberFormatException e) {
      LOG.log(System.Logger.Level.ERROR, "clock_not_read file={0} problem={1}", file.path(), e);
    }
    isFirst = true;
    return new State("", MADE, nanos, MADE, MADE, false);
  }

  /** Writes the floor where that is due; a folder that is not there yet is waited for. */
  private synchronized void keep(boolean now) {
    State present = state;
    Instant known = present.at(machine.nanos());
    boolean isOld = Duration.between(kept, known).abs().compareTo(KEEP) >= 0;
    if (!(now || isDue || isOld) || !Files.isDirectory(file.directory())) {
      return;
    }
    String line =
        "%s %d %d %d %s%n"
            .formatted(
                FORMAT,
                known.toEpochMilli(),
                isFirst ? 0 : present.proven.toEpochMilli(), // none was ever believed
                machine.uptime().toMillis(),
                machine.boot());
    isDue = false;
    kept = known; // also after a failure: a full disk is tried no sooner
    try {
      file.replace(line.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "clock_not_kept file={0} problem={1}", file.path(), e);
    }
  }

  /** Keeps the floor a last time, where it was started. */
  @Override
  public void close() {
    Thread present = thread;
    if (present != null) {
      thread = null;
      present.interrupt();
      try {
        present.join(); // nothing is written once this one is closed: the next daemon may write
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      keep(true);
    }
  }

  /** This one; what the kernel does not tell counts as nothing. */
  private record RealMachine(BooleanSupplier kept) implements Machine {
    private static final Path UPTIME = Path.of("/proc/uptime");
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

    @Override
    public Instant wall() {
      return Instant.now();
    }

    @Override
    public long nanos() {
      return System.nanoTime();
    }

    @Override
    public Duration uptime() {
      String seconds = line(UPTIME).split(" ")[0];
      return seconds.isEmpty()
          ? Duration.ZERO
          : Duration.ofMillis(Math.round(Double.parseDouble(seconds) * 1000));
    }

    @Override
    public String boot() {
      String id = line(BOOT);
      return id.isEmpty() ? "-" : id;
    }

    private static String line(Path path) {
      try {
        return Files.readString(path, StandardCharsets.US_ASCII).strip();
      } catch (IOException e) {
        return "";
      }
    }

    @Override
    public boolean isKept() {
      return kept.getAsBoolean();
    }
  }
}
