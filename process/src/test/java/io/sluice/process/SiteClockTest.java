package io.sluice.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is believed of a wall clock; the machine's clocks are the test's. */
class SiteClockTest {
  private static final Instant NOON = Instant.parse("2027-03-01T12:00:00Z");
  private static final Duration YEARS = Duration.ofDays(5 * 365);

  /** A machine whose time is what a test says. */
  private static final class Board implements SiteClock.Machine {
    Instant wall = NOON;
    Duration uptime = Duration.ofHours(1);
    String boot = "first";
    boolean kept;

    @Override
    public Instant wall() {
      return wall;
    }

    @Override
    public long nanos() {
      return uptime.toNanos();
    }

    @Override
    public Duration uptime() {
      return uptime;
    }

    @Override
    public String boot() {
      return boot;
    }

    @Override
    public boolean isKept() {
      return kept;
    }

    void pass(Duration time) {
      wall = wall.plus(time);
      uptime = uptime.plus(time);
    }

    void wakeUpAt(Instant shown) {
      boot = boot + "+";
      uptime = Duration.ofSeconds(20);
      wall = shown;
    }
  }

  private final Board board = new Board();

  @TempDir private Path directory;

  private SiteClock opened() {
    return new SiteClock(directory.resolve("clock"), board);
  }

  /** A daemon that ran and ended. */
  private void keep() {
    try (SiteClock clock = opened().start()) {
      clock.look();
    }
  }

  private void assertTrusted(SiteClock clock) {
    clock.look();
    assertThat(clock.doubt()).isEmpty();
    assertThat(clock.instant()).isEqualTo(board.wall);
  }

  private static void assertFloor(SiteClock clock, Instant floor) {
    clock.look();
    assertThat(clock.isLowerBound()).isTrue();
    assertThat(clock.instant()).isEqualTo(floor);
  }

  @Test
  void atTheFirstStartAnyClockIsBelievedThatShowsATimeAfterThisSoftwareWasMade() {
    assertTrusted(opened());
    board.wall = Instant.EPOCH;
    assertFloor(opened(), SiteClock.MADE);
  }

  @Test
  void aFirstStartIn1970IsNoClockThatWasBelieved() {
    board.wakeUpAt(Instant.EPOCH);
    keep();
    board.pass(Duration.ofHours(1));
    SiteClock restarted = opened();
    assertFloor(restarted, SiteClock.MADE.plus(Duration.ofHours(1)));
    board.wall = NOON; // set by hand, 14 months after this software was made
    assertTrusted(restarted);

    keep();
    board.wall = NOON.plus(Duration.ofDays(40));
    assertFloor(opened(), NOON);
  }

  @Test
  void aFloorThatNoClockCanReachIsNoFloor() throws Exception {
    keep();
    Path file = directory.resolve("clock");
    String line = Files.readString(file);
    Files.writeString(
        file, line.replace(" " + NOON.toEpochMilli() + " ", " " + Long.MAX_VALUE + " "));
    assertTrusted(opened());
    keep();
    assertThat(Files.readString(file)).isEqualTo(line);
  }

  @Test
  void aBoardThatWakesUpIn1970OrInFiveYearsGoesByWhatItKnewAndTheTimeSinceItsBoot() {
    keep();
    for (Instant shown : new Instant[] {Instant.EPOCH, NOON.minusSeconds(3600), NOON.plus(YEARS)}) {
      board.wakeUpAt(shown);
      SiteClock clock = opened();
      assertFloor(clock, NOON.plusSeconds(20));
      board.pass(Duration.ofMinutes(7));
      assertFloor(clock, NOON.plusSeconds(20).plus(Duration.ofMinutes(7)));
    }
    board.kept = true; // one word is not enough for years, in whichever direction
    assertFloor(opened(), NOON.plusSeconds(20).plus(Duration.ofMinutes(7)));
  }

  @Test
  void aClockThatIsSetRightIsBelievedFromThenOn() {
    keep();
    board.wakeUpAt(Instant.EPOCH);
    SiteClock clock = opened();
    assertFloor(clock, NOON.plusSeconds(20));
    board.wall = NOON.plus(Duration.ofDays(40));
    assertFloor(clock, NOON.plusSeconds(20));
    board.kept = true;
    assertTrusted(clock);

    board.kept = false;
    board.wall = board.wall.plus(YEARS);
    assertThat(clock.instant()).isEqualTo(NOON.plus(Duration.ofDays(40)));
    board.wall = board.wall.minus(YEARS).plus(Duration.ofHours(2));
    assertTrusted(clock);
  }

