package io.sluice.cli.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.arguments.WrittenDurationConverter;
import io.sluice.process.AdminClient;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option of commands that can wait until what they show is as scripts want it. */
final class WaitOption {
  private static final long PAUSE_MILLIS = 250;

  @Option(
      names = "--wait",
      arity = "0..1",
      fallbackValue = "1m",
      paramLabel = "DURATION",
      converter = WrittenDurationConverter.class,
      description =
          "Wait until it is so, also for a daemon to start, and no longer than this; the exit code is"
              + " 0 where it is, else 1. Default: 1m; without --wait, not at all.")
  private @Nullable Duration patience;

  /** A question that another answer may follow. */
  interface Question {
    List<JsonNode> ask(AdminClient daemon) throws IOException;
  }

  /**
   * What a node said last, and whether that is what was waited for.
   *
   * @param values its answer
   * @param isSo whether it is as wanted; true as well where nobody waits
   */
  record Answer(List<JsonNode> values, boolean isSo) {}

  /** Asks, again and again where somebody waits; throws where no daemon answers in time. */
  Answer ask(NodeTarget target, Question question, Predicate<List<JsonNode>> isWanted)
      throws InterruptedException {
    Duration limit = patience;
    long begin = System.nanoTime();
    while (true) {
      boolean isLast = limit == null || System.nanoTime() - begin >= limit.toNanos();
      try {
        List<JsonNode> values = question.ask(target.client());
        boolean isSo = limit == null || isWanted.test(values);
        if (isSo || isLast) {
          return new Answer(values, isSo);
        }
      } catch (IOException e) {
        if (isLast) {
          throw target.silence(e);
        }
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }
}
