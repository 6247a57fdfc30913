package io.sluice.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.LongRun;
import io.sluice.lab.site.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Sixty faults are made one at a time in a mesh that runs, and {@code check} or {@code why} names
 * the cause. Before each one and after the last nothing is found. The short run makes each sixth of
 * them, and takes the page's word for the others.
 */
@Order(12)
@Tag("kernel")
class SixtyFaultsTest {
  private static final Path PAGE = Path.of("..", "docs", "diagnosis.md");
  private static final String NAMED = "named |";
  private static final String MISSED = "missed |";
  private static final String WRITE = "reference.write";
  private static final String REST = "## Every code";
  private static final int OF_A_GROUP = 20;
  private static final int EVERY = LongRun.ON ? 1 : 6;
  private static final int FEWEST_NAMED = 57;

  /** For daemon, controller or keep-alive to notice: twice as long as the slowest. */
  private static final Duration PATIENCE = Await.patience(20);

  @Test
  void atLeastFiftySevenOfSixtyAreNamed() throws Exception {
    Map<String, List<Fault>> groups = new LinkedHashMap<>();
    groups.put("objects and policy", ObjectFaults.all());
    groups.put("node and kernel", NodeFaults.all());
    groups.put(
        "certificates, controller, network",
        Stream.concat(TrustFaults.all().stream(), NetworkFaults.all().stream()).toList());
    assertThat(groups.values()).allSatisfy(group -> assertThat(group).hasSize(OF_A_GROUP));
    assertThat(groups.values().stream().flatMap(List::stream).map(Fault::what))
        .doesNotHaveDuplicates();

    List<String> page = Files.readAllLines(PAGE);
    List<String> missed = new ArrayList<>();
    StringBuilder rows = new StringBuilder();
    int number = 0;
    try (SickBay bay = new SickBay()) {
      bay.awaitHealth();
      for (Map.Entry<String, List<Fault>> group : groups.entrySet()) {
        for (Fault fault : group.getValue()) {
          String row =
              "| %d | %s | %s | %s | %s | "
                  .formatted(
                      ++number,
                      group.getKey(),
                      fault.what(),
                      fault.way().replace("|", "\\|"),
                      fault.by());
          boolean isNamed = page.contains(row + NAMED);
          if ((number - 1) % EVERY == 0) {
            List<String> answers = answers(fault, bay);
            isNamed = fault.isNamedBy(answers);
            if (!isNamed) {
              missed.add(fault + ": " + answers);
            }
          }
          rows.append(row).append(isNamed ? NAMED : MISSED).append('\n');
        }
      }
    }
    assertThat(number - missed.size()).as("%s", missed).isGreaterThanOrEqualTo(FEWEST_NAMED);
    assertPage(number - missed.size(), rows.toString());
  }

  /** What is answered while the fault is there: of several times the first that names it. */
  private static List<String> answers(Fault fault, SickBay bay) throws Exception {
    List<String> answers = new ArrayList<>();
    long begin = System.nanoTime();
    fault.make().on(bay);
    try {
      boolean _ =
          Await.until(
              PATIENCE,
              () -> {
                answers.clear();
                try {
                  answers.addAll(fault.question().ask(bay));
                } catch (IOException | RuntimeException nothing) {
                  answers.add("no answer: " + nothing);
                }
                return fault.isNamedBy(answers);
              });
    } finally {
      long asked = System.nanoTime();
      fault.mend().on(bay);
      bay.awaitHealth();
      System.out.printf(
          "%s: %d ms until answered, %d ms until well%n",
          fault.what(), (asked - begin) / 1_000_000, (System.nanoTime() - asked) / 1_000_000);
    }
    return answers;
  }

  private static void assertPage(int named, String rows) throws IOException {
    String before = Files.readString(PAGE);
    String page =
        """
        # Diagnosis

        Sixty faults, made one at a time in a mesh that runs: a controller, two nodes of network namespaces with a daemon each, the first a machine with
        mounts, a bpffs and a clock of its own. Then [`check`](checks/node.md) or [`why`](why.md) is asked, the fault is undone, and `check` is asked
        again. Named is what is answered with this code or reason, and with the object. %d of 60 are; without a fault, before the first and after each
        one, `check` finds nothing of any severity. `SixtyFaultsTest` does all of it and writes this table.

        | | Group | Fault | How it is made | Named by | Result |
        |--:|---|---|---|---|---|
        %s
        """
            .formatted(named, rows);
    if (Boolean.getBoolean(WRITE)) {
      Files.writeString(PAGE, page + before.substring(before.indexOf(REST)));
    }
    assertThat(PAGE).as("written with -D%s=true", WRITE).content().startsWith(page + REST);
  }
}