  @Test
  void aClockThatIsAheadByLessThanAMonthIsBelievedUntilATimeServiceKnowsBetter() {
    keep();
    board.wakeUpAt(NOON.plus(Duration.ofDays(30)));
    keep();
    board.wall = NOON.plusSeconds(60);
    SiteClock clock = opened();
    assertFloor(clock, NOON.plus(Duration.ofDays(30)));
    board.kept = true;
    assertTrusted(clock);

    board.wall = NOON.minus(Duration.ofHours(1));
    board.kept = false;
    assertFloor(clock, NOON.plusSeconds(60));
  }

  @Test
  void whatATimeServiceVouchedForNeverComesAgain() {
    board.kept = true;
    keep();
    board.wall = NOON.minus(Duration.ofHours(1));
    assertFloor(opened(), NOON);
    board.wall = NOON.minus(Duration.ofMinutes(4));
    assertTrusted(opened());
  }

  @Test
  void whatTheAuthoritySignsRaisesTheFloorAndVouchesForAClockThatAgrees() {
    keep();
    board.wakeUpAt(NOON.plus(YEARS));
    SiteClock clock = opened();
    Instant signed = NOON.plus(Duration.ofDays(90));
    clock.heard(signed);
    assertFloor(clock, signed);
    clock.heard(NOON);
    assertFloor(clock, signed);
    clock.heard(signed);

    board.wall = signed.plus(Duration.ofMinutes(5));
    assertTrusted(clock);
  }

  @Test
  void aClockThatStoodStillWithTheBoardProvesNothingToHaveNotBegunAndTheAuthoritySetsItRight() {
    board.kept = true;
    keep();
    assertThat(opened().isLowerBound()).isFalse();
    board.kept = false;
    board.wakeUpAt(NOON.plusSeconds(1)); // as systemd and fake-hwclock set it, after a month
    SiteClock clock = opened();
    assertTrusted(clock);
    assertThat(clock.isLowerBound()).isTrue();

    Instant signed = NOON.plus(Duration.ofDays(30));
    clock.heard(signed);
    assertFloor(clock, signed);
    board.wall = signed.plusSeconds(60);
    assertTrusted(clock);
    assertThat(clock.isLowerBound()).isFalse();
  }

  @Test
  void aRestartOfTheDaemonGoesOnFromTheTimeThatHasPassedSinceTheFloorWasKept() {
    keep();
    board.pass(Duration.ofDays(2));
    board.wall = Instant.EPOCH;
    assertFloor(opened(), NOON.plus(Duration.ofDays(2)));
    keep(); // what is known is kept too while the clock is not believed
    board.wakeUpAt(Instant.EPOCH);
    assertFloor(opened(), NOON.plus(Duration.ofDays(2)).plusSeconds(20));
  }

  @Test
  void aFileThatCannotBeReadIsAFirstStart() throws Exception {
    keep();
    Files.writeString(directory.resolve("clock"), "sluice-clock-1 9 torn");
    assertTrusted(opened());
  }

  @Test
  void theFloorIsKeptByTheOwnerAloneAndNotBeforeTheClockIsStarted() throws Exception {
    opened().close();
    assertThat(directory.resolve("clock")).doesNotExist();
    keep();
    assertThat(Files.readString(directory.resolve("clock"))).hasSizeLessThan(120);
    assertThat(Files.getPosixFilePermissions(directory.resolve("clock"))).hasSize(2);
  }

  /** Its thread may come to its first look when that doubt is over. */
  @Test
  void aDoubtThatItIsOpenedWithIsToldAndSoIsItsEnd() {
    List<String> told = new CopyOnWriteArrayList<>(); // by other tests' clocks too
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            told.add(line.getMessage() + Arrays.toString(line.getParameters()));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(SiteClock.class.getName());
    logger.addHandler(handler);
    board.wall = Instant.EPOCH;
    SiteClock clock = opened();
    board.wall = NOON.plusSeconds(17);
    try (clock) {
      clock.start();
      assertTrusted(clock);
    } finally {
      logger.removeHandler(handler);
    }
    String trusted = "time_trusted it is {0}[2027-03-01T12:00:17Z]";
    assertThat(told).containsOnlyOnce(trusted);
    assertThat(told.subList(0, told.indexOf(trusted)))
        .anyMatch(line -> line.startsWith("time_not_trusted") && line.contains("1970-01-01"));
  }
}
