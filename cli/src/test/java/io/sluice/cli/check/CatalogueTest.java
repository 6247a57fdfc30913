package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Code.Group;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

/** The catalogue, its pages and its command; and how checks end that cannot do their work. */
class CatalogueTest {
  private static final String MADE =
      "<!-- Made from the code. Do not edit; `mvn -Dquick -pl cli -am test -Dtest=CatalogueTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -Dreference.write=true` writes it anew. -->\n\n";

  private static String support(String... arguments) {
    StringWriter out = new StringWriter();
    PrintWriter to = new PrintWriter(out);
    new CommandLine(new SupportCommand()).setOut(to).setErr(to).execute(arguments);
    return out.toString();
  }

  @ParameterizedTest
  @EnumSource(Group.class)
  void pageSaysWhatTheCatalogueSays(Group group) throws IOException {
    StringBuilder text = new StringBuilder(MADE + "# " + group.title() + "\n\n");
    text.append(
        "What `sluice check` finds of this group; `sluice support error-info CODE` prints the same.\n\n");
    text.append("| Code | Severity | Finding | Cause | Do |\n|---|---|---|---|---|\n");
    for (Code code : Code.values()) {
      if (code.group() == group) {
        text.append(
            "| %s | %s | %s | %s | %s |%n"
                .formatted(
                    code.label(), code.severity().word(), code.title(), code.cause(), code.mend()));
      }
    }
    Path page = Path.of("..", "docs", "checks", group.page() + ".md");
    if (Boolean.getBoolean("reference.write")) {
      Files.createDirectories(page.getParent());
      Files.writeString(page, text);
    }

    assertThat(page).content().isEqualTo(text.toString());
  }

  @Test
  void codesAreUniqueAndInOrder() {
    List<String> labels = Stream.of(Code.values()).map(Code::label).toList();

    assertThat(labels).doesNotHaveDuplicates().isSorted().hasSizeGreaterThan(100);
  }

  @Test
  void explainsOursAndThoseOfOsm() {
    assertThat(support("error-info", "slu2006")).contains("SLU2006 error", "Cause: ", "Do: ");
    assertThat(support("error-info", "E2006")).contains("SLU2007");
    assertThat(support("error-info", "E9999")).contains("'E9999' is no code");
    assertThat(support("error-info").lines()).hasSize(Code.values().length);
    assertThat(OsmCodes.all().keySet()).allMatch(code -> code.matches("E[1-7]\\d{3}"));
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
