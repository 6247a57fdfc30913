package io.sluice.node.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.node.fault.FaultPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The daemon is killed in the middle of a save, again and again. Takes a while, so tagged. */
@Tag("kernel")
class SaveCrashTest {
  private static final int DEATHS = 5;
  private static final int MORE_DEATHS = 50;
  private static final int LONGEST_LIFE_SAVES = 40;

  @TempDir private Path scratch;

  @Test
  void whatWasSavedLastIsThereWhenTheSaverDiesAtAnyMoment() throws Exception {
    die(DEATHS);
  }

  @Test
  @Tag("long")
  void itIsHoweverOftenItDies() throws Exception {
    die(MORE_DEATHS);
  }

  private void die(int deaths) throws Exception {
    Path directory = scratch.resolve("snapshot");
    Random random = new Random(6);
    long durable = 0;
    for (int death = 0; death < deaths; death++) {
      @Nullable FaultPoint point =
          switch (death % 5) {
            case 1 -> FaultPoint.SNAPSHOT_BEGUN;
            case 3 -> FaultPoint.SNAPSHOT_SAVED;
            default -> null;
          };
      Path output = scratch.resolve("printed-" + death);
      Process saver = start(directory, durable + 1, point, output);
      if (point == null) {
        killAfter(saver, output, 1 + random.nextInt(LONGEST_LIFE_SAVES), random.nextInt(2_000_000));
      }
      assertThat(saver.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertThat(saver.exitValue()).isEqualTo(137);
      long printed = printed(output).stream().reduce(0L, (first, second) -> second);

      SlotFiles.Found<Stored> found = new SlotFiles(directory).read(SnapshotFormat::stored);

      assertThat(found.faults()).as("death %d", death).isEmpty();
      Stored stored = found.newest().orElseThrow();
      long revision = stored.snapshot().revision();
      assertThat(revision)
          .as("death %d at %s", death, point)
          .isBetween(Math.max(durable, printed), Math.max(durable, printed) + 1);
      if (point != null) {
        assertThat(revision).isEqualTo(durable + (point == FaultPoint.SNAPSHOT_SAVED ? 1 : 0));
      }
      assertThat(stored.snapshot().hasSameContentAs(EndlessSaver.snapshot(revision))).isTrue();
      durable = revision;
    }
  }

  private static Process start(
      Path directory, long revision, @Nullable FaultPoint point, Path output) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m"));
    if (point != null) {
      command.add("-Dsluice.halt-at=" + point.name().toLowerCase(Locale.ROOT));
    }
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            EndlessSaver.class.getName(),
            directory.toString(),
            Long.toString(revision)));
    return new ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .redirectOutput(output.toFile())
        .start();
  }

  /** Kills it some time after so many saves. */
  private static void killAfter(Process saver, Path output, int saves, long nanos) {
    Await.until(() -> assertThat(printed(output)).hasSizeGreaterThanOrEqualTo(saves));
    long moment = System.nanoTime() + nanos;
    while (System.nanoTime() < moment) {
      Thread.onSpinWait();
    }
    saver.destroyForcibly();
  }

  /** Revisions that were said to be durable; a line without its end was never finished. */
  private static List<Long> printed(Path output) {
    try {
      String text = Files.readString(output);
      return text.substring(0, text.lastIndexOf('\n') + 1).lines().map(Long::valueOf).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
