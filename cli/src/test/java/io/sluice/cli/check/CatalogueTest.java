package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.RequestRecord.End;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The catalogue, its pages and its command; and how checks end that cannot do their work. */
class CatalogueTest {
  private static final Pattern CODE_IN_A_LITERAL =
      Pattern.compile("\"[^\"\\n]*\\b((?:SLU|E)\\d{4})\\b[^\"\\n]*\"");

  private static final Pattern EVENT =
      Pattern.compile(
          "(?:\\b(?:LOG|log|logger)\\.log\\([^;\"]*|present\\.put\\(|\\bchange\\()\"([a-z]*(?:_[a-z]+)+)[ \",]");

  private static String support(String... arguments) {
    StringWriter out = new StringWriter();
    PrintWriter to = new PrintWriter(out);
    new CommandLine(new SupportCommand()).setOut(to).setErr(to).execute(arguments);
    return out.toString();
  }

  @Test
  void codesAreUniqueAndInOrderAndEachIsARowOfAPage() {
    List<String> labels = Stream.of(Code.values()).map(Code::label).toList();

    assertThat(labels).doesNotHaveDuplicates().isSorted().hasSizeGreaterThan(100);
    assertThat(Code.Row.ALL.keySet()).containsExactlyElementsOf(labels);
  }

  @Test
  void explainsOursAndThoseOfOsm() {
    assertThat(support("error-info", "slu2006")).contains("SLU2006 error", "Cause: ", "Do: ");
    assertThat(support("error-info", "E2006")).contains("SLU2007");
    assertThat(support("error-info", "E9999")).contains("'E9999' is no code");
    assertThat(support("error-info", "no_traffic_target"))
        .startsWith("no_traffic_target: no TrafficTarget lets this source reach the destination\n");
    assertThat(support("error-info").lines()).hasSize(Code.values().length);
    assertThat(OsmCodes.all().keySet()).allMatch(code -> code.matches("E[1-7]\\d{3}"));
  }

  @Test
  void eachCodeAndReasonIsExplainedWithWhatToDo() {
    assertThat(
            Stream.concat(
                Stream.of(Code.values()).map(Code::label),
                Stream.concat(
                    OsmCodes.all().keySet().stream(),
                    Stream.of(Reason.values()).map(Reason::label))))
        .allSatisfy(
            code -> assertThat(support("error-info", code)).containsPattern("(?m)^Do: .+\\.$"));
  }

  /** What daemons and controllers log has words for its reasons, or a code that is explained. */
  @Test
  void noCodeIsLoggedThatHasNoText() throws IOException {
    List<String> untold = new ArrayList<>();
    try (Stream<Path> files = Files.walk(Path.of(".."))) {
      for (Path file :
          files.filter(each -> each.toString().matches(".*/src/main/java/.*\\.java")).toList()) {
        for (MatchResult literal :
            CODE_IN_A_LITERAL.matcher(Files.readString(file)).results().toList()) {
          if (support("error-info", literal.group(1)).contains("is no code")) {
            untold.add(file + ": " + literal.group());
          }
        }
      }
    }
    assertThat(untold).isEmpty();
  }

  /** A name that begins elsewhere stands for those that end so. */
  @Test
  void eachEventOfTheLogsIsARowOfItsPage() throws IOException {
    Set<String> logged = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of(".."))) {
      for (Path file :
          files.filter(each -> each.toString().matches(".*/src/main/java/.*\\.java")).toList()) {
        EVENT
            .matcher(Files.readString(file))
            .results()
            .map(found -> found.group(1))
            .forEach(logged::add);
      }
    }
    List<String> rows = Code.Row.cells("log.md").map(row -> row[0]).toList();

    assertThat(rows).isSorted().doesNotHaveDuplicates();
    assertThat(logged).hasSizeGreaterThan(200);
    assertThat(logged).allSatisfy(event -> assertThat(rows).anyMatch(row -> isOf(row, event)));
    assertThat(rows).allSatisfy(row -> assertThat(logged).anyMatch(event -> isOf(row, event)));
    assertThat(support("error-info", "pod_not_enrolled"))
        .startsWith("pod_not_enrolled: The pod is to be in the mesh")
        .contains("\nDo: Read the problem;");
    assertThat(support("error-info", "pod_enrolled"))
        .endsWith("\nDo: Nothing: it is told for the record.\n");
  }

  private static boolean isOf(String row, String event) {
    return event.startsWith("_") ? row.endsWith(event) : row.equals(event);
  }

  @Test
  void eachFlagOfTheAccessLogIsExplained() {
    assertThat(End.values())
        .allSatisfy(end ->
            assertThat(support("error-info", end.flag()))
                .contains(end.flag() + ": " + end.explanation()));
    assertThat(support("error-info", "UO").lines().filter(line -> line.startsWith("UO: ")))
        .hasSize(2);
  }

  @Test
  void eachWordForTheEndOfAnExchangeOrAConnectionIsExplained() {
    assertThat(End.values())
        .allSatisfy(end ->
            assertThat(support("error-info", end.label()))
                .contains(end.label() + " (response_code_details): " + end.explanation()));
    assertThat(CloseKind.values())
        .allSatisfy(kind ->
            assertThat(support("error-info", kind.label()))
                .contains(kind.label() + " (close): " + kind.explanation()));
    assertThat(support("error-info", "-") + support("error-info", "fin"))
        .doesNotContain("See the reason");
  }

  @Test
  void wordsAreFoundInAnyCase() {
    for (String word :
        List.of("dc", "Pod_Closed", "Timed_Out", "Connect_Failure", "Pod_Enrolled")) {
      assertThat(support("error-info", word)).contains("\nDo: ");
    }
  }

  @Test
  void aCheckThatFailsOrHangsEndsNotTheRun() {
    Facts facts =
        new Facts(
            new Host(Path.of("/nowhere")),
            "nobody",
            Path.of("/nowhere"),
            false,
            Instant.now(),
            Map.of(),
            () -> {
              throw new NotThereException("no folder");
            });
    List<Check> checks =
        List.of(
            new Check(
                "broken",
                (_, _) -> {
                  throw new IllegalStateException("a mistake");
                }),
            new Check("endless", (_, _) -> hang()),
            new Check("absent", (all, _) -> all.objects()),
            new Check("good", (_, found) -> found.add(Code.NOTE, "a", "b")));

    CheckRun run = CheckRun.of(checks, facts, Duration.ofMillis(200), subject -> {});

    assertThat(run.found()).extracting(Found::code).containsExactly(Code.NOTE);
    assertThat(
            run.failed().stream()
                .collect(Collectors.toMap(each -> each.subject(), each -> each.why())))
        .containsEntry("broken", "IllegalStateException: a mistake")
        .containsKey("endless");
    assertThat(run.notLooked()).extracting(each -> each.why()).containsExactly("no folder");
  }

  private static void hang() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aWrongFolderIsAWrongArgument() {
    StringWriter err = new StringWriter();
    int code =
        new CommandLine(new CheckCommand())
            .setErr(new PrintWriter(err))
            .execute("--registry", "/nowhere/at/all");

    assertThat(code).isEqualTo(2);
    assertThat(err.toString()).contains("--registry /nowhere/at/all is not a folder");
  }
}
