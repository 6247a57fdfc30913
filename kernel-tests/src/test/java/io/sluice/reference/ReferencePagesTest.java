package io.sluice.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.MeshKey.Form;
import io.sluice.mesh.PingMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The pages of {@code docs/reference} are, or speak of, what the code declares now. */
class ReferencePagesTest {
  private static final String WRITE = "reference.write";
  private static final String COMMAND =
      "mvn -Dquick -pl kernel-tests -am test -Dtest=ReferencePagesTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -D"
          + WRITE
          + "=true";
  private static final String MADE =
      "<!-- Made from the code. Do not edit; `" + COMMAND + "` writes it anew. -->\n\n";

  /** A page, and what makes it. */
  enum Page {
    CRDS(CrdReference::text),
    METRICS(MetricReference::text);

    private final Function<SourceTree, String> text;

    Page(Function<SourceTree, String> text) {
      this.text = text;
    }

    private Path file() {
      return Path.of("docs", "reference", name().toLowerCase(Locale.ROOT) + ".md");
    }
  }

  @ParameterizedTest
  @EnumSource(Page.class)
  void pageSaysWhatTheCodeDeclares(Page page) throws IOException {
    SourceTree tree = SourceTree.around();
    String text = MADE + page.text.apply(tree);
    Path file = tree.root().resolve(page.file());
    if (Boolean.getBoolean(WRITE)) {
      Files.createDirectories(tree.root().resolve("docs/reference"));
      Files.writeString(file, text);
    }

    assertThat(file).as("written by: %s", COMMAND).content().isEqualTo(text);
  }

  /** That page is written by hand: what each key does stands there alone. */
  @Test
  void annotationsPageHasARowForEveryKeyUnderItsHeading() throws IOException {
    Map<String, List<String>> rows = new LinkedHashMap<>();
    String heading = "";
    Path page = SourceTree.around().root().resolve("docs/reference/annotations.md");
    for (String line : Files.readAllLines(page)) {
      if (line.startsWith("## ")) {
        heading = line.substring(3);
      } else if (line.startsWith("| `")) {
        rows.computeIfAbsent(heading, _ -> new ArrayList<>())
            .add(line.substring(2, line.indexOf(" | ")));
        assertThat(line.split(" \\| ", -1)).as(line).hasSize(4);
      }
    }

    assertThat(rows)
        .isEqualTo(
            Stream.of(MeshKey.values())
                .collect(
                    Collectors.groupingBy(
                        ReferencePagesTest::heading,
                        Collectors.mapping(ReferencePagesTest::cell, Collectors.toList()))));
    assertThat(page).content().contains("up to " + PingMode.PLAIN_BYTES + " bytes of payload");
  }

  private static String heading(MeshKey key) {
    return !key.isEnforced()
        ? "Known and not there yet"
        : key.form() == Form.LABEL ? "Labels" : "Annotations";
  }

  private static String cell(MeshKey key) {
    return key.keys().stream().map(name -> "`" + name + "`").collect(Collectors.joining(", "));
  }
}
